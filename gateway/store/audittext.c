/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the canonical form of audit entries and names their types. It never reads a form. */
#include "store/audittext.h"

#include <string.h>

#include "base/encode.h"
#include "store/canonical.h"

static const char *const names[] = {
#define X(name, text) [SG_AUDIT_##name] = text,
    SG_AUDIT_TYPES(X)
#undef X
};

const char *audit_type_name(enum audit_type type)
{
    return type < SG_AUDIT_TYPE_COUNT ? names[type] : "";
}

enum sg_err audit_type_parse(const char *name, enum audit_type *ret)
{
    for (size_t i = 0; i < SG_AUDIT_TYPE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum audit_type)i;
            return SG_OK;
        }
    }
    return SG_ERR_NOT_FOUND;
}

/* Nothing when there is none. */
static void put_text(struct buf *out, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    canonical_member(out, name, text);
    buf_putc(out, ',');
}

/* Members stand in the order of their names: actor address at details request_id result seq
 * session_id subject type. */
void audittext_canonical(struct buf *out, uint64_t seq, const struct audit_entry *entry)
{
    char session[SG_HEX_SIZE(SG_SESSION_ID_SIZE)] = "";
    if (entry->has_session)
        encode_hex(entry->session_id, SG_SESSION_ID_SIZE, session);
    buf_putc(out, '{');
    put_text(out, "\"actor\":", entry->actor);
    put_text(out, "\"address\":", entry->address);
    canonical_time(out, "\"at\":", entry->at_ns);
    buf_putc(out, ',');
    if (entry->details[0]) {
        buf_puts(out, "\"details\":");
        buf_puts(out, entry->details);
        buf_putc(out, ',');
    }
    put_text(out, "\"request_id\":", entry->request_id);
    canonical_member(out, "\"result\":", err_code(entry->result));
    canonical_number(out, ",\"seq\":", seq);
    buf_putc(out, ',');
    put_text(out, "\"session_id\":", session);
    put_text(out, "\"subject\":", entry->subject);
    canonical_member(out, "\"type\":", audit_type_name(entry->type));
    buf_putc(out, '}');
}

void audittext_chain(const uint8_t previous[SG_DIGEST_SIZE], const char *canonical, size_t len,
                     uint8_t ret[SG_DIGEST_SIZE])
{
    canonical_sha256(previous, SG_DIGEST_SIZE, canonical, len, ret);
}
