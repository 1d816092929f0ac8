/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files beside a content that hold its signatures: how they are called, when one may be
 * replaced, writing them.
 *
 *   FILE.minisig .p7s .intoto.jsonl   one format each
 *   FILE.sig                          raw, signify or sshsig; of several, the one asked for first
 *   FILE.raw.sig .signify.sig .sshsig.sig   the others of these three
 *   FILE.record.json                  the record with its signature
 *   FILE.tlog-proof                   that the log holds the record
 */
#ifndef SG_CLI_SIDECAR_H
#define SG_CLI_SIDECAR_H

#include "cli/cli.h"
#include "sigfmt/sigfmt.h"

#include <stddef.h>

struct buf;

/* A "format" of secctl's own: the record as JSON. Beside the bits of enum sig_format. */
#define SG_SIDECAR_RECORD 0x40u

#define SG_SIDECAR_PROOF_EXTENSION  ".tlog-proof"
#define SG_SIDECAR_RECORD_EXTENSION ".record.json"
/* The file with the lines of a directory's manifest. */
#define SG_SIDECAR_MANIFEST "SHA256"
/* Largest file that is read as a signature. */
#define SG_SIDECAR_MAX ((size_t)20 << 20)

/* Which files are wanted. */
struct sidecar_choice {
    unsigned formats; /* enum sig_format, SG_SIDECAR_RECORD */
    unsigned plain;   /* which of raw, signify, sshsig is FILE.sig; 0: none */
};

/* Reads "minisign,sshsig"; NULL is the record alone. SG_CLI_USAGE, reported. */
enum cli_status sidecar_choose(const char *list, struct sidecar_choice *ret) SG_CLI_MUST_CHECK;

/* Extension of a format's file. Static storage. */
const char *sidecar_extension(const struct sidecar_choice *choice, unsigned format);

/* All extensions of signatures (not of proofs), the longest first; NULL ends them. */
extern const char *const sidecar_extensions[];

/* Length of `path` without the extension of a signature or proof; 0 when it has none. */
size_t sidecar_stem(const char *path);

/* Whether the file is a signature or proof of a file beside it. */
bool sidecar_is_one(const char *path);

/* SG_CLI_USAGE, reported, when something is there that is no older signature. */
enum cli_status sidecar_may_write(const char *path, bool force) SG_CLI_MUST_CHECK;

/* Writes the file under a temporary name and renames it; directories are made. It is not flushed:
 * a signature can be had again. */
enum cli_status sidecar_write(const char *path, const void *data, size_t len) SG_CLI_MUST_CHECK;

/* Appends the file; false (errno) when it is not there or no signature of a sane size. */
bool sidecar_read(const char *path, struct buf *ret);

#endif
