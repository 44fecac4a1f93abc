// SPDX-License-Identifier: Apache-2.0
//
//  DPDK's own pool of packet buffers, and where its memory is.
#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#include "internal.h"

/// A pool without gaps, in one piece. The af_xdp driver shows the kernel `count` buffers' worth of
/// bytes from the first one on; but DPDK by default lets no buffer cross a page and so leaves gaps,
/// which push the last buffers (of 4 KB pages two fifths of all) out of what the kernel knows. It
/// drops each of those without a word: frames sent are lost, and in the end none is received.
static struct rte_mempool *make_without_gaps(const char *name, uint32_t count, int numa_node) {
    struct rte_pktmbuf_pool_private room = {
        .mbuf_data_room_size = CDPDK_HEADROOM + CDPDK_DATA_ROOM};
    struct rte_mempool *pool = rte_mempool_create_empty(
        name, count, sizeof(struct rte_mbuf) + room.mbuf_data_room_size, 256, sizeof room,
        numa_node, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    if (pool == NULL) { return NULL; }
    int result = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
    if (result == 0) {
        rte_pktmbuf_pool_init(pool, &room);
        result = rte_mempool_populate_default(pool);
    }
    if (result >= 0 && pool->nb_mem_chunks != 1) { result = -ENOMEM; }
    if (result < 0) {
        rte_mempool_free(pool);
        rte_errno = -result;
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

void *cdpdk_dpdk_pool_make(
    uint32_t count, int numa_node, bool without_gaps, cdpdk_error *error) {
    static unsigned serial;
    char name[RTE_MEMPOOL_NAMESIZE];
    snprintf(name, sizeof name, "needletail-%u", serial++);
    cdpdk_log_clear();
    int node = numa_node < 0 ? SOCKET_ID_ANY : numa_node;
    // DPDK's cache serves the driver's own bursts; ours lies in the queue.
    void *pool = without_gaps
        ? make_without_gaps(name, count, node)
        : rte_pktmbuf_pool_create(name, count, 256, 0, CDPDK_HEADROOM + CDPDK_DATA_ROOM, node);
    if (pool == NULL) {
        cdpdk_fail(
            error, rte_errno,
            "no pool of %u packet buffers (%u MiB): %s (%s); give DPDK more memory or ask for "
            "fewer buffers",
            count, (unsigned)(((uint64_t)count * 2496) >> 20), rte_strerror(rte_errno),
            cdpdk_log_last());
    }
    return pool;
}

void cdpdk_dpdk_pool_free(void *pool) { rte_mempool_free(pool); }

bool cdpdk_dpdk_pool_get(void *pool, cdpdk_mbuf **mbufs, uint32_t count) {
    return rte_mempool_get_bulk(pool, (void **)mbufs, count) == 0;
}

bool cdpdk_dpdk_pool_put(void *pool, cdpdk_mbuf **mbufs, uint32_t count) {
    rte_mempool_put_bulk(pool, (void *const *)mbufs, count);
    return true;
}

void cdpdk_dpdk_free(cdpdk_mbuf *mbuf) { rte_pktmbuf_free((struct rte_mbuf *)mbuf); }

typedef struct {
    uint32_t wanted;
    const void *base;
    uint64_t byte_count;
} memory_search;

static void note_memory(
    struct rte_mempool *pool, void *argument, struct rte_mempool_memhdr *memory, unsigned index) {
    (void)pool;
    memory_search *search = argument;
    if (index != search->wanted) { return; }
    search->base = memory->addr;
    search->byte_count = memory->len;
}

bool cdpdk_dpdk_pool_memory(
    void *pool, uint32_t index, const void **base, uint64_t *byte_count,
    uint64_t *page_byte_count) {
    memory_search search = {.wanted = index};
    rte_mempool_mem_iter(pool, note_memory, &search);
    if (search.base == NULL) { return false; }
    struct rte_memseg_list *list = rte_mem_virt2memseg_list(search.base);
    *base = search.base;
    *byte_count = search.byte_count;
    *page_byte_count = list == NULL ? 0 : list->page_sz;
    return true;
}
