// SPDX-License-Identifier: Apache-2.0
#ifndef CTLS_INTERNAL_H
#define CTLS_INTERNAL_H

#include "CTLS.h"

#include <openssl/ssl.h>

enum {
    key_byte_count = 32,
    /// The plain bytes of one TLS record.
    record_byte_count = 16384,
};

struct ctls_key {
    uint8_t bytes[key_byte_count];
    SSL_CTX *client;
    SSL_CTX *server;
};

struct ctls_stream {
    int socket;
    bool is_connected;
    uint32_t address;
    uint16_t port;
    SSL *tls;  // NULL: in clear
    bool is_server;
    /// Taken from the caller and not yet with TLS.
    uint8_t *pending;
    size_t pending_byte_count;
};

/// Puts TLS over the stream's socket; false when there is no memory.
bool ctls_secure(ctls_stream *stream, const ctls_key *key);
int32_t ctls_tls_establish(ctls_stream *stream);
int64_t ctls_tls_send(ctls_stream *stream, const ctls_piece *pieces, int32_t count);
int64_t ctls_tls_receive(ctls_stream *stream, const ctls_piece *pieces, int32_t count);
void ctls_tls_close(ctls_stream *stream);

#endif
