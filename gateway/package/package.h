/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a software package says about itself: its name, fileset, version and kind, read from the
 * content (.deb, .rpm, AIX .bff) or, where that says nothing, from the file's name. It reads what
 * is given and nothing else: no other file, no process, no configuration.
 *
 * Contents come from anybody, so every reader is bounded: it looks at the first SG_PACKAGE_WINDOW
 * bytes at most (.deb; decompressed at most SG_PACKAGE_UNPACKED), at a header's index and single
 * values (.rpm), at the first members (.bff). No reader is recursive.
 *
 *          package      fileset             vrmf                     ftype
 *  .deb    Package      Package             Version                  deb
 *  .rpm    NAME         NAME.ARCH           [EPOCH:]VERSION-RELEASE  rpm, or srpm (ARCH is src)
 *  .bff    package      the fileset         V.R.M.F of the filesets  I (install), S (update)
 *
 * A .bff with several filesets names no fileset, and a vrmf only where they all agree.
 *
 * .deb is read with libarchive. .rpm is read by a parser of our own: librpm would bring a Lua
 * interpreter, macros, plugins, a database and global configuration from /etc and $HOME into the
 * process that faces the network, and reading four strings needs none of it.
 */
#ifndef SG_PACKAGE_PACKAGE_H
#define SG_PACKAGE_PACKAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_PACKAGE_FIELD_SIZE 257 /* with NUL */
#define SG_PACKAGE_WINDOW     ((uint64_t)16 << 20)
#define SG_PACKAGE_UNPACKED   ((size_t)4 << 20)

/* Where the fields come from. */
enum package_source { SG_PACKAGE_FROM_CONTENT = 1, SG_PACKAGE_FROM_NAME = 3 };

/* Printable ASCII without spaces or quotes, "" where it is not known; `ftype` is never "". */
struct package_info {
    char package[SG_PACKAGE_FIELD_SIZE];
    char fileset[SG_PACKAGE_FIELD_SIZE];
    char vrmf[SG_PACKAGE_FIELD_SIZE];
    char ftype[SG_PACKAGE_FIELD_SIZE];
    enum package_source source;
};

/* A content of `size` bytes that can be read anywhere. */
struct package_input {
    void *ctx;
    /* Reads up to `len` (> 0) bytes at `offset` (< size); *ret_len 0 at the end. */
    enum sg_err (*read)(void *ctx, uint64_t offset, void *ret, size_t len,
                        size_t *ret_len) SG_MUST_CHECK;
    uint64_t size;
};

/*
 * Reads the fields from the content. SG_ERR_NOT_FOUND when it is none of the three kinds or not
 * well formed (*ret is untouched then); what `read` returns, SG_ERR_IO, SG_ERR_NO_MEMORY. May block
 * on `read`; any thread.
 */
enum sg_err package_from_content(const struct package_input *in,
                                 struct package_info *ret) SG_MUST_CHECK;

/*
 * Reads the fields from a file's name (what stands before its last "/" is not looked at). What the
 * name does not say for certain stays ""; ftype is the extension ("deb", "tar.gz", ...), else
 * "file". Never fails.
 */
void package_from_name(const char *name, struct package_info *ret);

/*
 * The content's fields, or the name's where the content has none. Reads with pread(2), the
 * descriptor's position stays; `size` is the content's. SG_ERR_IO, SG_ERR_NO_MEMORY.
 */
enum sg_err package_describe_fd(int fd, uint64_t size, const char *name,
                                struct package_info *ret) SG_MUST_CHECK;
/* The same for any input. */
enum sg_err package_describe(const struct package_input *in, const char *name,
                             struct package_info *ret) SG_MUST_CHECK;

/* The readers of one kind each, for tests: as package_from_content. */
enum sg_err package_deb_read(const struct package_input *in,
                             struct package_info *ret) SG_MUST_CHECK;
enum sg_err package_rpm_read(const struct package_input *in,
                             struct package_info *ret) SG_MUST_CHECK;
enum sg_err package_bff_read(const struct package_input *in,
                             struct package_info *ret) SG_MUST_CHECK;

#endif
