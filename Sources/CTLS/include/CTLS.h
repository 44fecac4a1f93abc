// SPDX-License-Identifier: Apache-2.0
//
//  A byte stream between two hosts as Swift needs it: TCP that never blocks, in clear, or under TLS
//  1.3 where both sides have the same key. No OpenSSL type is in this header.
//
//  Threading: a stream belongs to one thread at a time. Nothing here keeps a pointer that it was
//  given, except the key, until `ctls_close`.
#ifndef CTLS_H
#define CTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A connection.
typedef struct ctls_stream ctls_stream;
/// What both sides know and nobody else does.
typedef struct ctls_key ctls_key;

/// Bytes that lie side by side; as struct iovec.
typedef struct ctls_piece {
    void *_Nullable base;
    size_t byte_count;
} ctls_piece;

enum {
    /// Pieces that one call takes.
    CTLS_PIECE_LIMIT = 80,
    /// A key has at least so many bytes.
    CTLS_KEY_BYTES_MIN = 32,
    /// A proof that whoever wrote some bytes knows the key.
    CTLS_PROOF_BYTES = 32,
};

/// A key out of at least CTLS_KEY_BYTES_MIN secret bytes; NULL when there is no memory.
ctls_key *_Nullable ctls_make_key(const void *secret, size_t byte_count);
void ctls_free_key(ctls_key *key);
/// HMAC-SHA-256 of bytes under the key, into CTLS_PROOF_BYTES; false when there is no memory.
bool ctls_prove(const ctls_key *key, const void *bytes, size_t byte_count, uint8_t *proof);
/// Whether `proof` is that of the bytes; in a time that says nothing about where it differs.
bool ctls_is_proven(
    const ctls_key *key, const void *bytes, size_t byte_count, const uint8_t *proof);

/// Begins to connect (IPv4, host order); without a key in clear. NULL and an errno in `code`.
ctls_stream *_Nullable ctls_connect(
    uint32_t address, uint16_t port, const ctls_key *_Nullable key, int32_t *code);
/// Listens at a local address (IPv4, host order; 0 = all): a descriptor, or a negative errno.
int32_t ctls_listen(uint32_t address, uint16_t port);
/// The next connection; NULL with code 0 when there is none. The key outlives the stream.
ctls_stream *_Nullable ctls_accept(
    int32_t listener, const ctls_key *_Nullable key, int32_t *code);
void ctls_stop_listening(int32_t listener);
/// The port that a listener got.
uint16_t ctls_listening_port(int32_t listener);

/// Goes on connecting: 1 once the stream stands, 0 while it does not, or a negative errno. -EACCES:
/// the peer has not proven that it knows the key.
int32_t ctls_establish(ctls_stream *stream);
/// Takes bytes from the pieces, in order, as many as find room: their number, 0 or more, or a
/// negative errno. What was taken may be overwritten. Under TLS a call hands on what an earlier one
/// took, also without pieces.
int64_t ctls_send(ctls_stream *stream, const ctls_piece *pieces, int32_t count);
/// Puts bytes that are there into the pieces, in order: their number, 0 when there are none, or a
/// negative errno; -ECONNRESET at the stream's end.
int64_t ctls_receive(ctls_stream *stream, const ctls_piece *pieces, int32_t count);
/// The peer's address (IPv4, host order) and port.
uint32_t ctls_peer_address(const ctls_stream *stream);
uint16_t ctls_peer_port(const ctls_stream *stream);
/// Ends it. What was sent is still delivered, as far as the peer takes it.
void ctls_close(ctls_stream *stream);

#pragma clang assume_nonnull end

#endif
