/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the shared shapes; it never shows hashes, keys or ids of the store. */
#include "api/records.h"

#include <string.h>

#include "core/eventcursor.h"
#include "core/spaces.h"

void records_user(struct json_out *o, const char *name, const struct user_record *user)
{
    json_out_object(o, name);
    json_out_string(o, "username", user->name);
    json_out_string(o, "role", identity_role_name(user->role));
    json_out_boolean(o, "disabled", user->disabled);
    json_out_time(o, "created_at", user->created_ns);
    json_out_close(o, '}');
}

static void put_device(struct json_out *o, const struct session_record *session)
{
    if (session->device_name[0] == 0) {
        json_out_null(o, "device");
        return;
    }
    json_out_object(o, "device");
    json_out_string(o, "name", session->device_name);
    json_out_string(o, "mac", session->device_mac[0] != 0 ? session->device_mac : NULL);
    json_out_close(o, '}');
}

void records_session(struct json_out *o, const char *name, const struct session_record *session,
                     const uint8_t *current)
{
    json_out_object(o, name);
    json_out_hex(o, "session_id", session->id, sizeof session->id);
    json_out_string(o, "method", identity_method_name(session->method));
    json_out_string(o, "client_id", session->client_id[0] != 0 ? session->client_id : NULL);
    json_out_array(o, "bound");
    if (session->bound_address[0] != 0)
        json_out_string(o, NULL, "address");
    if (session->has_certificate)
        json_out_string(o, NULL, "certificate");
    if (session->has_dpop)
        json_out_string(o, NULL, "dpop");
    json_out_close(o, ']');
    put_device(o, session);
    json_out_string(o, "address", session->address);
    json_out_time(o, "created_at", session->created_ns);
    json_out_time(o, "last_used_at", session->last_used_ns);
    json_out_time(o, "expires_at", session->expires_ns);
    json_out_boolean(o, "current", memcmp(session->id, current, sizeof session->id) == 0);
    json_out_close(o, '}');
}

void records_entry(struct json_out *o, const char *name, const struct entry_record *entry,
                   size_t base)
{
    bool file = entry->type == SG_ENTRY_FILE;

    json_out_object(o, name);
    json_out_string(o, "name", entry->path + base);
    json_out_string(o, "path", entry->path);
    json_out_string(o, "type", file ? "file" : "directory");
    json_out_integer(o, "size", (int64_t)entry->size);
    if (file)
        json_out_hex(o, "sha256", entry->sha256, sizeof entry->sha256);
    else
        json_out_null(o, "sha256");
    json_out_time(o, "modified", entry->modified_ns);
    json_out_string(o, "owner", entry->owner);
    json_out_integer(o, "version", (int64_t)entry->version);
    json_out_close(o, '}');
}

static void put_cursor(struct json_out *o, const char *name, const char *epoch, uint64_t seq)
{
    struct eventcursor cursor = {.seq = seq};
    char text[SG_EVENTCURSOR_SIZE];

    eventcursor_format(epoch, &cursor, text);
    json_out_string(o, name, text);
}

/* What is 0 stands for the configured default. */
static void put_bound(struct json_out *o, const char *name, int64_t value)
{
    if (value > 0)
        json_out_integer(o, name, value);
    else
        json_out_null(o, name);
}

void records_space(struct json_out *o, const char *name, const char *epoch,
                   const struct space_info *info, enum space_role role,
                   const struct event_range *range)
{
    static const char *const kinds[] = {[SG_SPACE_COMMON] = "common",
                                        [SG_SPACE_OWN] = "own",
                                        [SG_SPACE_SHARED] = "shared",
                                        [SG_SPACE_DIRECT] = "direct"};

    json_out_object(o, name);
    json_out_string(o, "name", info->space.name);
    json_out_string(o, "kind", kinds[info->space.kind]);
    json_out_string(o, "role", spaces_role_name(role));
    json_out_string(o, "description", info->description);
    if (info->space.id != 0)
        json_out_time(o, "created_at", info->created_ns);
    else
        json_out_null(o, "created_at");
    json_out_integer(o, "last_read", (int64_t)info->last_read);
    json_out_integer(o, "unread", info->unread);
    if (info->head_seq > 0)
        put_cursor(o, "newest", epoch, info->head_seq);
    else
        json_out_null(o, "newest");
    json_out_object(o, "retention");
    put_bound(o, "seconds", info->retention_s);
    put_bound(o, "count", (int64_t)info->retention_count);
    json_out_close(o, '}');
    if (range != NULL) {
        json_out_string(o, "epoch", epoch);
        put_cursor(o, "oldest", epoch, range->pruned_seq);
        json_out_hex(o, "oldest_chain", range->pruned_chain, sizeof range->pruned_chain);
        json_out_hex(o, "newest_chain", range->head_chain, sizeof range->head_chain);
    }
    json_out_close(o, '}');
}

void records_member(struct json_out *o, const char *name, const struct member_record *member)
{
    json_out_object(o, name);
    json_out_string(o, "username", member->name);
    json_out_string(o, "role", spaces_role_name(member->role));
    json_out_time(o, "added_at", member->added_ns);
    json_out_close(o, '}');
}
