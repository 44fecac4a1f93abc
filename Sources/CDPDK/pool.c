// SPDX-License-Identifier: Apache-2.0
//
//  Ports, queues and the pool of ports that need no DPDK (memory, udp): mbufs of 128 + 128 + 2048
//  bytes, the same shape as DPDK's, on huge pages where there are some. A queue meets the pool only
//  in bulk, so one lock around a stack is enough.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include "internal.h"

enum { MBUF_STRIDE = sizeof(cdpdk_mbuf) + CDPDK_HEADROOM + CDPDK_DATA_ROOM };

typedef struct {
    pthread_mutex_t lock;
    uint8_t *memory;
    size_t bytes;
    uint32_t free_count;
    uint32_t capacity;
    cdpdk_mbuf *free[];
} plain_pool;

bool cdpdk_fail(cdpdk_error *error, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

cdpdk_port *cdpdk_port_make(const cdpdk_port_configuration *configuration, cdpdk_error *error) {
    uint16_t count = configuration->receive_queues > configuration->transmit_queues
        ? configuration->receive_queues : configuration->transmit_queues;
    cdpdk_port *port = calloc(1, sizeof *port);
    size_t bytes = ((count * sizeof(cdpdk_queue)) + 63) & ~(size_t)63;
    cdpdk_queue *queues = aligned_alloc(64, bytes ? bytes : 64);
    if (port == NULL || queues == NULL) {
        free(port);
        free(queues);
        cdpdk_fail(error, ENOMEM, "out of memory for %u queues", count);
        return NULL;
    }
    memset(queues, 0, bytes);
    port->configuration = *configuration;
    port->queues = queues;
    port->queue_count = count;
    for (uint16_t i = 0; i < count; i++) { queues[i].index = i; }
    return port;
}

void cdpdk_port_free(cdpdk_port *port) {
    free(port->queues);
    free(port);
}

static bool plain_get(void *pool, cdpdk_mbuf **mbufs, uint32_t count) {
    plain_pool *plain = pool;
    pthread_mutex_lock(&plain->lock);
    bool enough = plain->free_count >= count;
    if (enough) {
        plain->free_count -= count;
        memcpy(mbufs, plain->free + plain->free_count, count * sizeof *mbufs);
    }
    pthread_mutex_unlock(&plain->lock);
    return enough;
}

static bool plain_put(void *pool, cdpdk_mbuf **mbufs, uint32_t count) {
    plain_pool *plain = pool;
    pthread_mutex_lock(&plain->lock);
    bool fits = plain->free_count + count <= plain->capacity;  // false: freed twice
    if (fits) {
        memcpy(plain->free + plain->free_count, mbufs, count * sizeof *mbufs);
        plain->free_count += count;
    }
    pthread_mutex_unlock(&plain->lock);
    return fits;
}

// On normal pages no more than it takes: all of it is there from the start.
static uint8_t *map(size_t *bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    size_t whole = (*bytes + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1);
    void *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
    if (memory != MAP_FAILED) {
        *bytes = whole;
        return memory;
    }
    memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static plain_pool *plain_make(uint32_t count) {
    size_t bytes = (size_t)count * MBUF_STRIDE;
    plain_pool *plain = calloc(1, sizeof *plain + count * sizeof(cdpdk_mbuf *));
    uint8_t *memory = map(&bytes);
    if (plain == NULL || memory == NULL) {
        free(plain);
        if (memory != NULL) { munmap(memory, bytes); }
        return NULL;
    }
    pthread_mutex_init(&plain->lock, NULL);
    plain->memory = memory;
    plain->bytes = bytes;
    plain->capacity = count;
    plain->free_count = count;
    for (uint32_t i = 0; i < count; i++) {
        cdpdk_mbuf *mbuf = (cdpdk_mbuf *)(memory + (size_t)i * MBUF_STRIDE);
        mbuf->pool = plain;
        cdpdk_reset(mbuf);
        plain->free[count - 1 - i] = mbuf;
    }
    return plain;
}

bool cdpdk_pool_attach(cdpdk_port *port, cdpdk_error *error) {
    bool dpdk = cdpdk_eal_running();
    uint32_t count = port->configuration.mbuf_count;
    if (dpdk) {
        port->pool = cdpdk_dpdk_pool_make(count, -1, false, error);
        if (port->pool == NULL) { return false; }
    } else {
        port->pool = plain_make(count);
        if (port->pool == NULL) {
            return cdpdk_fail(
                error, ENOMEM, "no memory for %u packet buffers of %u bytes; ask for fewer",
                count, (unsigned)MBUF_STRIDE);
        }
    }
    for (uint16_t i = 0; i < port->queue_count; i++) {
        cdpdk_queue *queue = &port->queues[i];
        queue->pool = port->pool;
        queue->get = dpdk ? cdpdk_dpdk_pool_get : plain_get;
        queue->put = dpdk ? cdpdk_dpdk_pool_put : plain_put;
    }
    return true;
}

void cdpdk_pool_detach(cdpdk_port *port) {
    if (port->pool == NULL) { return; }
    if (port->queue_count > 0 && port->queues[0].get == cdpdk_dpdk_pool_get) {
        cdpdk_dpdk_pool_free(port->pool);
    } else {
        plain_pool *plain = port->pool;
        munmap(plain->memory, plain->bytes);
        pthread_mutex_destroy(&plain->lock);
        free(plain);
    }
    port->pool = NULL;
}

void cdpdk_refill(cdpdk_queue *queue, uint32_t wanted) {
    // What was freed longest ago lies at the bottom; new ones go on top of what there is.
    uint32_t room = CDPDK_CACHE_SLOTS - queue->cached;
    uint32_t missing = wanted - queue->cached;
    uint32_t count = missing + CDPDK_CACHE_MOVE < room ? missing + CDPDK_CACHE_MOVE : room;
    if (wanted > CDPDK_CACHE_SLOTS) { return; }
    if (!queue->get(queue->pool, queue->cache + queue->cached, count)) {
        count = missing;
        if (!queue->get(queue->pool, queue->cache + queue->cached, count)) { return; }
    }
    queue->cached += count;
}

void cdpdk_spill(cdpdk_queue *queue) {
    uint32_t half = CDPDK_CACHE_SLOTS / 2;
    queue->put(queue->pool, queue->cache, half);
    queue->cached -= half;
    memmove(queue->cache, queue->cache + half, queue->cached * sizeof *queue->cache);
}

void cdpdk_free_slow(cdpdk_queue *queue, cdpdk_mbuf *mbuf) {
    if (queue->get != plain_get) {
        cdpdk_dpdk_free(mbuf);
        return;
    }
    // Our own pool makes no shared mbufs; a chain is taken apart.
    while (mbuf != NULL) {
        cdpdk_mbuf *next = mbuf->segment_count > 1 ? mbuf->next : NULL;
        if (mbuf->reference_count > 1) {
            mbuf->reference_count--;
        } else {
            mbuf->next = NULL;
            cdpdk_reset(mbuf);
            plain_put(mbuf->pool, &mbuf, 1);
        }
        mbuf = next;
    }
}

void cdpdk_port_describe(cdpdk_port *port, cdpdk_port_info *info) {
    memset(info, 0, sizeof *info);
    port->describe(port, info);
}

bool cdpdk_port_link_up(cdpdk_port *port) {
    return port->link_up == NULL || port->link_up(port);
}

void cdpdk_port_count(cdpdk_port *port, cdpdk_port_statistics *statistics) {
    memset(statistics, 0, sizeof *statistics);
    port->count(port, statistics);
}

uint32_t cdpdk_port_extended_names(cdpdk_port *port, char *names, uint32_t room) {
    return port->extended_names == NULL ? 0 : port->extended_names(port, names, room);
}

bool cdpdk_port_extended_count(cdpdk_port *port, uint64_t *values, uint32_t count) {
    return port->extended_count != NULL && port->extended_count(port, values, count);
}

cdpdk_queue *cdpdk_port_queue(cdpdk_port *port, uint16_t index) { return &port->queues[index]; }

bool cdpdk_port_memory(
    cdpdk_port *port, uint32_t index, const void **base, uint64_t *byte_count,
    uint64_t *page_byte_count) {
    return port->memory != NULL && port->memory(port, index, base, byte_count, page_byte_count);
}

bool cdpdk_port_steer(cdpdk_port *port, uint16_t udp_port, uint16_t queue, cdpdk_error *error) {
    if (port->steer == NULL) {
        return cdpdk_fail(error, ENOTSUP, "this kind of port cannot steer flows");
    }
    return port->steer(port, udp_port, queue, error);
}

typedef struct {
    cdpdk_burst receive;
    void *receive_data;
    cdpdk_queue *queue;
    cdpdk_hook hook;
    void *context;
} hooked;

static uint16_t receive_hooked(void *data, cdpdk_mbuf **mbufs, uint16_t count) {
    hooked *link = data;
    uint16_t received = link->receive(link->receive_data, mbufs, count);
    return link->hook(link->context, link->queue, mbufs, received);
}

void cdpdk_hook_receive(cdpdk_queue *queue, cdpdk_hook hook, void *context) {
    hooked *link = malloc(sizeof *link);  // lives as long as the process: hooks are for tests
    if (link == NULL) { return; }
    *link = (hooked){queue->receive, queue->receive_data, queue, hook, context};
    queue->receive_data = link;
    queue->receive = receive_hooked;
}

void cdpdk_port_close(cdpdk_port *port) {
    port->close(port);
    cdpdk_port_free(port);
}
