/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that clients show: which are vouched for, by whom, for how long, on every kind of
 * connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "base/arena.h"
#include "base/encode.h"
#include "base/log.h"
#include "http/request.h"
#include "http_fixture.h"
#include "pair_fixture.h"

#define GET_PEER "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_JOB  "GET /peer-job HTTP/1.1\r\nHost: x\r\n\r\n"

#define CLIENT .purpose = GNUTLS_KP_TLS_WWW_CLIENT, .from_days = -1, .until_days = 30

static struct server_config config;
static struct http_fixture fixture;
static struct pair ca, other_ca, old_ca;
static char answer[65536];
static uint8_t ca_sha256[8][32]; /* of the texts of what is trusted, in its order */

/* Digests are of what is told. */
static void check_above(const struct request_certificate *c)
{
    gnutls_hash_hd_t hash;
    uint8_t digest[32];

    if (c->above_count == 0)
        return;
    (void)gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
    (void)gnutls_hash(hash, c->der, c->len);
    for (size_t i = 0; i < c->above_count; i++)
        (void)gnutls_hash(hash, c->above[i].data, c->above[i].len);
    gnutls_hash_deinit(hash, digest);
    if (memcmp(digest, c->chain_sha256, 32) != 0 || memcmp(ca_sha256[c->ca], c->ca_sha256, 32) != 0)
        abort();
}

static enum sg_err peer_run(struct request *r)
{
    struct request_certificate c;
    char hex[65] = "-";
    const char *text;

    request_certificate(r, &c);
    if (c.der != NULL)
        encode_hex(c.sha256, sizeof c.sha256, hex);
    text = arena_printf(request_arena(r), "%s %zu %s %u %lld %lld %zu",
                        c.der == NULL ? "none"
                        : c.verified  ? "verified"
                                      : "unverified",
                        c.len, hex, c.ca, (long long)c.not_before_s, (long long)c.expires_s,
                        c.above_count);
    check_above(&c);
    reply_bytes(r, 200, "text/plain", text, strlen(text));
    return SG_OK;
}

static const struct operation peer_op = {.run = peer_run};
static const struct route routes[] = {
    {.method = SG_METHOD_GET, .pattern = "/peer", .operation_id = "peer", .operation = &peer_op},
    {.method = SG_METHOD_GET,
     .pattern = "/peer-job",
     .operation_id = "peer_job",
     .blocks = true,
     .operation = &peer_op},
};

static void trust(struct tls_bundle *bundle, const struct pair *p, uint8_t ret_sha256[32])
{
    gnutls_datum_t pem;

    assert_int_equal(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_PEM, &pem), 0);
    assert_int_equal(tls_bundle_trust(bundle, (const char *)pem.data, pem.size), SG_OK);
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, pem.data, pem.size, ret_sha256), 0);
    gnutls_free(pem.data);
}

/* The server trusts these from now on, in this order. */
static void serve(const struct pair *const *cas, size_t count)
{
    struct tls_bundle *bundle = http_identity_bundle(&fixture.identity);

    for (size_t i = 0; i < count; i++)
        trust(bundle, cas[i], ca_sha256[i]);
    server_set_tls(fixture.server, bundle);
    tls_bundle_unref(bundle);
}

static int set_up(void **state)
{
    const struct pair_shape shape = {.ca = true, .from_days = -10, .until_days = 100};
    const struct pair_shape old = {.ca = true, .from_days = -10, .until_days = -1};
    const struct pair *const both[] = {&ca, &other_ca};

    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    config.routes = routes;
    config.route_count = sizeof routes / sizeof routes[0];
    server_limits_default(&config.limits);
    config.limits.event_threads = 2;
    http_fixture_start(&fixture, &config);
    ca = pair_make("ca", &shape, NULL);
    other_ca = pair_make("other", &shape, NULL);
    old_ca = pair_make("old", &old, NULL);
    serve(both, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    pair_drop(&ca);
    pair_drop(&other_ca);
    pair_drop(&old_ca);
    return 0;
}

/* -- the client ---------------------------------------------------------------------------------
 */

struct shown {
    char what[16];
    size_t len;
    char sha256[72];
    unsigned ca;
    long long from, until;
    size_t above;
};

static struct shown ask(struct http_client *c, const char *request)
{
    struct shown s;

    assert_int_equal(http_client_get(c, request, answer, sizeof answer), 200);
    assert_int_equal(sscanf(strstr(answer, "\r\n\r\n") + 4, "%15s %zu %71s %u %lld %lld %zu",
                            s.what, &s.len, s.sha256, &s.ca, &s.from, &s.until, &s.above),
                     7);
    return s;
}

/* Handshakes with the credentials that it has. */
static void begin(struct http_client *c, const char *priority, const gnutls_datum_t *resume)
{
    /* Whatever CAs the server names. */
    assert_int_equal(
        gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT), 0);
    assert_int_equal(
        gnutls_priority_set_direct(c->session, priority != NULL ? priority : "NORMAL", NULL), 0);
    assert_int_equal(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials), 0);
    gnutls_transport_set_int(c->session, c->fd);
    if (resume != NULL)
        assert_int_equal(gnutls_session_set_data(c->session, resume->data, resume->size), 0);
    assert_int_equal(gnutls_handshake(c->session), 0);
}

/* Connects with a certificate and what is above it. */
static void open_with(struct http_client *c, const struct pair *leaf, const struct pair *above,
                      const char *priority, const gnutls_datum_t *resume)
{
    gnutls_x509_crt_t chain[] = {leaf->crt, above != NULL ? above->crt : NULL};

    memset(c, 0, sizeof *c);
    c->fd = http_connect(fixture.port);
    assert_true(c->fd >= 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&c->credentials), 0);
    assert_int_equal(
        gnutls_certificate_set_x509_key(c->credentials, chain, above != NULL ? 2 : 1, leaf->key),
        0);
    begin(c, priority, resume);
}

static struct shown ask_with(const struct pair *leaf, const struct pair *above)
{
    struct http_client c;
    struct shown s;

    open_with(&c, leaf, above, NULL, NULL);
    s = ask(&c, GET_PEER);
    http_client_close(&c);
    return s;
}

static void assert_is(const struct shown *s, const char *what)
{
    assert_string_equal(s->what, what);
}

static void own_sha256(const struct pair *p, char hex[65])
{
    uint8_t digest[32];
    gnutls_datum_t der;

    assert_int_equal(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER, &der), 0);
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digest), 0);
    gnutls_free(der.data);
    encode_hex(digest, sizeof digest, hex);
}

/* -- tests --------------------------------------------------------------------------------------
 */

static void test_good(void **state)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                             "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
    struct pair leaf = pair_make("anna", &(struct pair_shape){CLIENT}, &ca);
    struct http_client c;
    char hex[65];

    (void)state;
    own_sha256(&leaf, hex);
    for (int i = 0; i < 2; i++) {
        open_with(&c, &leaf, NULL, priorities[i], NULL);
        for (int j = 0; j < 4; j++) {
            struct shown s = ask(&c, j % 2 == 0 ? GET_PEER : GET_JOB);

            assert_is(&s, "verified");
            assert_string_equal(s.sha256, hex);
            assert_int_equal(s.ca, 0);
            assert_int_equal(s.until, gnutls_x509_crt_get_expiration_time(leaf.crt));
            assert_int_equal(s.from, gnutls_x509_crt_get_activation_time(leaf.crt));
        }
        http_client_close(&c);
    }
    pair_drop(&leaf);
}

static void test_none(void **state)
{
    struct http_client c;
    struct shown s;

    (void)state;
    assert_true(http_client_open(&c, fixture.port, NULL));
    s = ask(&c, GET_PEER);
    assert_is(&s, "none");
    s = ask(&c, GET_JOB);
    assert_is(&s, "none");
    http_client_close(&c);
}

static void test_which_ca(void **state)
{
    struct pair leaf = pair_make("bert", &(struct pair_shape){CLIENT}, &other_ca);
    struct shown s = ask_with(&leaf, NULL);

    (void)state;
    assert_is(&s, "verified");
    assert_int_equal(s.ca, 1);
    pair_drop(&leaf);
}

static void test_refused(void **state)
{
    static const struct pair_shape shapes[] = {
        {.purpose = GNUTLS_KP_TLS_WWW_SERVER, .from_days = -1, .until_days = 1},
        {.purpose = GNUTLS_KP_CODE_SIGNING, .from_days = -1, .until_days = 1},
        {CLIENT, .digest = GNUTLS_DIG_SHA1},
        {CLIENT, .rsa_bits = 1024},
        {CLIENT, .ca = true},
    };
    struct pair leaf;
    struct shown s;

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        leaf = pair_make("carl", &shapes[i], &ca);
        s = ask_with(&leaf, NULL);
        assert_is(&s, "unverified");
        assert_int_equal(strlen(s.sha256), 64);
        pair_drop(&leaf);
    }
    leaf = pair_make("self", &(struct pair_shape){CLIENT}, NULL);
    s = ask_with(&leaf, NULL);
    assert_is(&s, "unverified");
    pair_drop(&leaf);
    /* The CA itself, a stranger's certificate beside a good CA, one with the same name. */
    s = ask_with(&ca, NULL);
    assert_is(&s, "unverified");
    struct pair twin =
        pair_make("ca", &(struct pair_shape){.ca = true, .from_days = -1, .until_days = 1}, NULL);
    leaf = pair_make("anna", &(struct pair_shape){CLIENT}, &twin);
    s = ask_with(&leaf, &ca);
    assert_is(&s, "unverified");
    pair_drop(&leaf);
    pair_drop(&twin);
}

static void test_above(void **state)
{
    struct pair middle = pair_make(
        "middle", &(struct pair_shape){.ca = true, .from_days = -1, .until_days = 5}, &ca);
    struct pair leaf = pair_make("dora", &(struct pair_shape){CLIENT}, &middle);
    struct shown s = ask_with(&leaf, &middle);

    (void)state;
    assert_is(&s, "verified");
    assert_int_equal(s.above, 0); /* of the gateway's own CA nobody asks for them */
    /* It ends with the first of them. */
    assert_int_equal(s.until, gnutls_x509_crt_get_expiration_time(middle.crt));
    s = ask_with(&leaf, NULL);
    assert_is(&s, "unverified");
    pair_drop(&leaf);
    pair_drop(&middle);
    /* Who is no CA vouches for nobody. */
    middle = pair_make("user", &(struct pair_shape){CLIENT}, &ca);
    leaf = pair_make("friend", &(struct pair_shape){CLIENT}, &middle);
    s = ask_with(&leaf, &middle);
    assert_is(&s, "unverified");
    pair_drop(&leaf);
    pair_drop(&middle);
}

/* All up to the CA that issued itself are told, whether they were sent or are trusted. */
static void test_chain(void **state)
{
    const struct pair_shape shape = {.ca = true, .from_days = -1, .until_days = 5};
    struct pair upper = pair_make("upper", &shape, &other_ca);
    struct pair middle = pair_make("middle", &shape, &upper);
    struct pair leaf = pair_make("dora", &(struct pair_shape){CLIENT}, &middle);
    struct pair direct = pair_make("emma", &(struct pair_shape){CLIENT}, &other_ca);
    const struct pair *const with_upper[] = {&ca, &upper, &other_ca};
    const struct pair *const both[] = {&ca, &other_ca};
    struct shown s = ask_with(&direct, NULL);

    (void)state;
    assert_is(&s, "verified");
    assert_int_equal(s.above, 1);
    s = ask_with(&leaf, &middle); /* what is between them was not sent, and is not trusted */
    assert_is(&s, "unverified");
    assert_int_equal(s.above, 0);
    serve(with_upper, 3);
    s = ask_with(&leaf, &middle);
    assert_is(&s, "verified");
    assert_int_equal(s.ca, 1);
    assert_int_equal(s.above, 2);
    serve(both, 2);
    pair_drop(&direct);
    pair_drop(&leaf);
    pair_drop(&middle);
    pair_drop(&upper);
}

/* Sends `other`, too, which has nothing to do with it. */
static struct shown ask_beside(const struct pair *leaf, const struct pair *other)
{
    gnutls_pcert_st sent[2]; /* the credentials take what is in them, and the key */
    gnutls_privkey_t key;
    struct http_client c = {.fd = http_connect(fixture.port)};
    struct shown s;

    assert_int_equal(gnutls_pcert_import_x509(&sent[0], leaf->crt, 0), 0);
    assert_int_equal(gnutls_pcert_import_x509(&sent[1], other->crt, 0), 0);
    assert_int_equal(gnutls_privkey_init(&key), 0);
    assert_int_equal(gnutls_privkey_import_x509(key, leaf->key, GNUTLS_PRIVKEY_IMPORT_COPY), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&c.credentials), 0);
    assert_int_equal(gnutls_certificate_set_key(c.credentials, NULL, 0, sent, 2, key), 0);
    begin(&c, NULL, NULL);
    s = ask(&c, GET_PEER);
    http_client_close(&c);
    return s;
}

/* One text for two CAs, after the gateway's own. */
static void serve_together(const struct pair *first, const struct pair *second)
{
    struct tls_bundle *bundle = http_identity_bundle(&fixture.identity);
    gnutls_datum_t pem[2];
    char both[8192];
    size_t len;

    trust(bundle, &ca, ca_sha256[0]);
    assert_int_equal(gnutls_x509_crt_export2(first->crt, GNUTLS_X509_FMT_PEM, &pem[0]), 0);
    assert_int_equal(gnutls_x509_crt_export2(second->crt, GNUTLS_X509_FMT_PEM, &pem[1]), 0);
    len = (size_t)snprintf(both, sizeof both, "%s%s", pem[0].data, pem[1].data);
    assert_int_equal(tls_bundle_trust(bundle, both, len), SG_OK);
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, both, len, ca_sha256[1]), 0);
    server_set_tls(fixture.server, bundle);
    tls_bundle_unref(bundle);
    gnutls_free(pem[0].data);
    gnutls_free(pem[1].data);
}

/* Who sends more than the chain hides nothing of what stands above the certificate, and none of its
 * times. */
static void test_more_than_chain(void **state)
{
    const struct pair *const usual[] = {&ca, &other_ca};
    const struct pair_shape shape = {.ca = true, .from_days = -1, .until_days = 5};
    struct pair middle = pair_make("middle", &shape, &other_ca);
    struct pair leaf = pair_make("dora", &(struct pair_shape){CLIENT}, &middle);
    struct pair stray = pair_make(
        "stray", &(struct pair_shape){.ca = true, .from_days = -1, .until_days = 90}, NULL);
    struct shown s;

    (void)state;
    serve_together(&middle, &other_ca);
    for (int i = 0; i < 3; i++) {
        s = i == 0   ? ask_with(&leaf, NULL)
            : i == 1 ? ask_with(&leaf, &middle)
                     : ask_beside(&leaf, &stray);
        assert_is(&s, "verified");
        assert_int_equal(s.ca, 1);
        assert_int_equal(s.above, i < 2 ? 2 : 3);
        assert_int_equal(s.until, gnutls_x509_crt_get_expiration_time(middle.crt));
    }
    serve(usual, 2);
    pair_drop(&stray);
    pair_drop(&leaf);
    pair_drop(&middle);
}

/* The same authority, from now on. */
static struct pair renew(const struct pair *p, const struct pair *issuer)
{
    static const unsigned char serial[] = {0x70, 1};
    struct pair new = {.key = p->key};
    gnutls_datum_t der;

    assert_int_equal(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER, &der), 0);
    assert_int_equal(gnutls_x509_crt_init(&new.crt), 0);
    assert_int_equal(gnutls_x509_crt_import(new.crt, &der, GNUTLS_X509_FMT_DER), 0);
    gnutls_free(der.data);
    assert_int_equal(gnutls_x509_crt_set_serial(new.crt, serial, sizeof serial), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(new.crt, time(NULL) + 5 * 86400), 0);
    assert_int_equal(gnutls_x509_crt_sign2(new.crt, issuer->crt, issuer->key, GNUTLS_DIG_SHA256, 0),
                     0);
    return new;
}

/* What has taken the place of a trusted one that is out of time counts instead of it. */
static void test_renewed(void **state)
{
    const struct pair *const usual[] = {&ca, &other_ca};
    struct pair old = pair_make(
        "middle", &(struct pair_shape){.ca = true, .from_days = -9, .until_days = -1}, &other_ca);
    struct pair leaf = pair_make("dora", &(struct pair_shape){CLIENT}, &old);
    struct pair new = renew(&old, &other_ca);
    struct shown s;

    (void)state;
    serve_together(&old, &other_ca);
    s = ask_with(&leaf, &new);
    assert_is(&s, "verified");
    assert_int_equal(s.until, gnutls_x509_crt_get_expiration_time(new.crt));
    for (int i = 0; i < 2; i++) {
        serve_together(i == 0 ? &old : &new, i == 0 ? &new : &old);
        s = ask_with(&leaf, NULL);
        assert_is(&s, "verified");
        assert_true(s.until > time(NULL));
    }
    serve(usual, 2);
    gnutls_x509_crt_deinit(new.crt);
    pair_drop(&leaf);
    pair_drop(&old);
}

/* Whose it was stays known; that it does not count any more shows in its time. */
static void test_time(void **state)
{
    const struct pair *const all[] = {&ca, &other_ca, &old_ca};
    const struct pair *const both[] = {&ca, &other_ca};
    long long now = time(NULL);
    struct pair leaf =
        pair_make("past",
                  &(struct pair_shape){
                      .purpose = GNUTLS_KP_TLS_WWW_CLIENT, .from_days = -9, .until_days = -2},
                  &ca);
    struct shown s = ask_with(&leaf, NULL);

    (void)state;
    assert_is(&s, "verified");
    assert_true(s.until < now);
    pair_drop(&leaf);
    leaf = pair_make(
        "future",
        &(struct pair_shape){.purpose = GNUTLS_KP_TLS_WWW_CLIENT, .from_days = 2, .until_days = 9},
        &ca);
    s = ask_with(&leaf, NULL);
    assert_is(&s, "verified");
    assert_true(s.from > now);
    pair_drop(&leaf);
    /* A forged one of the past is nobody's. */
    leaf = pair_make("past",
                     &(struct pair_shape){
                         .purpose = GNUTLS_KP_TLS_WWW_CLIENT, .from_days = -9, .until_days = -2},
                     NULL);
    s = ask_with(&leaf, NULL);
    assert_is(&s, "unverified");
    pair_drop(&leaf);
    serve(all, 3);
    leaf = pair_make("late", &(struct pair_shape){CLIENT}, &old_ca);
    s = ask_with(&leaf, NULL);
    assert_is(&s, "verified");
    assert_int_equal(s.ca, 2);
    assert_true(s.until <= now);
    pair_drop(&leaf);
    serve(both, 2);
}

static void test_resumed(void **state)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                             "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
    struct pair leaf = pair_make("fred", &(struct pair_shape){CLIENT}, &ca);
    const struct pair *const only_other[] = {&other_ca};
    const struct pair *const both[] = {&ca, &other_ca};
    struct http_client c;

    (void)state;
    for (int i = 0; i < 2; i++) {
        gnutls_datum_t data;
        struct shown s;
        char hex[65];

        own_sha256(&leaf, hex);
        open_with(&c, &leaf, NULL, priorities[i], NULL);
        s = ask(&c, GET_PEER);
        assert_is(&s, "verified");
        assert_int_equal(gnutls_session_get_data2(c.session, &data), 0);
        http_client_close(&c);
        open_with(&c, &leaf, NULL, priorities[i], &data);
        assert_int_not_equal(gnutls_session_is_resumed(c.session), 0);
        s = ask(&c, GET_PEER);
        assert_is(&s, "verified");
        assert_string_equal(s.sha256, hex);
        /* The open connection hears of it when the trust changes, and when it comes back. */
        serve(only_other, 1);
        s = ask(&c, GET_PEER);
        assert_is(&s, "unverified");
        s = ask(&c, GET_JOB);
        assert_is(&s, "unverified");
        serve(both, 2);
        s = ask(&c, GET_PEER);
        assert_is(&s, "verified");
        http_client_close(&c);
        /* Tickets of before are not taken any more. */
        open_with(&c, &leaf, NULL, priorities[i], &data);
        assert_int_equal(gnutls_session_is_resumed(c.session), 0);
        s = ask(&c, GET_PEER);
        assert_is(&s, "verified");
        http_client_close(&c);
        gnutls_free(data.data);
    }
    pair_drop(&leaf);
}

static unsigned asked;

static int note_request(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                        const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                        gnutls_pcert_st **chain, unsigned *chain_len, gnutls_privkey_t *key)
{
    (void)session;
    (void)names;
    (void)algorithms;
    (void)algorithm_count;
    *chain = NULL;
    *chain_len = 0;
    *key = NULL;
    asked = 1 + (unsigned)name_count;
    return 0;
}

/* Handshakes once; how many CAs the server named, plus one if it asked at all. */
static unsigned names_asked(void)
{
    struct http_client c = {.fd = http_connect(fixture.port)};

    asked = 0;
    assert_int_equal(gnutls_certificate_allocate_credentials(&c.credentials), 0);
    gnutls_certificate_set_retrieve_function2(c.credentials, note_request);
    assert_int_equal(gnutls_init(&c.session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(c.session), 0);
    assert_int_equal(gnutls_credentials_set(c.session, GNUTLS_CRD_CERTIFICATE, c.credentials), 0);
    gnutls_transport_set_int(c.session, c.fd);
    assert_int_equal(gnutls_handshake(c.session), 0);
    assert_int_equal(http_client_get(&c, GET_PEER, answer, sizeof answer), 200);
    http_client_close(&c);
    return asked;
}

static void test_asked(void **state)
{
    const struct pair *const both[] = {&ca, &other_ca};

    (void)state;
    assert_int_equal(names_asked(), 3);
    serve(both, 1);
    assert_int_equal(names_asked(), 2);
    serve(both, 0);
    assert_int_equal(names_asked(), 0);
    serve(both, 2);
}

static void test_bad_trust(void **state)
{
    struct tls_bundle *bundle = http_identity_bundle(&fixture.identity);
    struct pair leaf = pair_make("leaf", &(struct pair_shape){CLIENT}, &ca);
    gnutls_datum_t pem;

    (void)state;
    assert_int_equal(tls_bundle_trust(bundle, "", 0), SG_ERR_BAD_FIELD);
    assert_int_equal(tls_bundle_trust(bundle, "nonsense", 8), SG_ERR_BAD_FIELD);
    assert_int_equal(gnutls_x509_crt_export2(leaf.crt, GNUTLS_X509_FMT_PEM, &pem), 0);
    assert_int_equal(tls_bundle_trust(bundle, (const char *)pem.data, pem.size), SG_ERR_BAD_FIELD);
    gnutls_free(pem.data);
    for (int i = 0; i < 64; i++)
        trust(bundle, &ca, ca_sha256[0]);
    assert_int_equal(gnutls_x509_crt_export2(ca.crt, GNUTLS_X509_FMT_PEM, &pem), 0);
    assert_int_equal(tls_bundle_trust(bundle, (const char *)pem.data, pem.size), SG_ERR_TOO_LARGE);
    gnutls_free(pem.data);
    pair_drop(&leaf);
    tls_bundle_unref(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good),
                                       cmocka_unit_test(test_none),
                                       cmocka_unit_test(test_which_ca),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_above),
                                       cmocka_unit_test(test_chain),
                                       cmocka_unit_test(test_more_than_chain),
                                       cmocka_unit_test(test_renewed),
                                       cmocka_unit_test(test_time),
                                       cmocka_unit_test(test_resumed),
                                       cmocka_unit_test(test_asked),
                                       cmocka_unit_test(test_bad_trust)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
