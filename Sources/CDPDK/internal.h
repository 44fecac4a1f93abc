// SPDX-License-Identifier: Apache-2.0
//
//  What the parts of CDPDK know of each other. No rte_*.h here either.
#ifndef CDPDK_INTERNAL_H
#define CDPDK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "CDPDK.h"

/// A port of any kind: its queues, and how its kind answers the cold calls.
struct cdpdk_port {
    cdpdk_port_configuration configuration;
    void *pool;
    cdpdk_queue *queues;  // as many as the larger of receive and transmit queues
    uint16_t queue_count;
    void *kind;           // the kind's own state
    void (*describe)(cdpdk_port *port, cdpdk_port_info *info);
    bool (*link_up)(cdpdk_port *port);  // NULL: always
    void (*count)(cdpdk_port *port, cdpdk_port_statistics *statistics);
    // Both NULL where there are no counters but ours.
    uint32_t (*extended_names)(cdpdk_port *port, char *names, uint32_t room);
    bool (*extended_count)(cdpdk_port *port, uint64_t *values, uint32_t count);
    bool (*steer)(cdpdk_port *port, uint16_t udp_port, uint16_t queue, cdpdk_error *error);
    bool (*memory)(
        cdpdk_port *port, uint32_t index, const void **base, uint64_t *byte_count,
        uint64_t *page_byte_count);  // NULL: nothing is known of it
    void (*close)(cdpdk_port *port);  // frees `kind` and the pool
};

/// Fills `error`; always false, so that a caller can return it.
__attribute__((format(printf, 3, 4)))
bool cdpdk_fail(cdpdk_error *error, int code, const char *format, ...);

/// A zeroed port with its queues, cache-line aligned.
cdpdk_port *cdpdk_port_make(const cdpdk_port_configuration *configuration, cdpdk_error *error);
void cdpdk_port_free(cdpdk_port *port);

/// A pool for ports without a device: DPDK's where EAL runs, else our own. Sets `pool`, `get` and
/// `put` of every queue.
bool cdpdk_pool_attach(cdpdk_port *port, cdpdk_error *error);
void cdpdk_pool_detach(cdpdk_port *port);

/// DPDK's pool (in dpdk_pool.c).
void *cdpdk_dpdk_pool_make(
    uint32_t count, int numa_node, bool without_gaps, cdpdk_error *error);
void cdpdk_dpdk_pool_free(void *pool);
bool cdpdk_dpdk_pool_get(void *pool, cdpdk_mbuf **mbufs, uint32_t count);
bool cdpdk_dpdk_pool_put(void *pool, cdpdk_mbuf **mbufs, uint32_t count);
void cdpdk_dpdk_free(cdpdk_mbuf *mbuf);
/// A piece of its memory, as `cdpdk_port_memory` tells it.
bool cdpdk_dpdk_pool_memory(
    void *pool, uint32_t index, const void **base, uint64_t *byte_count,
    uint64_t *page_byte_count);

/// What an Ethernet device of DPDK has counted (in statistics.c).
void cdpdk_ethdev_count(uint16_t id, cdpdk_port_statistics *statistics);
uint32_t cdpdk_ethdev_extended_names(uint16_t id, char *names, uint32_t room);
bool cdpdk_ethdev_extended_count(uint16_t id, uint64_t *values, uint32_t count);

/// What EAL and the drivers logged last (in eal.c), for error messages.
void cdpdk_log_clear(void);
const char *cdpdk_log_last(void);

/// A counter that one thread writes and others read.
static inline void cdpdk_add(_Atomic uint64_t *counter, uint64_t amount) {
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + amount,
        memory_order_relaxed);
}

#endif
