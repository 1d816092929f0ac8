/* SPDX-License-Identifier: Apache-2.0 */
/* .bff: containers as AIX's backup(1) writes them by name, made here from the published layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "package_fixture.h"

#define INSTALL                                                                                    \
    "4 R I hello {\n"                                                                              \
    "hello.rte 01.02.0003.65535 01 N U en_US Greets\n"                                             \
    "[\n*prereq bos.rte 4.3.0.0\n%\n/usr/lpp/hello 12\nINSTWORK 70 70\n%\n%\n%\n]\n}\n"

static struct buf image;

static void little(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void begin(void)
{
    uint8_t header[0x48] = {0x09, 0x00, 0x6b, 0xea};

    memcpy(header + 0x14, "by name", 8);
    memcpy(header + 0x24, "by name", 8);
    memcpy(header + 0x34, "BUILD", 6);
    buf_fini(&image);
    buf_init(&image, 4 << 20);
    buf_append(&image, header, sizeof header);
}

static void padded(const void *data, size_t len, size_t total)
{
    static const uint8_t zeros[8];

    buf_append(&image, data, len);
    buf_append(&image, zeros, total - len);
}

static void record(const char *name, uint16_t magic, uint32_t mode, const void *data, size_t len)
{
    uint8_t header[0x40] = {0x0a, 0x0b, (uint8_t)magic, (uint8_t)(magic >> 8)};
    static const uint8_t trailer[0x28];

    little(header + 0x0c, mode);
    little(header + 0x18, (uint32_t)len);
    little(header + 0x38, (uint32_t)len);
    buf_append(&image, header, sizeof header);
    padded(name, strlen(name), (strlen(name) + 8) & ~(size_t)7);
    buf_append(&image, trailer, sizeof trailer);
    padded(data, len, (len + 7) & ~(size_t)7);
}

static void container(const char *lpp_name)
{
    begin();
    record("./lpp_name", 0xea6b, 0100644, lpp_name, strlen(lpp_name));
    record("./usr/lpp/hello/liblpp.a", 0xea6b, 0100644, "<bigaf>\n", 8);
}

static enum sg_err read_image(struct package_info *ret)
{
    assert_int_equal(SG_OK, buf_status(&image));
    return package_bytes_read(image.data, image.len, ret);
}

static void is(const char *lpp_name, const char *package, const char *fileset, const char *vrmf,
               const char *ftype)
{
    struct package_info info;

    container(lpp_name);
    assert_int_equal(SG_OK, read_image(&info));
    package_assert(&info, package, fileset, vrmf, ftype, SG_PACKAGE_FROM_CONTENT);
}

static void none(const char *lpp_name)
{
    struct package_info info;

    container(lpp_name);
    if (read_image(&info) != SG_ERR_NOT_FOUND)
        fail_msg("taken: %s", lpp_name);
}

static void test_install(void **state)
{
    (void)state;
    is(INSTALL, "hello", "hello.rte", "1.2.3.65535", "I");
    is("4 N I hello {\nhello.rte 1.2.3.4 1 b B C\n[\n%\n%\n]\n}\n", "hello", "hello.rte", "1.2.3.4",
       "I");
}

static void test_update(void **state)
{
    (void)state;
    is("4 R S bos.net {\nbos.net.tcp.client 07.02.0005.0101 01 b B en_US TCP/IP\n[\n"
       "*ifreq bos.mp64 (7.2.5.0) 7.2.5.100\n%\n/usr/sbin 100\n%\n%\nIX12345 1 text\n%\n]\n}\n",
       "bos.net", "bos.net.tcp.client", "7.2.5.101", "S");
    is("4 R ML bos {\nbos.rte 1.1.1.1 1 N U x\n[\n]\n}\n", "bos", "bos.rte", "1.1.1.1", "ML");
}

/* Lines of a section may look like anything. */
static void test_sections(void **state)
{
    (void)state;
    is("4 R I a {\na.b 1.2.3.4 1 N U C\n[\n}\n%\n4 R S x {\n%\n%\n[ x\n]\n}\n", "a", "a.b",
       "1.2.3.4", "I");
    is("4 R I a {\r\na.b 1.2.3.4 1 N U C\r\n[\r\n%\r\n]\r\n}\r\n", "a", "a.b", "1.2.3.4", "I");
    is("\n4\tR I  a  {\n\n a.b  1.2.3.4  1 N U C\n[\n]\n}", "a", "a.b", "1.2.3.4", "I");
}

static void test_several_filesets(void **state)
{
    (void)state;
    is("4 R I a {\na.b 1.2.3.4 1 N U C\n[\n%\n]\na.c 1.2.3.4 1 N U C\n[\n%\n]\n}\n", "a", "",
       "1.2.3.4", "I");
    is("4 R I a {\na.b 1.2.3.4 1 N U C\n[\n]\na.c 1.2.3.5 1 N U C\n[\n]\na.d 1.2.3.4 1 N U "
       "C\n[\n]\n}\n",
       "a", "", "", "I");
}

static void test_refused(void **state)
{
    (void)state;
    none("");
    none("4 R I hello {\n");
    none("4 R I hello {\n}\n");
    none("4 R I hello {\n[\n]\n}\n");
    none("3 R I hello {\nhello.rte 1.2.3.4 1 N U C\n[\n]\n}\n");
    none("4 R i hello {\nhello.rte 1.2.3.4 1 N U C\n[\n]\n}\n");
    none("4 R I hello\nhello.rte 1.2.3.4 1 N U C\n[\n]\n}\n");
    none("4 R I hello {\nhello.rte 1.2.3 1 N U C\n[\n]\n}\n");
    none("4 R I hello {\nhello.rte 1.2.3.4.5 1 N U C\n[\n]\n}\n");
    none("4 R I hello {\nhello.rte 1.2.3.65536 1 N U C\n[\n]\n}\n");
    none("4 R I hello {\nhello.rte 1.2.3.-4 1 N U C\n[\n]\n}\n");
    none("4 R I hello {\nhello.rte 000000001.2.3.4 1 N U C\n[\n]\n}\n");
    none("4 R I hello {\nhello.rte 1.2.3.4 1 N U C\n[\n%\n}\n");
    none("4 R I hel\"lo {\nhello.rte 1.2.3.4 1 N U C\n[\n]\n}\n");
    none("4 R I h\x01llo {\nhello.rte 1.2.3.4 1 N U C\n[\n]\n}\n");
    none("4 R I h\xc3\xa9llo {\nhello.rte 1.2.3.4 1 N U C\n[\n]\n}\n");
}

static void test_records(void **state)
{
    struct package_info info;

    (void)state;
    begin();
    record("./", 0xea6b, 0040755, "", 0);
    record("lpp_name", 0xea6d, 0100644, INSTALL, strlen(INSTALL));
    assert_int_equal(SG_OK, read_image(&info));
    package_assert(&info, "hello", "hello.rte", "1.2.3.65535", "I", SG_PACKAGE_FROM_CONTENT);
    begin();
    record("./lpp_name", 0xea6c, 0100644, INSTALL, strlen(INSTALL)); /* packed */
    assert_int_equal(SG_ERR_NOT_FOUND, read_image(&info));
    begin();
    record("./lpp_name", 0xea70, 0100644, INSTALL, strlen(INSTALL));
    assert_int_equal(SG_ERR_NOT_FOUND, read_image(&info));
    begin();
    record("./other/lpp_name", 0xea6b, 0100644, INSTALL, strlen(INSTALL));
    assert_int_equal(SG_ERR_NOT_FOUND, read_image(&info));
}

/* Not found at the start, not searched for in all the rest. */
static void test_many_records(void **state)
{
    struct package_info info;
    struct package_bytes bytes;
    struct package_input in;

    (void)state;
    begin();
    for (int i = 0; i < 2000; i++)
        record("./a/file", 0xea6b, 0100644, "abc", 3);
    record("./lpp_name", 0xea6b, 0100644, INSTALL, strlen(INSTALL));
    bytes = (struct package_bytes){.data = image.data, .len = image.len};
    in = package_bytes_input(&bytes);
    assert_int_equal(SG_ERR_NOT_FOUND, package_from_content(&in, &info));
    assert_true(bytes.read < 8192);
}

/* Cut anywhere: never taken before the last byte of lpp_name is there, never read past the end. */
static void test_cut(void **state)
{
    struct package_info info;
    size_t whole = 0x48 + 0x40 + 16 + 0x28 + strlen(INSTALL);

    (void)state;
    container(INSTALL);
    for (size_t len = 0; len <= image.len; len++) {
        uint8_t *copy = malloc(len + 1);
        enum sg_err err;

        assert_non_null(copy);
        memcpy(copy, image.data, len);
        err = package_bytes_read(copy, len, &info);
        assert_int_equal(len < whole ? SG_ERR_NOT_FOUND : SG_OK, err);
        free(copy);
    }
}

static void test_sizes(void **state)
{
    static const uint32_t sizes[] = {0,         1,          1 << 20,       (1 << 20) + 1,
                                     INT32_MAX, UINT32_MAX, UINT32_MAX - 6};
    struct package_info info;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t field = 0; field < 3; field++) {
            container(INSTALL);
            if (field != 1)
                little(image.data + 0x48 + 0x18, sizes[i]);
            if (field != 0)
                little(image.data + 0x48 + 0x38, sizes[i]);
            assert_int_equal(SG_ERR_NOT_FOUND, read_image(&info));
        }
    begin();
    for (int i = 0; i < 400; i++)
        buf_puts(&image, "no end of a name");
    assert_int_equal(SG_ERR_NOT_FOUND, read_image(&info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_install),      cmocka_unit_test(test_update),
        cmocka_unit_test(test_sections),     cmocka_unit_test(test_several_filesets),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_records),
        cmocka_unit_test(test_many_records), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_sizes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    buf_fini(&image);
    return failed;
}
