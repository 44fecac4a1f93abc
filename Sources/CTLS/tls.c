// SPDX-License-Identifier: Apache-2.0
//
//  TLS 1.3 with an external pre-shared key (RFC 8446, 4.2.11) and an ephemeral exchange beside it
//  (psk_dhe_ke): there are no certificates, and who does not know the key gets no handshake.
#include "internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char identity[] = "needletail-mirror";
/// TLS_AES_128_GCM_SHA256, whose hash is the one that an external key is bound to by default.
static const unsigned char cipher[] = {0x13, 0x01};

/// A session that stands for the key; NULL when there is no memory.
static SSL_SESSION *session(SSL *tls) {
    const ctls_key *key = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
    SSL_SESSION *made = SSL_SESSION_new();
    const SSL_CIPHER *found = SSL_CIPHER_find(tls, cipher);
    if (made != NULL && found != NULL && SSL_SESSION_set_cipher(made, found) == 1 &&
        SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION) == 1 &&
        SSL_SESSION_set1_master_key(made, key->bytes, key_byte_count) == 1) {
        return made;
    }
    SSL_SESSION_free(made);
    return NULL;
}

static int offer(
    SSL *tls, const EVP_MD *digest, const unsigned char **name, size_t *length,
    SSL_SESSION **offered) {
    (void)digest;
    *offered = session(tls);
    *name = (const unsigned char *)identity;
    *length = sizeof identity - 1;
    return *offered != NULL;
}

static int find(SSL *tls, const unsigned char *name, size_t length, SSL_SESSION **found) {
    *found = NULL;
    bool is_ours = length == sizeof identity - 1 && memcmp(name, identity, length) == 0;
    if (is_ours) *found = session(tls);
    return 1;
}

static SSL_CTX *context(const SSL_METHOD *method, ctls_key *key) {
    SSL_CTX *made = SSL_CTX_new(method);
    if (made == NULL) return NULL;
    SSL_CTX_set_app_data(made, key);
    SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(made, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(made, 0);
    // Every record of the mirror is checked by itself, so a cut is an end like any other.
    SSL_CTX_set_options(made, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_psk_use_session_callback(made, offer);
    SSL_CTX_set_psk_find_session_callback(made, find);
    return made;
}

ctls_key *ctls_make_key(const void *secret, size_t byte_count) {
    ctls_key *key = calloc(1, sizeof *key);
    if (key == NULL) return NULL;
    SHA256(secret, byte_count, key->bytes);
    key->client = context(TLS_client_method(), key);
    key->server = context(TLS_server_method(), key);
    if (key->client != NULL && key->server != NULL) {
        // A certificate is no proof here, whoever has signed it. The server asks for none.
        SSL_CTX_set_verify(key->client, SSL_VERIFY_PEER, NULL);
        return key;
    }
    ctls_free_key(key);
    return NULL;
}

void ctls_free_key(ctls_key *key) {
    SSL_CTX_free(key->client);
    SSL_CTX_free(key->server);
    OPENSSL_cleanse(key->bytes, sizeof key->bytes);
    free(key);
}

bool ctls_prove(const ctls_key *key, const void *bytes, size_t byte_count, uint8_t *proof) {
    unsigned int proof_byte_count = CTLS_PROOF_BYTES;
    return HMAC(EVP_sha256(), key->bytes, key_byte_count, bytes, byte_count, proof,
                &proof_byte_count) != NULL;
}

bool ctls_is_proven(
    const ctls_key *key, const void *bytes, size_t byte_count, const uint8_t *proof) {
    uint8_t right[CTLS_PROOF_BYTES];
    return ctls_prove(key, bytes, byte_count, right) &&
           CRYPTO_memcmp(right, proof, sizeof right) == 0;
}

// MARK: The socket below TLS. OpenSSL's own would raise SIGPIPE.

static int socket_of(BIO *bio) { return ((ctls_stream *)BIO_get_data(bio))->socket; }

static int put(BIO *bio, const char *bytes, int count) {
    BIO_clear_retry_flags(bio);
    ssize_t taken = send(socket_of(bio), bytes, (size_t)count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return (int)taken;
}

static int get(BIO *bio, char *bytes, int count) {
    BIO_clear_retry_flags(bio);
    ssize_t got = recv(socket_of(bio), bytes, (size_t)count, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return (int)got;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "a mirror's socket");
    if (method == NULL) return;
    BIO_meth_set_write(method, put);
    BIO_meth_set_read(method, get);
    BIO_meth_set_ctrl(method, control);
}

bool ctls_secure(ctls_stream *stream, const ctls_key *key) {
    if (CRYPTO_THREAD_run_once(&once, make_method) != 1 || method == NULL) return false;
    stream->pending = malloc(record_byte_count);
    stream->tls = SSL_new(stream->is_server ? key->server : key->client);
    BIO *bio = BIO_new(method);
    if (stream->pending == NULL || stream->tls == NULL || bio == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(stream->tls, bio, bio);
    if (stream->is_server) {
        SSL_set_accept_state(stream->tls);
    } else {
        SSL_set_connect_state(stream->tls);
    }
    return true;
}

/// What stopped a call that gave `result`: 0 = it goes on later, or a negative errno.
static int stopped(ctls_stream *stream, int result, int code) {
    int saved = errno;
    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return 0;
    case SSL_ERROR_ZERO_RETURN: return -ECONNRESET;
    case SSL_ERROR_SYSCALL: return saved != 0 ? -saved : -ECONNRESET;
    default: return -code;
    }
}

int32_t ctls_tls_establish(ctls_stream *stream) {
    if (SSL_is_init_finished(stream->tls)) return 1;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(stream->tls);
    if (result != 1) return stopped(stream, result, EACCES);
    // A handshake with a certificate would come to an end too, and prove nothing.
    return SSL_session_reused(stream->tls) == 1 ? 1 : -EACCES;
}

/// Hands what was taken to TLS: 1 when all of it has gone, 0, or a negative errno.
static int hand_on(ctls_stream *stream) {
    while (stream->pending_byte_count > 0) {
        ERR_clear_error();
        errno = 0;
        int sent = SSL_write(stream->tls, stream->pending, (int)stream->pending_byte_count);
        if (sent <= 0) return stopped(stream, sent, EPROTO);
        stream->pending_byte_count -= (size_t)sent;
        memmove(stream->pending, stream->pending + sent, stream->pending_byte_count);
    }
    return 1;
}

int64_t ctls_tls_send(ctls_stream *stream, const ctls_piece *pieces, int32_t count) {
    int64_t taken = 0;
    size_t within = 0;
    int32_t piece = 0;
    for (;;) {
        int gone = hand_on(stream);
        if (gone < 0) return gone;
        if (gone == 0 || piece == count) return taken;
        // Small pieces go in one record, which is copied once: TLS has no gathering write.
        while (piece < count && stream->pending_byte_count < record_byte_count) {
            size_t left = pieces[piece].byte_count - within;
            size_t room = record_byte_count - stream->pending_byte_count;
            size_t now = left < room ? left : room;
            memcpy(stream->pending + stream->pending_byte_count,
                   (const uint8_t *)pieces[piece].base + within, now);
            stream->pending_byte_count += now;
            taken += (int64_t)now;
            within += now;
            if (within == pieces[piece].byte_count) {
                piece++;
                within = 0;
            }
        }
    }
}

int64_t ctls_tls_receive(ctls_stream *stream, const ctls_piece *pieces, int32_t count) {
    int64_t got = 0;
    for (int32_t piece = 0; piece < count; piece++) {
        size_t within = 0;
        while (within < pieces[piece].byte_count) {
            ERR_clear_error();
            errno = 0;
            int read = SSL_read(stream->tls, (uint8_t *)pieces[piece].base + within,
                                (int)(pieces[piece].byte_count - within));
            if (read <= 0) {
                int code = stopped(stream, read, EPROTO);
                // The end is told by the next call, behind what came before it.
                return got > 0 ? got : code;
            }
            within += (size_t)read;
            got += read;
        }
    }
    return got;
}

void ctls_tls_close(ctls_stream *stream) {
    if (stream->tls != NULL && SSL_is_init_finished(stream->tls)) {
        if (hand_on(stream) == 1) (void)SSL_shutdown(stream->tls);
    }
    SSL_free(stream->tls);
    stream->tls = NULL;
    free(stream->pending);
    stream->pending = NULL;
}
