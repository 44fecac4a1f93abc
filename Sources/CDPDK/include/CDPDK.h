// SPDX-License-Identifier: Apache-2.0
//
//  The hot half of a port, for Swift: no rte_*.h is seen here, since Swift does not import
//  structures aligned above 16. The mbuf is mirrored (every offset is asserted in `ethdev.c`), and
//  a queue carries a snapshot of the driver's burst functions, so receive, transmit, allocate and
//  free inline into the caller. The cold half (open, close, EAL) is declared in `CDPDKControl.h`.
//
//      driver ─▶ cdpdk_receive ─▶ caller ─▶ cdpdk_transmit ─▶ driver
//                    mbufs: queue->cache ◀─ refill / spill ─▶ pool (DPDK's, or our own)
//
//  Threading: a queue, with its cache, belongs to the one thread that polls it.
#ifndef CDPDK_H
#define CDPDK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma clang assume_nonnull begin

/// Bytes in front of a packet in its buffer (RTE_PKTMBUF_HEADROOM).
enum { CDPDK_HEADROOM = 128 };
/// Bytes of a packet's buffer behind the headroom.
enum { CDPDK_DATA_ROOM = 2048 };
/// Slots of a queue's own stack of free mbufs, and how many move at once to and from the pool.
enum { CDPDK_CACHE_SLOTS = 512, CDPDK_CACHE_MOVE = 128 };

/// Offload flags as in rte_mbuf_core.h; asserted in `ethdev.c`.
#define CDPDK_RX_IP_CHECKSUM_BAD (1ULL << 4)
#define CDPDK_RX_IP_CHECKSUM_GOOD (1ULL << 7)
#define CDPDK_RX_L4_CHECKSUM_BAD (1ULL << 3)
#define CDPDK_RX_L4_CHECKSUM_GOOD (1ULL << 8)
#define CDPDK_TX_UDP_CHECKSUM (3ULL << 52)
#define CDPDK_TX_IP_CHECKSUM (1ULL << 54)
#define CDPDK_TX_IPV4 (1ULL << 55)
/// The data is not in the mbuf's own buffer: freed out of line.
#define CDPDK_NOT_DIRECT (3ULL << 61)

/// A mirror of `struct rte_mbuf`: 128 bytes.
typedef struct cdpdk_mbuf {
    uint8_t *buffer;           //  0
    uint64_t iova;             //  8
    uint16_t data_offset;      // 16  from `buffer` to the first byte of the packet
    uint16_t reference_count;  // 18
    uint16_t segment_count;    // 20
    uint16_t port;             // 22
    uint64_t flags;            // 24
    uint32_t packet_type;      // 32
    uint32_t packet_length;    // 36  bytes over all segments
    uint16_t data_length;      // 40  bytes in this segment
    uint16_t vlan_tci;         // 42  not used: tags stay in the frame
    uint32_t rss_hash;         // 44
    uint32_t flow_id;          // 48
    uint16_t outer_vlan_tci;   // 52
    uint16_t buffer_length;    // 54
    void *pool;                // 56
    struct cdpdk_mbuf *_Nullable next;  // 64
    uint64_t tx_offload;       // 72  l2_len:7, l3_len:9, …; read only with a CDPDK_TX_ flag
    void *_Nullable shared_info;  // 80
    uint8_t rest[40];          // 88
} cdpdk_mbuf;

/// A burst function: takes the driver's queue, answers how many packets moved.
typedef uint16_t (*cdpdk_burst)(void *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint16_t count);
/// Moves `count` mbufs between a pool and an array; answers whether it did (all or none).
typedef bool (*cdpdk_move)(void *pool, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint32_t count);

/// What a poll loop needs of one receive and one transmit queue.
typedef struct cdpdk_queue {
    cdpdk_burst receive;
    void *receive_data;
    cdpdk_burst transmit;
    void *transmit_data;
    void *pool;
    cdpdk_move get;
    cdpdk_move put;
    uint32_t cached;
    uint16_t index;
    uint16_t port;
    uint64_t transmit_drops;       // packets that the driver did not take, freed here
    uint64_t allocation_failures;  // mbufs asked for and not there
    cdpdk_mbuf *_Nonnull cache[CDPDK_CACHE_SLOTS];
} cdpdk_queue;

/// Out of line: fills the cache until it holds `wanted`, as far as the pool can.
void cdpdk_refill(cdpdk_queue *queue, uint32_t wanted);
/// Out of line: gives the older half of the cache back to the pool.
void cdpdk_spill(cdpdk_queue *queue);
/// Out of line: frees a packet of several segments, shared, or of another pool.
void cdpdk_free_slow(cdpdk_queue *queue, cdpdk_mbuf *mbuf);

/// Receives up to `count` packets; they are the caller's until freed or transmitted.
static inline uint16_t cdpdk_receive(
    cdpdk_queue *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint16_t count) {
    return queue->receive(queue->receive_data, mbufs, count);
}

/// Hands packets to the driver; the first n, n being the answer, are the driver's from then on.
static inline uint16_t cdpdk_transmit(
    cdpdk_queue *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint16_t count) {
    return queue->transmit(queue->transmit_data, mbufs, count);
}

/// Takes `count` mbufs from the cache without preparing them: all or none. For drivers.
static inline bool cdpdk_take(
    cdpdk_queue *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint32_t count) {
    if (__builtin_expect(queue->cached < count, 0)) {
        cdpdk_refill(queue, count);
        if (queue->cached < count) {
            queue->allocation_failures += count;
            return false;
        }
    }
    uint32_t top = queue->cached;
    for (uint32_t i = 0; i < count; i++) { mbufs[i] = queue->cache[--top]; }
    queue->cached = top;
    return true;
}

/// Makes a taken mbuf an empty packet of one segment, behind the headroom of its own buffer.
static inline void cdpdk_reset(cdpdk_mbuf *mbuf) {
    // data_offset 128, reference_count 1, segment_count 1, port none: one store.
    const uint64_t rearm = CDPDK_HEADROOM | 1ULL << 16 | 1ULL << 32 | 0xffffULL << 48;
    mbuf->buffer = (uint8_t *)mbuf + sizeof(cdpdk_mbuf);  // our pools have no private area
    memcpy(&mbuf->data_offset, &rearm, sizeof rearm);
    mbuf->flags = 0;
    mbuf->packet_type = 0;
    mbuf->packet_length = 0;
    mbuf->data_length = 0;
    mbuf->vlan_tci = 0;
    mbuf->buffer_length = CDPDK_HEADROOM + CDPDK_DATA_ROOM;
}

/// Allocates `count` empty packets: all or none.
static inline bool cdpdk_allocate(
    cdpdk_queue *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint32_t count) {
    if (!cdpdk_take(queue, mbufs, count)) { return false; }
    for (uint32_t i = 0; i < count; i++) { cdpdk_reset(mbufs[i]); }
    return true;
}

/// Frees one packet.
static inline void cdpdk_free(cdpdk_queue *queue, cdpdk_mbuf *mbuf) {
    uint32_t counts;  // reference_count and segment_count, both 1: nobody else, nothing behind it
    memcpy(&counts, &mbuf->reference_count, sizeof counts);
    if (__builtin_expect(
            counts != 0x00010001 || (mbuf->flags & CDPDK_NOT_DIRECT) != 0
                || mbuf->pool != queue->pool,
            0)) {
        cdpdk_free_slow(queue, mbuf);
        return;
    }
    if (__builtin_expect(queue->cached == CDPDK_CACHE_SLOTS, 0)) { cdpdk_spill(queue); }
    queue->cache[queue->cached++] = mbuf;
}

/// Frees packets. Back to front, so that the next allocation meets the first one again.
static inline void cdpdk_free_bulk(
    cdpdk_queue *queue, cdpdk_mbuf *_Nonnull const *_Nonnull mbufs, uint32_t count) {
    for (uint32_t i = count; i > 0; i--) { cdpdk_free(queue, mbufs[i - 1]); }
}

/// Transmits what the driver takes and frees the rest, counted in `transmit_drops`.
static inline uint16_t cdpdk_transmit_or_drop(
    cdpdk_queue *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs, uint16_t count) {
    uint16_t sent = cdpdk_transmit(queue, mbufs, count);
    if (__builtin_expect(sent < count, 0)) {
        queue->transmit_drops += (uint64_t)(count - sent);
        cdpdk_free_bulk(queue, mbufs + sent, (uint32_t)(count - sent));
    }
    return sent;
}

/// First byte of the packet.
static inline uint8_t *cdpdk_data(const cdpdk_mbuf *mbuf) {
    return mbuf->buffer + mbuf->data_offset;
}

/// Sets the length of a packet of one segment.
static inline void cdpdk_set_length(cdpdk_mbuf *mbuf, uint16_t length) {
    mbuf->data_length = length;
    mbuf->packet_length = length;
}

/// Bytes that can still be appended.
static inline uint16_t cdpdk_tailroom(const cdpdk_mbuf *mbuf) {
    return (uint16_t)(mbuf->buffer_length - mbuf->data_offset - mbuf->data_length);
}

/// Lengthens the packet; the answer is the first new byte, nothing when there is no room.
static inline uint8_t *_Nullable cdpdk_append(cdpdk_mbuf *mbuf, uint16_t length) {
    if (__builtin_expect(cdpdk_tailroom(mbuf) < length, 0)) { return NULL; }
    uint8_t *tail = cdpdk_data(mbuf) + mbuf->data_length;
    cdpdk_set_length(mbuf, (uint16_t)(mbuf->data_length + length));
    return tail;
}

/// Asks the NIC for the IPv4 header checksum and, when `udp`, the UDP one (its field then holds the
/// pseudo-header sum). Only where the port has the capability.
static inline void cdpdk_request_checksums(
    cdpdk_mbuf *mbuf, uint16_t l2_length, uint16_t l3_length, bool udp) {
    mbuf->tx_offload = (uint64_t)l2_length | (uint64_t)l3_length << 7;
    mbuf->flags |= CDPDK_TX_IPV4 | CDPDK_TX_IP_CHECKSUM | (udp ? CDPDK_TX_UDP_CHECKSUM : 0);
}

#pragma clang assume_nonnull end

#include "CDPDKControl.h"

#endif
