/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files: what they say for certain, and that they say nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "package_fixture.h"

static void says(const char *name, const char *package, const char *fileset, const char *vrmf,
                 const char *ftype)
{
    struct package_info info;

    memset(&info, 0x5a, sizeof info);
    package_from_name(name, &info);
    if (strcmp(info.package, package) != 0 || strcmp(info.fileset, fileset) != 0 ||
        strcmp(info.vrmf, vrmf) != 0 || strcmp(info.ftype, ftype) != 0)
        fail_msg("%s: '%s' '%s' '%s' '%s'", name, info.package, info.fileset, info.vrmf,
                 info.ftype);
    assert_int_equal(SG_PACKAGE_FROM_NAME, info.source);
}

static void nothing(const char *name, const char *ftype)
{
    says(name, "", "", "", ftype);
}

static void test_deb(void **state)
{
    (void)state;
    says("hello_2.10-3_amd64.deb", "hello", "hello", "2.10-3", "deb");
    says("common/pool/libc6_2.36-9+deb12u7_amd64.deb", "libc6", "libc6", "2.36-9+deb12u7", "deb");
    says("vim_2%3a9.0.1378-2_arm64.deb", "vim", "vim", "2:9.0.1378-2", "deb");
    says("g++_4%3a12.2.0-3_kfreebsd-amd64.deb", "g++", "g++", "4:12.2.0-3", "deb");
    says("a_1~rc1_all.DEB", "a", "a", "1~rc1", "deb");
    says("disk_1.0_all.udeb", "disk", "disk", "1.0", "udeb");
    nothing("hello.deb", "deb");
    nothing("hello_1.0.deb", "deb");
    nothing("_1.0_amd64.deb", "deb");
    nothing("hello__amd64.deb", "deb");
    nothing("hello_1_0_amd64.deb", "deb");
    nothing("hello_1.0_.deb", "deb");
    nothing("hel lo_1.0_amd64.deb", "deb");
    nothing("hello_1.0\"_amd64.deb", "deb");
    nothing("h\xc3\xa9llo_1.0_amd64.deb", "deb");
}

static void test_rpm(void **state)
{
    (void)state;
    says("hello-2.10-1.fc39.x86_64.rpm", "hello", "hello.x86_64", "2.10-1.fc39", "rpm");
    says("python3-dnf-plugin-post-transaction-actions-4.0.21-8.el8.noarch.rpm",
         "python3-dnf-plugin-post-transaction-actions",
         "python3-dnf-plugin-post-transaction-actions.noarch", "4.0.21-8.el8", "rpm");
    says("hello-2.10~rc1^git1-1.src.rpm", "hello", "hello.src", "2.10~rc1^git1-1", "srpm");
    says("hello-2.10-1.nosrc.rpm", "hello", "hello.src", "2.10-1", "srpm");
    says("bash-5.1-1.aix7.1.ppc.rpm", "bash", "bash.ppc", "5.1-1.aix7.1", "rpm");
    nothing("hello.rpm", "rpm");
    nothing("hello-2.10-1.rpm", "rpm");
    nothing("hello-2.10-1.fc39.rpm", "rpm");
    nothing("hello-2.10.x86_64.rpm", "rpm");
    nothing("-2.10-1.x86_64.rpm", "rpm");
    nothing("hello--1.x86_64.rpm", "rpm");
    nothing("hello-2.10-.x86_64.rpm", "rpm");
    nothing("x86_64.rpm", "rpm");
}

static void test_aix(void **state)
{
    (void)state;
    says("bos.net.7.3.0.0.I", "bos.net", "", "7.3.0.0", "I");
    says("bos.net.7.3.0.1.U", "bos.net", "", "7.3.0.1", "S");
    says("openssh.base.8.1.102.2106.bff", "openssh.base", "", "8.1.102.2106", "bff");
    nothing("openssh.base.bff", "bff");
    nothing("openssh.8.1.102.bff", "bff");
    nothing("7.8.1.102.1.bff", "bff");
    nothing("chapter.I", "i");
    nothing("a.1.2.3.x.U", "u");
}

static void test_archives(void **state)
{
    (void)state;
    says("hello-1.2.3.tar.gz", "hello", "", "1.2.3", "tar.gz");
    says("my-tool-v0.9.tar.zst", "my-tool", "", "0.9", "tar.zst");
    says("hello-1.2rc1.tgz", "hello", "", "1.2rc1", "tgz");
    says("hello-1.2-beta.2.zip", "hello", "", "1.2-beta.2", "zip");
    says("libx11-1.8.7.tar.XZ", "libx11", "", "1.8.7", "tar.xz");
    nothing("hello.tar.gz", "tar.gz");
    nothing("hello-3.tar.gz", "tar.gz");
    nothing("hello-1.2-3.tar.gz", "tar.gz");
    nothing("foo-2-1.0.tar.gz", "tar.gz");
    nothing("hello-1.2.3-linux-amd64.tar.gz", "tar.gz");
    nothing("hello-1.2.3-rc1.linux.tar.gz", "tar.gz");
    nothing("2024-01.02.tar.gz", "tar.gz");
    nothing("hello-1..2.tar.gz", "tar.gz");
    nothing("hello-1.2..tar.gz", "tar.gz");
    nothing("hello-1.2+.tar.gz", "tar.gz");
    nothing("-1.2.tar.gz", "tar.gz");
    nothing("hello-1.2.3.txt", "txt");
}

static void test_kinds(void **state)
{
    (void)state;
    nothing("", "file");
    nothing("README", "file");
    nothing("a/b.deb/README", "file");
    nothing("dir/", "file");
    nothing(".bashrc", "file");
    nothing(".tar.gz", "gz");
    nothing("notes.TXT", "txt");
    nothing("song.mp3", "mp3");
    nothing("archive.7z", "7z");
    nothing("libfoo.so.1", "file");
    nothing("hello-1.2.3", "file");
    nothing("name.", "file");
    nothing("name.waytoolong1", "file");
    nothing("name.a b", "file");
    nothing("..", "file");
}

/* Names as long as they may be. */
static void test_long(void **state)
{
    char name[1100];

    (void)state;
    memset(name, 'a', sizeof name);
    strcpy(name + 300, "_1.0_amd64.deb");
    nothing(name, "deb");
    memset(name, '1', sizeof name);
    memcpy(name, "a_", 2);
    strcpy(name + 1000, "_amd64.deb");
    nothing(name, "deb");
    memset(name, 'a', sizeof name);
    strcpy(name + 250, "-1.0-1.x86_64.rpm"); /* fits, but not with the architecture */
    nothing(name, "rpm");
    memset(name, '.', sizeof name);
    name[sizeof name - 1] = '\0';
    nothing(name, "file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deb),      cmocka_unit_test(test_rpm),   cmocka_unit_test(test_aix),
        cmocka_unit_test(test_archives), cmocka_unit_test(test_kinds), cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
