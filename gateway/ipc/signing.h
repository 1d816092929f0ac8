/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages about named keys, signatures, the log and signed time. The keyring composes all that
 * it signs: records from typed fields, the envelopes of the formats, checkpoints of the log that it
 * writes itself, statements of its own clock. What has variable length without a small bound (a
 * batch of items and its results) travels in a sealed memory file beside the message.
 */
#ifndef SG_IPC_SIGNING_H
#define SG_IPC_SIGNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "ipc/codec.h"
#include "sigfmt/record.h"

#define SG_KEYS_MAX          256 /* named keys */
#define SG_KEY_VERSIONS_MAX  128 /* of one key */
#define SG_KEY_USERS_MAX     64  /* who may sign, who may manage */
#define SG_KEY_WITNESSES_MAX 16
#define SG_KEY_URI_SIZE      512         /* PKCS#11 URI and its NUL */
#define SG_SPKI_MAX          512         /* bytes of a SubjectPublicKeyInfo */
#define SG_CERTIFICATE_MAX   2048        /* bytes of a key's certificate (DER) */
#define SG_SIGN_ITEMS_MAX    10000       /* of one request */
#define SG_SIGN_REQUEST_MAX  (32 << 20)  /* bytes of a batch */
#define SG_SIGN_RESULT_MAX   (128 << 20) /* bytes of its results */
#define SG_WITNESS_SIZE      384         /* text of a verifier key and its NUL */

/* On whose behalf, as the worker says; the keyring holds it against the key's own list. */
struct keyring_actor {
    int64_t user_id; /* never used again for another user */
    char user[33];
    bool admin;
};

struct keyring_key_version {
    uint32_t number; /* from 1 */
    int64_t created_ns;
    int64_t expires_ns; /* no signatures from then on; 0: never */
    uint8_t keyid[32];  /* SHA-256 of the SubjectPublicKeyInfo */
    uint64_t uses;      /* signatures made */
};

/* What the keyring keeps about a key, but for the private part. Large: not on small stacks. */
struct keyring_key {
    char name[SG_KEY_NAME_SIZE];
    enum sig_key_type type;
    int64_t created_ns;
    bool disabled;             /* signs nothing */
    uint32_t oldest;           /* versions below verify no more */
    unsigned formats;          /* bits that may be asked for */
    char uri[SG_KEY_URI_SIZE]; /* in a PKCS#11 token; "": in the keyring */
    size_t signer_count;       /* user ids that may sign */
    int64_t signers[SG_KEY_USERS_MAX];
    size_t manager_count; /* user ids that may rotate and update, besides admins */
    int64_t managers[SG_KEY_USERS_MAX];
    uint32_t quorum; /* k of the witnesses; 0: none is asked */
    size_t witness_count;
    struct keyring_witness {
        char vkey[SG_WITNESS_SIZE]; /* cosignature/v1 verifier key */
        char url[256];              /* submission prefix; used by the worker alone */
    } witnesses[SG_KEY_WITNESSES_MAX];
    size_t version_count;
    struct keyring_key_version versions[SG_KEY_VERSIONS_MAX]; /* the last one signs */
};

/* KEY_CREATE. `lifetime_s` 0: the version does not expire. The creator may sign and manages. */
struct keyring_key_create {
    struct keyring_actor actor;
    char name[SG_KEY_NAME_SIZE];
    enum sig_key_type type;
    char uri[SG_KEY_URI_SIZE];
    int64_t lifetime_s;
};
/* KEY_ROTATE: a new version. `uri` for keys in a token only: where the new one is. */
struct keyring_key_rotate {
    struct keyring_actor actor;
    char name[SG_KEY_NAME_SIZE];
    char uri[SG_KEY_URI_SIZE];
    int64_t lifetime_s;
};
/* KEY_UPDATE: what is set in `set` is replaced as a whole, from `to`. */
enum keyring_key_field {
    SG_KEY_SET_DISABLED = 1,
    SG_KEY_SET_OLDEST = 2,
    SG_KEY_SET_FORMATS = 4,
    SG_KEY_SET_SIGNERS = 8,
    SG_KEY_SET_MANAGERS = 16,
    SG_KEY_SET_WITNESSES = 32, /* with the quorum */
};
struct keyring_key_update {
    struct keyring_actor actor;
    unsigned set;
    struct keyring_key to; /* name says which; versions are not sent */
};

/* SIGN: a batch under one key. In the memory file of the request. */
struct keyring_sign_item {
    const char *name;
    int64_t size;
    struct sig_digests digests;
    const char *package, *fileset, *vrmf, *ftype;
    enum sig_source source;
    uint32_t directory; /* 1 to directory_count: also in that one's manifest; 0: in none */
};
struct keyring_sign {
    struct keyring_actor actor;
    char key[SG_KEY_NAME_SIZE];
    unsigned formats;
    size_t item_count;
    const struct keyring_sign_item *items;
    size_t directory_count;
    const char *const *directories; /* their names */
};

/* One signature, of a file or of a manifest. All pointers are into the result's memory. */
struct keyring_signed {
    uint64_t index; /* its leaf in the log */
    int64_t timestamp_ns;
    const char *record; /* canonical text = the leaf; no NUL follows */
    size_t record_len;
    const uint8_t *signature; /* of the record (DSSE pre-authentication encoding) */
    size_t signature_len;
    struct keyring_signed_format { /* text formats end as their tools write them */
        const uint8_t *data;       /* NULL: not made */
        size_t len;
    } formats[8]; /* by bit number of enum sig_format */
};
/* A directory's manifest: `lines` as in SHA256.sig, in order of names; root of the RFC 6962 tree
 * whose leaves are the lines with their newline. */
struct keyring_manifest {
    struct keyring_signed of; /* its record: name DIRECTORY "/SHA256", ftype "manifest" */
    uint8_t root[32];
    uint32_t files;
};
struct keyring_sign_result {
    uint8_t keyid[32];
    uint32_t key_version;
    uint64_t tree_size; /* of the checkpoint under which all of these are */
    const char *note;   /* that checkpoint, signed */
    size_t note_len;
    /* Not 0: the key has a quorum. Then no signature and no format is there yet; they come from
     * RELEASE with the cosigned checkpoint. Kept for SG_SIGN_TICKET_S. */
    uint64_t ticket;
    size_t item_count;
    struct keyring_signed *items; /* in the order asked */
    size_t manifest_count;
    struct keyring_manifest *manifests; /* in the order of the directories */
};
#define SG_SIGN_TICKET_S 60

/* RELEASE: `note` is a checkpoint of the log at tree_size or later, with cosignatures. The answer
 * is a keyring_sign_result with ticket 0. SG_ERR_QUORUM when fewer than k are valid, SG_ERR_GONE
 * when the ticket is not known (any more). */
struct keyring_release {
    uint64_t ticket;
    const char *note;
    size_t note_len;
};

/* LOG_STATE. */
struct keyring_log_state {
    char vkey[SG_WITNESS_SIZE];      /* of the log; its name is the origin */
    char time_vkey[SG_WITNESS_SIZE]; /* of signed time */
    uint64_t size;
    bool closed; /* its files do not continue what the keyring knows of it */
};

/* SIGN_TIME: nonce of 16 to 64 bytes -> the instant, and the signed note that states it. */
#define SG_TIME_NONCE_MIN 16
#define SG_TIME_NONCE_MAX 64
#define SG_TIME_NOTE_MAX  2048

/* KEY_PUBLIC: name, version (0: the last) -> */
struct keyring_public {
    uint32_t version;
    enum sig_key_type type;
    uint8_t spki[SG_SPKI_MAX];
    size_t spki_len;
    uint8_t certificate[SG_CERTIFICATE_MAX]; /* DER, by the gateway's CA */
    size_t certificate_len;
};

/* Encoders and exact decoders of the bodies (after the type byte). */
void signing_put_create(struct buf *b, const struct keyring_key_create *m);
enum sg_err signing_get_create(struct decoder *d, struct keyring_key_create *ret) SG_MUST_CHECK;
void signing_put_rotate(struct buf *b, const struct keyring_key_rotate *m);
enum sg_err signing_get_rotate(struct decoder *d, struct keyring_key_rotate *ret) SG_MUST_CHECK;
void signing_put_update(struct buf *b, const struct keyring_key_update *m);
enum sg_err signing_get_update(struct decoder *d, struct keyring_key_update *ret) SG_MUST_CHECK;
void signing_put_key(struct buf *b, const struct keyring_key *m);
enum sg_err signing_get_key(struct decoder *d, struct keyring_key *ret) SG_MUST_CHECK;
void signing_put_public(struct buf *b, const struct keyring_public *m);
enum sg_err signing_get_public(struct decoder *d, struct keyring_public *ret) SG_MUST_CHECK;
void signing_put_state(struct buf *b, const struct keyring_log_state *m);
enum sg_err signing_get_state(struct decoder *d, struct keyring_log_state *ret) SG_MUST_CHECK;

/* The contents of the memory files. What is read borrows `data` and allocates in the arena. */
void signing_put_sign(struct buf *b, const struct keyring_sign *m);
enum sg_err signing_get_sign(const void *data, size_t len, struct arena *arena,
                             struct keyring_sign *ret) SG_MUST_CHECK;
void signing_put_result(struct buf *b, const struct keyring_sign_result *m);
enum sg_err signing_get_result(const void *data, size_t len, struct arena *arena,
                               struct keyring_sign_result *ret) SG_MUST_CHECK;

/* A memory file (memfd, close-on-exec) that nobody can change any more: all seals are set. */
enum sg_err signing_memory_write(const struct buf *content, int *ret_fd) SG_MUST_CHECK;
/* Maps one read-only after a look at its seals and size; SG_ERR_PROTOCOL otherwise. Closes nothing;
 * munmap with the length. */
enum sg_err signing_memory_map(int fd, size_t max, void **ret, size_t *ret_len) SG_MUST_CHECK;

#endif
