/* SPDX-License-Identifier: Apache-2.0 */
/* The whole command line in one place: names, options, help. What a command does is in cmd_NAME.c.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#define END                                                                                        \
    {                                                                                              \
        0, NULL, NULL, NULL                                                                        \
    }

static const struct args_option signup_options[] = {
    {SG_ARG_CODE, "code", "CODE", "the invitation, or the setup code of a new gateway"},
    {'u', "user", "NAME", "the name to take"},
    {SG_ARG_PASSWORD_FILE, "password-file", "FILE", "read the password from FILE, - for stdin"},
    END};

static const struct args_option login_options[] = {
    {'u', "user", "NAME", "the user's name (default: that of the last login)"},
    {SG_ARG_PASSWORD_FILE, "password-file", "FILE", "read the password from FILE, - for stdin"},
    {SG_ARG_CODE_FILE, "code-file", "FILE", "read the code of the second factor from FILE"},
    {SG_ARG_WEB, "web", NULL, "log in with a browser, here or on another machine"},
    {SG_ARG_SCOPES, "scopes", "LIST", "web: what the session may do (default all)"},
    END};

static const struct args_option session_options[] = {
    {'u', "user", "NAME", "open: the user's name (default: that of the last login)"},
    {SG_ARG_PASSWORD_FILE, "password-file", "FILE", "open: read the password, - for stdin"},
    {SG_ARG_CODE_FILE, "code-file", "FILE", "open: read the code of the second factor"},
    {SG_ARG_FORGET, "forget", NULL, "open: forget the identity key that was seen before"},
    {SG_ARG_INTERVAL, "interval", "TIME", "watch: ask so often (default 30s)"},
    {SG_ARG_COUNT, "count", "N", "watch: ask so many times"},
    END};

static const struct args_option enroll_options[] = {
    {SG_ARG_NAME, "name", "TEXT", "what it is called in: secctl certificates"},
    {SG_ARG_DAYS, "days", "N", "life (default and at most what the gateway gives)"},
    {SG_ARG_CSR, "csr", "FILE", "issue for this request (PKCS#10, PEM), - for stdin"},
    {SG_ARG_USER, "user", "NAME", "csr: for another user (admins)"},
    {SG_ARG_OUT, "out", "FILE", "csr: write the certificate to FILE, not standard output"},
    {SG_ARG_FORGET, "forget", NULL, "forget certificate and key of this profile"},
    END};

static const struct args_option tokens_options[] = {
    {SG_ARG_SCOPES, "scopes", "LIST",
     "create: files:read files:write chat:read chat:write sign verify admin"},
    {SG_ARG_SPACES, "spaces", "LIST", "create: in these spaces only"},
    {SG_ARG_KEYS, "keys", "LIST", "create: with these signing keys only"},
    {SG_ARG_EXPIRES, "expires", "TIME", "create: 12h, 30d (default), up to 366d"},
    END};

static const struct args_option totp_options[] = {
    {SG_ARG_PASSWORD_FILE, "password-file", "FILE", "read the password from FILE, - for stdin"},
    {SG_ARG_CODE_FILE, "code-file", "FILE", "read the code from FILE, - for stdin"},
    END};

static const struct args_option certificates_options[] = {
    {SG_ARG_USER, "user", "NAME", "list: those of this user (admins)"},
    {SG_ARG_ALL, "all", NULL, "list: those of all users (admins)"},
    END};

static const struct args_option audit_options[] = {
    {'n', "lines", "N", "list: the last N entries (default 20)"},
    {SG_ARG_TYPE, "type", "TYPE", "list: only these, such as login.failed"},
    {SG_ARG_ACTOR, "actor", "USER", "list: only what this user did"},
    {SG_ARG_SINCE, "since", "TIME", "list: of this time or later: 2026-11-20, 2h (ago), RFC 3339"},
    {SG_ARG_UNTIL, "until", "TIME", "list: before this time"},
    {'f', "follow", NULL, "list: show what follows, until Ctrl-C"},
    {SG_ARG_FORGET, "forget", NULL, "verify: forget what was seen before"},
    END};

static const struct args_option logout_options[] = {
    {SG_ARG_LOCAL, "local", NULL, "only forget the session here, do not tell the gateway"}, END};

static const struct args_option passwd_options[] = {
    {SG_ARG_OLD_PASSWORD_FILE, "old-password-file", "FILE", "read the old one, - for stdin"},
    {SG_ARG_PASSWORD_FILE, "password-file", "FILE", "read the new one, - for stdin"},
    END};

static const struct args_option ls_options[] = {
    {'l', NULL, NULL, "long: type, owner, size, date, name"},
    {'h', "human-readable", NULL, "sizes as 1.3K, 13M"},
    {'R', "recursive", NULL, "everything below, too, as paths"},
    {SG_ARG_SORT, "sort", "KEY", "name, size or modified; -KEY reverses"},
    END};

static const struct args_option put_options[] = {
    {'r', "recursive", NULL, "directories with all that is in them"},
    {'j', "jobs", "N", "transfers at once (default 4, at most 32)"},
    {SG_ARG_IF_MATCH, "if-match", "ETAG", "replace only the version with this SHA-256"},
    {SG_ARG_CREATE_ONLY, "create-only", NULL, "never replace a file"},
    END};

static const struct args_option get_options[] = {
    {'o', "output", "OUT", "file or directory to write to, - for stdout"},
    {'r', "recursive", NULL, "directories with all that is in them"},
    {'j', "jobs", "N", "transfers at once (default 4, at most 32)"},
    END};

static const struct args_option rm_options[] = {
    {'r', "recursive", NULL, "directories with all that is in them"}, END};

static const struct args_option mv_options[] = {
    {'f', "force", NULL, "a file replaces the file that is there"}, END};

static const struct args_option chat_options[] = {
    {'n', "lines", "N", "begin with the last N messages (20 on a terminal, 0 in a pipe)"},
    {SG_ARG_AFTER, "after", "CURSOR", "verify: begin after this event"},
    {SG_ARG_CHAIN, "chain", "HEX", "verify: the chain value of that event"},
    {SG_ARG_FORGET, "forget", NULL, "verify: forget what was verified before"},
    END};

static const struct args_option say_options[] = {
    {SG_ARG_REPLY, "reply", "N", "it answers message N"},
    {SG_ARG_FILE, "file", "PATH", "it names this file of the space (up to 16 times)"},
    END};

static const struct args_option tail_options[] = {
    {'n', "lines", "N", "so many messages (default 10)"},
    {'f', "follow", NULL, "show what follows, until Ctrl-C"},
    END};

static const struct args_option watch_options[] = {
    {SG_ARG_TYPES, "types", "LIST", "only these, such as message,file,presence.joined"},
    {SG_ARG_SPACE, "space", "SPACE", "of this space only"},
    {SG_ARG_AFTER, "after", "CURSOR", "begin after this event (its id), not now"},
    END};

static const struct args_option spaces_options[] = {
    {SG_ARG_DESCRIPTION, "description", "TEXT", "what it is for"},
    {SG_ARG_RETENTION, "retention", "TIME", "keep events so long: 12h, 30d, 52w, default"},
    {SG_ARG_KEEP, "keep", "N", "keep so many events, or default"},
    {'y', "yes", NULL, "do not ask before a space is deleted"},
    END};

static const struct args_option members_options[] = {
    {SG_ARG_ROLE, "role", "ROLE", "reader, writer (default of add) or owner"}, END};

static const struct args_option daytime_options[] = {
    {SG_ARG_TZ, "tz", "ZONE", "time zone, such as Europe/Berlin (default UTC)"},
    {SG_ARG_SIGNED, "signed", NULL, "ask for a signed statement with a fresh nonce, and verify it"},
    {SG_ARG_NONCE, "nonce", "NONCE", "the same with this nonce (16 to 64 bytes, base64url)"},
    END};

static const struct args_option sign_options[] = {
    {SG_ARG_KEY, "key", "NAME", "the key to sign with"},
    {SG_ARG_FORMAT, "format", "LIST",
     "raw, minisign, signify, sshsig, cms, dsse, record (default)"},
    {SG_ARG_OUT, "out", "DIR", "write the signatures below DIR, not beside the files"},
    {SG_ARG_STORED, "stored", NULL,
     "the arguments are paths on the gateway; / at the end: all below"},
    {SG_ARG_SHA512, "sha512", NULL, "files: send SHA-512, too, so that it is in the record"},
    {'f', "force", NULL, "replace files that are no signatures"},
    END};

static const struct args_option verify_options[] = {
    {SG_ARG_OFFLINE, "offline", NULL, "ask no gateway: known keys, or --key and --log-key"},
    {SG_ARG_KEY, "key", "PUB", "public key in a file of any form (PEM, ssh, minisign, ...)"},
    {SG_ARG_SIGNATURE, "signature", "FILE", "this signature only, wherever it is"},
    {SG_ARG_LOG_KEY, "log-key", "VKEY", "verifier key of the log, or a file with it"},
    END};

static const struct args_option keys_options[] = {
    {SG_ARG_TYPE, "type", "TYPE", "create: ed25519 (default), ecdsa-p256, rsa-3072"},
    {SG_ARG_URI, "uri", "URI", "create, rotate: the key in a PKCS#11 token"},
    {SG_ARG_EXPIRES, "expires", "TIME", "create, rotate: when the version stops to sign: 90d, 52w"},
    {SG_ARG_FORMAT, "format", "F",
     "public: pem (default), ssh, minisign, signify, jwk, x509;\n"
     "                               update: a LIST of what may be signed"},
    {SG_ARG_VERSION, "version", "N", "public: this version, not the current one"},
    {SG_ARG_OLDEST, "oldest", "N", "update: versions before N verify no more"},
    {SG_ARG_SIGNERS, "signers", "LIST", "update: who may sign, instead of those before"},
    {SG_ARG_MANAGERS, "managers", "LIST", "update: who may change it"},
    {SG_ARG_QUORUM, "quorum", "N", "update: witnesses that are needed; 0: none"},
    {SG_ARG_WITNESS, "witness", "VKEY=URL", "update: a witness (several times)"},
    END};

static const struct args_option log_options[] = {
    {'n', "lines", "N", "list: so many entries (default 20)"},
    {SG_ARG_FROM, "from", "INDEX", "list: begin at this entry, not N before the end"},
    {SG_ARG_LOG_KEY, "log-key", "VKEY", "check: verifier key of the log, or a file with it"},
    {SG_ARG_FORGET, "forget", NULL, "check: forget log and key that were seen before"},
    END};

static const struct args_option sessions_options[] = {
    {SG_ARG_OTHERS, "others", NULL, "end all sessions but this one"}, END};

static const struct args_option users_options[] = {
    {SG_ARG_ROLE, "role", "ROLE", "admin, member or guest"},
    {'y', "yes", NULL, "do not ask before a user is deleted"},
    END};

static const struct args_option invite_options[] = {
    {SG_ARG_ROLE, "role", "ROLE", "admin, member (default) or guest"},
    {SG_ARG_EXPIRES, "expires", "TIME", "how long it is good: 90s, 15m, 12h, 7d (default), 2w"},
    END};

#define PATHS                                                                                      \
    "Remote paths begin with a space: common/..., ~NAME/..., or /SPACE/... for any.\n"             \
    "All others are below your own space, ~me. Quote ~ from the shell if it expands it.\n"

#define SPACES                                                                                     \
    "SPACE is common, a shared space's name, @NAME (you and that user) or ~ (your own).\n"

static const struct commands_row rows[] = {
    {"signup", "[URL] [--code CODE] [-u NAME]", "make an account and log in", cmd_signup,
     signup_options, "The default URL is https://localhost:8443.\n"},
    {"login", "[URL] [-u NAME] [--code-file FILE] | [URL] --web [--scopes LIST]", "log in",
     cmd_login, login_options,
     "The URL is kept by the profile; the first time it is https://localhost:8443.\n"
     "With a certificate (secctl enroll) no password is asked for, unless -u is given.\n"
     "--web shows an address and a code, and waits until somebody who is logged in there says "
     "yes.\n"
     "At the first contact the fingerprint of the gateway's CA is shown and asked for.\n"},
    {"logout", "[--local]", "end the session", cmd_logout, logout_options, NULL},
    {"whoami", "", "show who is logged in", cmd_whoami, NULL, NULL},
    {"passwd", "", "change the password; ends other sessions", cmd_passwd, passwd_options,
     "With - for both files, the first line is the old password, the second the new one.\n"},
    {"ls", "[-lhR] [--sort KEY] [PATH...]", "list files", cmd_ls, ls_options,
     PATHS "Without PATH your own space is listed; ls / lists the spaces.\n"},
    {"put", "[-r] FILE... [TARGET]", "store files", cmd_put, put_options,
     PATHS "With one FILE and no TARGET it goes to your own space. TARGET is a directory if it\n"
           "ends in / or if there are several FILEs. FILE may be - for standard input.\n"},
    {"get", "[-r] PATH... [-o OUT]", "fetch files", cmd_get, get_options,
     PATHS
     "An interrupted download is kept as NAME.secctl-part; the same command goes on with it.\n"
     "The content's SHA-256 is always checked.\n"},
    {"cat", "PATH...", "write files to standard output", cmd_cat, NULL, PATHS},
    {"rm", "[-r] PATH...", "delete files", cmd_rm, rm_options, PATHS},
    {"mv", "[-f] SOURCE TARGET", "move or rename a file or directory", cmd_mv, mv_options,
     PATHS "A TARGET that ends in / is a directory to move into.\n"},
    {"chat", "[-n N] SPACE | verify SPACE [--after CURSOR --chain HEX] [--forget]",
     "talk in a space; verify its log", cmd_chat, chat_options,
     SPACES
     "On a terminal: type and press Enter; /help shows what else there is. In a pipe each line\n"
     "of standard input is said, and it ends when all of them have been acknowledged.\n"
     "verify recomputes the chain of the log and compares it with what was verified before;\n"
     "exit code 4 when something was removed, doubled, altered or put in another order.\n"},
    {"say", "[--reply N] [--file PATH]... SPACE [TEXT|-]", "say one thing in a space", cmd_say,
     say_options, SPACES "Without TEXT, or with -, all of standard input is one message.\n"},
    {"tail", "[-n N] [-f] SPACE", "show the newest messages of a space", cmd_tail, tail_options,
     SPACES "With --json one event per line.\n"},
    {"watch", "[--types LIST] [--space SPACE] [--after CURSOR]",
     "print events of all spaces as they happen", cmd_watch, watch_options,
     "One JSON document per line, at once, with coming and going of listeners. When events are\n"
     "missing there is a line {\"type\":\"gap\",\"reason\",\"from\",\"to\"}.\n"},
    {"who", "[SPACE]", "show who is listening", cmd_who, NULL, SPACES},
    {"spaces", "[list] | create NAME | set NAME | rm NAME", "list, make and change spaces",
     cmd_spaces, spaces_options, SPACES},
    {"members", "[list] SPACE | add SPACE USER | set SPACE USER --role ROLE | rm SPACE USER",
     "show and change who is in a space", cmd_members, members_options, SPACES},
    {"leave", "SPACE", "leave a space", cmd_leave, NULL, NULL},
    {"sign", "--key NAME [--format LIST] [--out DIR] [FILE|DIR... | --stored PATH...]",
     "sign files, directories, stored files", cmd_sign, sign_options,
     "Files are hashed here, and only digests are sent. Without FILE: the files of the current\n"
     "directory. A DIR is signed with all that is below it, each file for itself and all of them\n"
     "as one (DIR/SHA256). Signatures are written beside the content: FILE.minisig, .sig (of raw,\n"
     "signify, sshsig the one named first; the others .raw.sig, .signify.sig, .sshsig.sig), .p7s,\n"
     ".intoto.jsonl, .record.json, and in any case FILE.tlog-proof. Those of stored files go to\n"
     "the current directory.\n"},
    {"verify", "[--offline] [--key PUB] [--log-key VKEY] [--signature FILE] FILE|DIR...",
     "verify signatures", cmd_verify, verify_options,
     "Finds the signatures beside FILE. All of them, and the proof of the log, have to hold; a "
     "DIR\n"
     "is held against its SHA256, each file of it. Keys that were fetched once are pinned by the\n"
     "profile. Exit code 0: valid; 1: not valid, or not to be verified.\n"},
    {"keys",
     "[list] | show NAME | create NAME [--type TYPE] | rotate NAME | update NAME ... |\n"
     "                   disable|enable NAME | allow|deny NAME USER... | public NAME",
     "show, make and change keys for signing", cmd_keys, keys_options,
     "allow and deny change who may sign. public prints the public key; x509 is a certificate\n"
     "from the gateway's CA.\n"},
    {"log", "[show] | list [-n N] [--from INDEX] | check [--log-key VKEY] [--forget]",
     "show and follow the transparency log", cmd_log, log_options,
     "check reads all entries since the last check, hashes them anew, and holds the result\n"
     "against the signed checkpoint and a consistency proof. Exit code 5: history was changed,\n"
     "or the log has another key.\n"},
    {"daytime", "[--tz ZONE] [--signed | --nonce NONCE]", "show the gateway's time", cmd_daytime,
     daytime_options,
     "--signed fails unless the statement is signed with the key that was pinned at first use.\n"},
    {"tls", "", "show how the connection is protected", cmd_tls, NULL, NULL},
    {"sessions", "[list] | end ID... | end current | end --others", "show or end sessions",
     cmd_sessions, sessions_options, NULL},
    {"session", "open [-u NAME] [--forget] | data | watch [--interval TIME] [--count N] | close",
     "a session with a sealed channel", cmd_session, session_options,
     "Each request is encrypted under keys that change all the time, inside TLS, in a session "
     "that\n"
     "lasts 30 minutes. data asks once for sequence, epoch and content; watch does so every 30\n"
     "seconds, goes on when the connection breaks, and closes at the end or at Ctrl-C.\n"
     "secctl --sealed COMMAND sends any command through the channel. The gateway's identity key "
     "is\n"
     "pinned at first contact. With a certificate (secctl enroll) no password is asked for.\n"},
    {"enroll", "[--name TEXT] [--days N] | --csr FILE [--user NAME] [--out CERT] | --forget",
     "get a client certificate", cmd_enroll, enroll_options,
     "Makes a key, which stays here, and a certificate, which is shown on every connection, logs "
     "in\n"
     "without a password, and is renewed by itself when a third of its life is left.\n"},
    {"certificates", "[list] [--user NAME | --all] | revoke ID...",
     "list and revoke client certificates", cmd_certificates, certificates_options, NULL},
    {"tokens",
     "[list] | rm ID... |\n"
     "                     create NAME --scopes LIST [--spaces LIST] [--keys LIST] [--expires "
     "TIME]",
     "tokens for scripts", cmd_tokens, tokens_options,
     "A script gives its token as $SECGATE_TOKEN or by --token-file; it needs no session.\n"},
    {"totp", "[status] | enable | disable | recovery", "codes as a second factor", cmd_totp,
     totp_options,
     "enable shows a QR code for an authenticator, and prints recovery codes; recovery makes new\n"
     "ones.\n"},
    {"passkeys", "[list] | rm ID...", "list and remove passkeys", cmd_passkeys, NULL,
     "They are added on the web page.\n"},
    {"audit",
     "[list] [-n N] [-f] [--type TYPE] [--actor USER] [--since TIME] [--until TIME] |\n"
     "                    verify [--forget]",
     "the audit log (admins)", cmd_audit, audit_options,
     "verify recomputes the chain of all entries and compares it with what was seen before; exit\n"
     "code 4 when something was removed, added or altered.\n"},
    {"users", "[list] | set NAME --role ROLE | disable NAME | enable NAME | reset NAME | rm NAME",
     "manage users (admins)", cmd_users, users_options,
     "reset takes away the second factor (codes and passkeys) of who has lost it.\n"},
    {"invite", "[--role ROLE] [--expires TIME]", "make an invitation (admins)", cmd_invite,
     invite_options, NULL},
    {"status", "", "show gateway, user, token and TLS at a glance", cmd_status, NULL, NULL},
    {"version", "", "show the version of secctl and its libraries", cmd_version, NULL, NULL},
    {"help", "[COMMAND]", "explain a command", cmd_help, NULL, NULL},
};

const struct commands_row *commands_find(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

static void print_options(const struct args_option *options)
{
    for (; options->key; options++) {
        char left[64];
        const char *value = options->value ? options->value : "";
        const char *gap = options->value ? (options->name ? "=" : " ") : "";

        if (options->key < 256 && options->name)
            snprintf(left, sizeof(left), "-%c, --%s%s%s", options->key, options->name, gap, value);
        else if (options->key < 256)
            snprintf(left, sizeof(left), "-%c%s%s", options->key, gap, value);
        else
            snprintf(left, sizeof(left), "    --%s%s%s", options->name, gap, value);
        printf("  %-28s %s\n", left, options->help);
    }
}

static void print_exit_codes(void)
{
    fputs("\nExit codes:\n"
          "  0  done\n"
          "  1  wrong usage, or a file or directory here is the problem\n"
          "  2  the gateway said no\n"
          "  3  no connection, TLS failed, or the gateway is not trusted\n"
          "  4  content and digest differ, nothing wrong was kept; or a log does not hold\n"
          "  5  the transparency log was changed, or has another key (log check)\n",
          stdout);
}

void commands_overview(void)
{
    fputs("secctl is the command line client of secgate.\n\n"
          "Usage: secctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n",
          stdout);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        printf("  %-12s %s\n", rows[i].name, rows[i].summary);
    fputs("\nOptions of every command:\n", stdout);
    print_options(args_global);
    print_exit_codes();
    fputs("\nsecctl COMMAND --help explains a command. To begin with a new gateway:\n"
          "  secctl signup https://HOST:8443 --code CODE\n",
          stdout);
}

void commands_help(const struct commands_row *row)
{
    printf("secctl %s: %s\n\nUsage: secctl %s %s\n", row->name, row->summary, row->name,
           row->usage);
    if (row->details)
        printf("\n%s", row->details);
    if (row->options) {
        fputs("\nOptions:\n", stdout);
        print_options(row->options);
    }
    fputs("\nOptions of every command:\n", stdout);
    print_options(args_global);
    print_exit_codes();
}
