// SPDX-License-Identifier: Apache-2.0
//
//  RDMA as Swift needs it: one reliable connected queue pair with a handful of registered regions,
//  connected by the RDMA connection manager, and one-sided writes on it. No ibv_ or rdma_ type is
//  in this header.
//
//  Threading: a channel or listener belongs to one thread at a time. Nothing here keeps a pointer
//  that it was given, except to registered memory, until `cverbs_close`.
#ifndef CVERBS_H
#define CVERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What went wrong: an errno value, and one sentence of cause and cure for a person.
typedef struct cverbs_error {
    int32_t code;
    char text[512];
} cverbs_error;

/// A queue pair and all that it needs.
typedef struct cverbs_channel cverbs_channel;
/// Where requests for a channel come in.
typedef struct cverbs_listener cverbs_listener;

enum {
    /// Regions that a channel registers.
    CVERBS_REGION_LIMIT = 3,
    /// Writes that may be under way; every write counts until the completion of a later one.
    CVERBS_WRITE_LIMIT = 32,
    /// Bytes that a request carries, and an answer.
    CVERBS_HELLO_LIMIT = 56,
};

/// What a channel is made of, for people and for decisions.
typedef struct cverbs_info {
    char device[64];
    uint32_t port;
    uint32_t peer_address;  // IPv4, host order
    uint16_t peer_port;
} cverbs_info;

/// The end of a write.
typedef struct cverbs_completion {
    uint64_t token;
    int32_t status;  // 0: placed in the peer's memory, as far as its NIC says
} cverbs_completion;

// MARK: The active side

/// Finds the device that leads to the address (IPv4, host order) and makes a queue pair on it.
cverbs_channel *_Nullable cverbs_open(
    uint32_t address, uint16_t port, uint32_t timeout_millis, cverbs_error *error);
/// Asks the peer: with a hello, for an answer (CVERBS_HELLO_LIMIT bytes each).
bool cverbs_connect(
    cverbs_channel *channel, const void *hello, void *answer, uint32_t timeout_millis,
    cverbs_error *error);

// MARK: The passive side

/// Listens at a local address (IPv4, host order; 0 = all).
cverbs_listener *_Nullable cverbs_listen(uint32_t address, uint16_t port, cverbs_error *error);
void cverbs_stop_listening(cverbs_listener *listener);
/// The next request and its hello (CVERBS_HELLO_LIMIT bytes); NULL with code 0 if there is none in
/// the time.
cverbs_channel *_Nullable cverbs_take_request(
    cverbs_listener *listener, uint32_t timeout_millis, void *hello, cverbs_error *error);
/// Answers it (CVERBS_HELLO_LIMIT bytes), and waits until the queue pair stands.
bool cverbs_accept(
    cverbs_channel *channel, const void *answer, uint32_t timeout_millis, cverbs_error *error);
/// Refuses it with an answer; the channel is closed after it.
void cverbs_reject(cverbs_channel *channel, const void *answer);

// MARK: Both sides

/// Registers memory that outlives the channel, as region 0 ..< CVERBS_REGION_LIMIT. The peer may
/// write into it if it is told so, and the address and the key.
bool cverbs_register(
    cverbs_channel *channel, uint32_t region, void *base, size_t byte_count,
    bool is_written_by_peer, cverbs_error *error);
/// What the peer has to name to write into a region.
uint32_t cverbs_remote_key(const cverbs_channel *channel, uint32_t region);
/// Writes out of a region into the peer's memory; 0 or an errno. The memory stays as it is until
/// the write's completion or that of a later one: only a `signalled` write has one, unless it
/// fails. After the last of CVERBS_WRITE_LIMIT writes that have not completed it is refused.
int cverbs_write(
    cverbs_channel *channel, uint32_t region, const void *from, uint32_t byte_count,
    uint64_t remote_address, uint32_t remote_key, uint64_t token, bool signalled);
/// Takes a completion: 1, 0 if there is none, or a negative errno.
int cverbs_poll(cverbs_channel *channel, cverbs_completion *completion);
/// What a completion's status means.
const char *cverbs_status_text(int32_t status);
/// 0, or an errno once the peer is gone or the device is. Makes a system call.
int cverbs_lost(cverbs_channel *channel);
/// Allows or forbids that the peer writes here, on a queue pair that stands: 0 or an errno.
int cverbs_allow_remote_writes(cverbs_channel *channel, bool allowed);
/// Takes the queue pair down: neither side writes any more. 0 or an errno.
int cverbs_reset(cverbs_channel *channel);
cverbs_info cverbs_describe(const cverbs_channel *channel);
/// Tells the peer that this is the end. It is closed still.
void cverbs_disconnect(cverbs_channel *channel);
void cverbs_close(cverbs_channel *channel);

#pragma clang assume_nonnull end

#endif
