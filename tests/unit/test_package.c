/* SPDX-License-Identifier: Apache-2.0 */
/* .deb and .rpm as dpkg-deb and rpmbuild make them here, and archives made to do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "package_fixture.h"
#include "tempdir.h"

#define CONTROL                                                                                    \
    "Package: hello-sg\nVersion: 2:1.10~rc1-3+b1\nArchitecture: all\n"                             \
    "Maintainer: A <a@example.com>\nDescription: greets\n Version: none\n"

static char *dir;

static int setup(void **state)
{
    (void)state;
    dir = tempdir_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(dir);
    return 0;
}

static enum sg_err describe(const char *file, const char *name, struct package_info *ret)
{
    SG_FD_CLEANUP int fd = open(tempdir_path(dir, file), O_RDONLY | O_CLOEXEC);
    struct stat st;

    assert_return_code(fd, 0);
    assert_return_code(fstat(fd, &st), 0);
    return package_describe_fd(fd, (uint64_t)st.st_size, name, ret);
}

static void run(const char *command)
{
    free(package_run(dir, command));
}

static void load(const char *file, struct buf *ret)
{
    buf_init(ret, 16 << 20);
    assert_int_equal(SG_OK, file_read(tempdir_path(dir, file), ret));
}

static void make_deb(const char *compression)
{
    struct buf command;

    buf_init(&command, 4096);
    buf_printf(&command,
               "rm -rf tree && mkdir -p tree/DEBIAN tree/usr/share/hello && "
               "printf '%%s' '" CONTROL "' >tree/DEBIAN/control && "
               "echo /etc/x >tree/DEBIAN/triggers.md && echo hello >tree/usr/share/hello/hello && "
               "dpkg-deb --root-owner-group --uniform-compression -Z%s -b tree hello.deb && "
               "ar t hello.deb",
               compression);
    run(buf_str(&command));
    buf_fini(&command);
}

static void test_deb(void **state)
{
    static const struct {
        const char *compression, *member;
    } kinds[] = {{"gzip", "control.tar.gz"},
                 {"xz", "control.tar.xz"},
                 {"zstd", "control.tar.zst"},
                 {"none", "control.tar"}};
    struct package_info info;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *members, *version;

        make_deb(kinds[i].compression);
        members = package_run(dir, "ar t hello.deb | sed -n 2p | tr -d '\\n'");
        assert_string_equal(kinds[i].member, members);
        free(members);
        assert_int_equal(SG_OK, describe("hello.deb", "other_9_all.deb", &info));
        package_assert(&info, "hello-sg", "hello-sg", "2:1.10~rc1-3+b1", "deb",
                       SG_PACKAGE_FROM_CONTENT);
        version = package_run(dir, "dpkg-deb -f hello.deb Version | tr -d '\\n'");
        assert_string_equal(version, info.vrmf);
        free(version);
    }
}

/* Cut anywhere and with any byte changed: an answer, and never one with other characters in it. */
static void test_deb_damaged(void **state)
{
    static const char *const kinds[] = {"gzip", "xz", "zstd", "none"};

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct buf b;
        struct package_info info;

        make_deb(kinds[k]);
        load("hello.deb", &b);
        for (size_t len = 0; len < 140; len++) /* what comes before the compressed data */
            assert_int_equal(SG_ERR_NOT_FOUND, package_bytes_read(b.data, len, &info));
        for (size_t at = 0; at < b.len; at += 3) {
            uint8_t was = b.data[at];

            b.data[at] ^= 0x41;
            if (package_bytes_read(b.data, b.len, &info) == SG_OK)
                assert_true(info.package[0] != '\0' && info.vrmf[0] != '\0');
            b.data[at] = was;
        }
        buf_fini(&b);
    }
}

/* A content that cannot be read is an error, not a content without fields. */
static void test_read_errors(void **state)
{
    struct package_info info;
    struct package_bytes bytes = {.fail = SG_ERR_CORRUPT};
    struct package_input in;
    struct buf b;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    make_deb("gzip");
    load("hello.deb", &b);
    bytes.data = b.data;
    bytes.len = b.len;
    in = package_bytes_input(&bytes);
    assert_int_equal(SG_ERR_CORRUPT, package_describe(&in, "a_1_all.deb", &info));
    assert_int_equal(SG_ERR_CORRUPT, package_deb_read(&in, &info));
    assert_int_equal(SG_ERR_CORRUPT, package_rpm_read(&in, &info));
    assert_int_equal(SG_ERR_CORRUPT, package_bff_read(&in, &info));
    buf_fini(&b);
    assert_int_equal(SG_ERR_IO, package_describe_fd(fd, 4096, "a", &info));
    close(fd);
}

static void test_name_instead(void **state)
{
    struct package_info info;

    (void)state;
    run("printf '!<arch>\\nnot one' >a.deb && printf '' >empty && echo text >text");
    assert_int_equal(SG_OK, describe("a.deb", "hello_1.0_all.deb", &info));
    package_assert(&info, "hello", "hello", "1.0", "deb", SG_PACKAGE_FROM_NAME);
    assert_int_equal(SG_OK, describe("empty", "x-1.2.tar.gz", &info));
    package_assert(&info, "x", "", "1.2", "tar.gz", SG_PACKAGE_FROM_NAME);
    assert_int_equal(SG_OK, describe("text", "README", &info));
    package_assert(&info, "", "", "", "file", SG_PACKAGE_FROM_NAME);
}

/* -- archives that dpkg-deb would not make -------------------------------------------------------
 */

static void tar_entry(struct archive *a, const char *name, mode_t type, const char *text)
{
    struct archive_entry *e = archive_entry_new();

    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, type);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, type == AE_IFREG ? (la_int64_t)strlen(text) : 0);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(e, text);
    assert_int_equal(ARCHIVE_OK, archive_write_header(a, e));
    if (type == AE_IFREG)
        assert_int_equal(strlen(text), archive_write_data(a, text, strlen(text)));
    archive_entry_free(e);
}

/* A file of zeros that takes hardly any room when packed. */
static void tar_zeros(struct archive *a, size_t megabytes)
{
    struct archive_entry *e = archive_entry_new();
    uint8_t *zeros = calloc(1, 1 << 20);

    assert_non_null(zeros);
    archive_entry_set_pathname(e, "./a-bomb");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (la_int64_t)megabytes << 20);
    assert_int_equal(ARCHIVE_OK, archive_write_header(a, e));
    for (size_t i = 0; i < megabytes; i++)
        assert_int_equal(1 << 20, archive_write_data(a, zeros, 1 << 20));
    archive_entry_free(e);
    free(zeros);
}

static struct archive *tar_begin(int (*filter)(struct archive *))
{
    struct archive *a = archive_write_new();

    assert_int_equal(ARCHIVE_OK, archive_write_set_format_pax_restricted(a));
    if (filter != NULL)
        assert_int_equal(ARCHIVE_OK, filter(a));
    assert_int_equal(ARCHIVE_OK, archive_write_open_filename(a, tempdir_path(dir, "control")));
    return a;
}

/* Puts what was written into an ar archive under the member's name. */
static void tar_end(struct archive *a, const char *member)
{
    char command[256];

    assert_int_equal(ARCHIVE_OK, archive_write_free(a));
    snprintf(command, sizeof command,
             "echo 2.0 >debian-binary && mv control %s && rm -f made.deb && "
             "ar qS made.deb debian-binary %s",
             member, member);
    run(command);
}

static enum sg_err read_made(struct package_info *ret)
{
    struct buf b;
    enum sg_err err;

    load("made.deb", &b);
    err = package_bytes_read(b.data, b.len, ret);
    buf_fini(&b);
    return err;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_bombs(void **state)
{
    static const struct {
        int (*filter)(struct archive *);
        const char *member;
        size_t megabytes;
    } bombs[] = {{archive_write_add_filter_zstd, "control.tar.zst", 2048},
                 {archive_write_add_filter_gzip, "control.tar.gz", 256},
                 {archive_write_add_filter_xz, "control.tar.xz", 256}};

    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        struct archive *a = tar_begin(bombs[i].filter);
        struct package_info info;
        double start;

        tar_entry(a, "./", AE_IFDIR, "");
        tar_zeros(a, bombs[i].megabytes);
        tar_entry(a, "./control", AE_IFREG, CONTROL);
        tar_end(a, bombs[i].member);
        start = seconds();
        assert_int_equal(SG_ERR_NOT_FOUND, read_made(&info));
        assert_true(seconds() - start < 1.0);
    }
}

/* The control file is before the cap: the rest does not matter. */
static void test_bomb_after(void **state)
{
    struct archive *a = tar_begin(archive_write_add_filter_zstd);
    struct package_info info;

    (void)state;
    tar_entry(a, "control", AE_IFREG, CONTROL);
    tar_zeros(a, 64);
    tar_end(a, "control.tar.zst");
    assert_int_equal(SG_OK, read_made(&info));
    package_assert(&info, "hello-sg", "hello-sg", "2:1.10~rc1-3+b1", "deb",
                   SG_PACKAGE_FROM_CONTENT);
}

static void made_none(const char *name, mode_t type, const char *text, const char *member)
{
    struct archive *a = tar_begin(NULL);
    struct package_info info;

    tar_entry(a, name, type, text);
    tar_end(a, member);
    if (read_made(&info) != SG_ERR_NOT_FOUND)
        fail_msg("taken: %s in %s: %s", name, member, text);
}

static void test_deb_refused(void **state)
{
    (void)state;
    made_none("./control", AE_IFLNK, "/etc/passwd", "control.tar");
    made_none("./control", AE_IFDIR, "", "control.tar");
    made_none("./x/control", AE_IFREG, CONTROL, "control.tar");
    made_none("../control", AE_IFREG, CONTROL, "control.tar");
    made_none("./control", AE_IFREG, CONTROL, "control.tar.gz");  /* is not compressed */
    made_none("./control", AE_IFREG, CONTROL, "control.tar.bz2"); /* dpkg knows it no more */
    made_none("./control", AE_IFREG, "", "control.tar");
    made_none("./control", AE_IFREG, "Package: a\n", "control.tar");
    made_none("./control", AE_IFREG, "Package: a\n\nVersion: 1\n", "control.tar");
    made_none("./control", AE_IFREG, "Package: a\nVersion: \n", "control.tar");
    made_none("./control", AE_IFREG, "Package: a\nPackage: b\nVersion: 1\n", "control.tar");
    made_none("./control", AE_IFREG, "Package: a b\nVersion: 1\n", "control.tar");
    made_none("./control", AE_IFREG, "Package: a\nVersion: 1\"\n", "control.tar");
    made_none("./control", AE_IFREG, " Package: a\nVersion: 1\n", "control.tar");
}

/* A table of names in the ar archive that says it is huge is not read into memory. */
static void test_ar_table(void **state)
{
    struct package_info info;
    struct buf b;
    struct package_bytes bytes;
    struct package_input in;

    (void)state;
    buf_init(&b, 64 << 20);
    buf_printf(&b, "!<arch>\n%-16s%-12d%-6d%-6d%-8s%-10d`\n2.0\n", "debian-binary", 0, 0, 0,
               "100644", 4);
    buf_printf(&b, "%-16s%-12s%-6s%-6s%-8s%-10d`\n", "//", "", "", "", "", 40 << 20);
    assert_non_null(buf_reserve(&b, 41 << 20));
    memset(b.data + b.len, 'a', 41 << 20);
    buf_commit(&b, 41 << 20);
    bytes = (struct package_bytes){.data = b.data, .len = b.len};
    in = package_bytes_input(&bytes);
    assert_int_equal(SG_ERR_NOT_FOUND, package_from_content(&in, &info));
    assert_true(bytes.read <= SG_PACKAGE_WINDOW + 64);
    buf_fini(&b);
}

/* -- .rpm ----------------------------------------------------------------------------------------
 */

static void make_rpm(const char *epoch)
{
    struct buf command;

    buf_init(&command, 8192);
    buf_printf(
        &command,
        "rm -rf top && mkdir -p top && "
        "printf '%%s\\n' 'Name: hello-sg' '%s' 'Version: 1.10~rc1' 'Release: 3.sg' "
        "'Summary: greets' 'License: Apache-2.0' '%%description' 'Greets.' "
        "'%%install' 'mkdir -p %%{buildroot}/opt/hello' 'echo hi >%%{buildroot}/opt/hello/hi' "
        "'%%files' '/opt/hello/hi' >hello.spec && "
        "HOME=\"$PWD\" rpmbuild -ba --target aarch64 --define \"_topdir $PWD/top\" "
        "--define '_build_id_links none' --define '__os_install_post %%{nil}' hello.spec && "
        "cp top/RPMS/aarch64/*.rpm hello.rpm && cp top/SRPMS/*.rpm hello.src.rpm",
        epoch);
    run(buf_str(&command));
    buf_fini(&command);
}

static void says_rpm(const char *file, const char *format, const char *expected)
{
    char command[256], *said;

    snprintf(command, sizeof command, "HOME=\"$PWD\" rpm -qp --qf '%s' %s", format, file);
    said = package_run(dir, command);
    assert_string_equal(expected, said);
    free(said);
}

static void test_rpm(void **state)
{
    struct package_info info;

    (void)state;
    make_rpm("Epoch: 7");
    assert_int_equal(SG_OK, describe("hello.rpm", "x", &info));
    package_assert(&info, "hello-sg", "hello-sg.aarch64", "7:1.10~rc1-3.sg", "rpm",
                   SG_PACKAGE_FROM_CONTENT);
    says_rpm("hello.rpm", "%{NAME}", info.package);
    says_rpm("hello.rpm", "%{NAME}.%{ARCH}", info.fileset);
    says_rpm("hello.rpm", "%{EPOCH}:%{VERSION}-%{RELEASE}", info.vrmf);
    assert_int_equal(SG_OK, describe("hello.src.rpm", "x", &info));
    package_assert(&info, "hello-sg", "hello-sg.src", "7:1.10~rc1-3.sg", "srpm",
                   SG_PACKAGE_FROM_CONTENT);
    make_rpm("Requires: bash");
    assert_int_equal(SG_OK, describe("hello.rpm", "x", &info));
    package_assert(&info, "hello-sg", "hello-sg.aarch64", "1.10~rc1-3.sg", "rpm",
                   SG_PACKAGE_FROM_CONTENT);
}

static size_t main_header(const struct buf *b)
{
    const uint8_t *s = b->data + 96;
    size_t entries = (size_t)s[10] << 8 | s[11], data = (size_t)s[14] << 8 | s[15];

    return (96 + 16 + entries * 16 + data + 7) & ~(size_t)7;
}

/* Cut anywhere before the payload nothing is taken; changed bytes never make other characters. */
static void test_rpm_damaged(void **state)
{
    struct package_info info;
    struct buf b;
    size_t at, end;

    (void)state;
    make_rpm("Epoch: 7");
    load("hello.rpm", &b);
    at = main_header(&b);
    assert_memory_equal("\x8e\xad\xe8\x01", b.data + at, 4);
    end = at + 16 + ((size_t)b.data[at + 10] << 8 | b.data[at + 11]) * 16 +
          ((size_t)b.data[at + 14] << 8 | b.data[at + 15]);
    assert_true(end < b.len);
    for (size_t len = 0; len < end; len += 5)
        assert_int_equal(SG_ERR_NOT_FOUND, package_bytes_read(b.data, len, &info));
    assert_int_equal(SG_OK, package_bytes_read(b.data, end, &info));
    for (size_t i = 0; i < end; i++) {
        uint8_t was = b.data[i];

        b.data[i] ^= 0xff;
        if (package_bytes_read(b.data, b.len, &info) == SG_OK)
            assert_true(info.package[0] > ' ' && info.vrmf[0] > ' ' && info.ftype[0] > ' ');
        b.data[i] = was;
    }
    buf_fini(&b);
}

/* Where the entry of a tag is in the main header. */
static uint8_t *entry_of(struct buf *b, uint32_t tag)
{
    size_t at = main_header(b);
    size_t entries = (size_t)b->data[at + 10] << 8 | b->data[at + 11];

    for (size_t i = 0; i < entries; i++) {
        uint8_t *e = b->data + at + 16 + i * 16;

        if (e[0] == 0 && e[1] == 0 && e[2] == tag >> 8 && e[3] == (tag & 0xff))
            return e;
    }
    fail_msg("no tag %u", tag);
    return NULL;
}

static void refused_with(struct buf *b, uint32_t tag, size_t offset, const void *bytes, size_t len)
{
    uint8_t *e = entry_of(b, tag), was[16];
    struct package_info info;

    memcpy(was, e, sizeof was);
    memcpy(e + offset, bytes, len);
    if (package_bytes_read(b->data, b->len, &info) != SG_ERR_NOT_FOUND)
        fail_msg("taken: tag %u with byte %zu changed", tag, offset);
    memcpy(e, was, sizeof was);
}

static void test_rpm_refused(void **state)
{
    static const uint32_t strings[] = {1000, 1001, 1002, 1022};
    struct package_info info;
    struct buf b;
    size_t at;

    (void)state;
    make_rpm("Epoch: 7");
    load("hello.rpm", &b);
    at = main_header(&b);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        refused_with(&b, strings[i], 2, "\xff\xff", 2);         /* is not there */
        refused_with(&b, strings[i], 7, "\x08", 1);             /* an array */
        refused_with(&b, strings[i], 15, "\x02", 1);            /* of two */
        refused_with(&b, strings[i], 8, "\xff\xff\xff\xff", 4); /* elsewhere */
        refused_with(&b, strings[i], 8, "\x7f\xff\xff\xff", 4);
    }
    refused_with(&b, 1001, 2, "\x03\xe8", 2); /* two names */
    refused_with(&b, 1003, 8, "\xff\xff\xff\xfd", 4);
    refused_with(&b, 1003, 7, "\x06", 1);
    memcpy(b.data + at + 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_int_equal(SG_ERR_NOT_FOUND, package_bytes_read(b.data, b.len, &info));
    memcpy(b.data + at + 8, "\x00\x00\xff\xff\x0f\xff\xff\xff", 8);
    assert_int_equal(SG_ERR_NOT_FOUND, package_bytes_read(b.data, b.len, &info));
    memset(b.data + at + 8, 0, 8);
    assert_int_equal(SG_ERR_NOT_FOUND, package_bytes_read(b.data, b.len, &info));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deb, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deb_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_name_instead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bombs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bomb_after, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deb_refused, setup, teardown),
        cmocka_unit_test(test_ar_table),
        cmocka_unit_test_setup_teardown(test_rpm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rpm_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rpm_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
