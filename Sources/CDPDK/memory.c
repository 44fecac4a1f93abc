// SPDX-License-Identifier: Apache-2.0
//
//  The memory port: a poll-mode driver whose wire is an array of prebuilt frames. Receive takes
//  mbufs from the queue's cache, as a NIC's driver does, and points them at the next frames (or
//  copies); transmit counts, shows and frees. Tests inject single frames and take what was sent.
#include <errno.h>

#include "internal.h"

/// A frame on its way, in a list.
typedef struct frame {
    struct frame *next;
    uint16_t length;
    uint8_t bytes[];
} frame;

/// First in, first out; the count is looked at without the lock.
typedef struct {
    pthread_mutex_t lock;
    frame *first;
    frame *last;
    _Atomic uint32_t count;
} frame_list;

typedef struct {
    cdpdk_queue *queue;
    uint8_t *frames;     // where the next frame lies
    uint32_t next;       // index of the next frame
    uint32_t frame_count;
    uint64_t laps_left;
    bool endless;
    bool in_place;
    uint8_t *first_frame;
    const uint16_t *lengths;
    frame_list injected;
    _Atomic uint64_t received_packets, received_bytes, no_buffer;
    char separation[64];  // transmit's part is often written by the same thread, but not always
    _Atomic bool capture;
    frame_list captured;
    _Atomic uint64_t transmitted_packets, transmitted_bytes;
} memory_queue;

static bool list_append(frame_list *list, const uint8_t *bytes, uint16_t length) {
    frame *added = malloc(sizeof *added + length);
    if (added == NULL) { return false; }
    added->next = NULL;
    added->length = length;
    memcpy(added->bytes, bytes, length);
    pthread_mutex_lock(&list->lock);
    if (list->last != NULL) { list->last->next = added; } else { list->first = added; }
    list->last = added;
    atomic_fetch_add(&list->count, 1);
    pthread_mutex_unlock(&list->lock);
    return true;
}

static frame *list_take(frame_list *list) {
    pthread_mutex_lock(&list->lock);
    frame *taken = list->first;
    if (taken != NULL) {
        list->first = taken->next;
        if (list->first == NULL) { list->last = NULL; }
        atomic_fetch_sub(&list->count, 1);
    }
    pthread_mutex_unlock(&list->lock);
    return taken;
}

static void list_free(frame_list *list) {
    for (frame *taken = list_take(list); taken != NULL; taken = list_take(list)) { free(taken); }
    pthread_mutex_destroy(&list->lock);
}

static uint16_t receive_injected(memory_queue *memory, cdpdk_mbuf **mbufs, uint16_t count) {
    uint16_t received = 0;
    uint64_t bytes = 0;
    while (received < count) {
        cdpdk_mbuf *mbuf;
        if (!cdpdk_allocate(memory->queue, &mbuf, 1)) {
            cdpdk_add(&memory->no_buffer, 1);
            break;
        }
        frame *next = list_take(&memory->injected);
        if (next == NULL) {
            cdpdk_free(memory->queue, mbuf);
            break;
        }
        memcpy(cdpdk_data(mbuf), next->bytes, next->length);
        cdpdk_set_length(mbuf, next->length);
        bytes += next->length;
        free(next);
        mbufs[received++] = mbuf;
    }
    cdpdk_add(&memory->received_packets, received);
    cdpdk_add(&memory->received_bytes, bytes);
    return received;
}

static bool start_next_lap(memory_queue *memory) {
    if (memory->frame_count == 0) { return false; }
    if (!memory->endless) {
        if (memory->laps_left == 0) { return false; }
        memory->laps_left--;
    }
    memory->next = 0;
    memory->frames = memory->first_frame;
    return true;
}

static uint16_t memory_receive(void *data, cdpdk_mbuf **mbufs, uint16_t count) {
    memory_queue *memory = data;
    if (__builtin_expect(
            atomic_load_explicit(&memory->injected.count, memory_order_relaxed) != 0, 0)) {
        return receive_injected(memory, mbufs, count);
    }
    if (__builtin_expect(memory->next == memory->frame_count, 0) && !start_next_lap(memory)) {
        return 0;
    }
    const uint16_t most = CDPDK_CACHE_SLOTS / 2;  // what one take can be sure of
    if (count > most) { count = most; }
    uint32_t left = memory->frame_count - memory->next;
    if (count > left) { count = (uint16_t)left; }
    if (!cdpdk_take(memory->queue, mbufs, count)) {
        cdpdk_add(&memory->no_buffer, count);
        return 0;
    }
    const uint16_t *lengths = memory->lengths + memory->next;
    uint8_t *bytes = memory->frames;
    uint64_t total = 0;
    bool in_place = memory->in_place;
    for (uint16_t i = 0; i < count; i++) {
        cdpdk_mbuf *mbuf = mbufs[i];
        uint16_t length = lengths[i];
        uint16_t padded = (uint16_t)((length + 63) & ~63);
        cdpdk_reset(mbuf);
        if (in_place) {
            mbuf->buffer = bytes;
            mbuf->data_offset = 0;
            mbuf->buffer_length = padded;
        } else {
            memcpy(cdpdk_data(mbuf), bytes, length);
        }
        cdpdk_set_length(mbuf, length);
        bytes += padded;
        total += length;
    }
    memory->frames = bytes;
    memory->next += count;
    cdpdk_add(&memory->received_packets, count);
    cdpdk_add(&memory->received_bytes, total);
    return count;
}

static uint16_t memory_transmit(void *data, cdpdk_mbuf **mbufs, uint16_t count) {
    memory_queue *memory = data;
    uint64_t total = 0;
    for (uint16_t i = 0; i < count; i++) { total += mbufs[i]->packet_length; }
    if (__builtin_expect(atomic_load_explicit(&memory->capture, memory_order_relaxed), 0)) {
        for (uint16_t i = 0; i < count; i++) {
            list_append(&memory->captured, cdpdk_data(mbufs[i]), mbufs[i]->data_length);
        }
    }
    cdpdk_free_bulk(memory->queue, mbufs, count);
    cdpdk_add(&memory->transmitted_packets, count);
    cdpdk_add(&memory->transmitted_bytes, total);
    return count;
}

static memory_queue *queue_of(cdpdk_port *port, uint16_t index) {
    return (memory_queue *)port->kind + index;
}

static void memory_describe(cdpdk_port *port, cdpdk_port_info *info) {
    static const uint8_t own[6] = {0x02, 0x4e, 0x54, 0x00, 0x00, 0x01};  // locally administered
    memcpy(info->driver, "memory", sizeof "memory");
    memcpy(info->mac, port->configuration.override_mac ? port->configuration.mac : own, 6);
    info->receive_queues = port->queue_count;
    info->transmit_queues = port->queue_count;
    info->numa_node = -1;
}

static void memory_count(cdpdk_port *port, cdpdk_port_statistics *statistics) {
    for (uint16_t i = 0; i < port->queue_count; i++) {
        memory_queue *memory = queue_of(port, i);
        statistics->received_packets += memory->received_packets;
        statistics->received_bytes += memory->received_bytes;
        statistics->receive_no_buffer += memory->no_buffer;
        statistics->transmitted_packets += memory->transmitted_packets;
        statistics->transmitted_bytes += memory->transmitted_bytes;
    }
}

static void memory_close(cdpdk_port *port) {
    for (uint16_t i = 0; i < port->queue_count; i++) {
        list_free(&queue_of(port, i)->injected);
        list_free(&queue_of(port, i)->captured);
    }
    free(port->kind);
    cdpdk_pool_detach(port);
}

cdpdk_port *cdpdk_open_memory(const cdpdk_port_configuration *configuration, cdpdk_error *error) {
    cdpdk_port *port = cdpdk_port_make(configuration, error);
    if (port == NULL) { return NULL; }
    memory_queue *queues = calloc(port->queue_count, sizeof *queues);
    if (queues == NULL || !cdpdk_pool_attach(port, error)) {
        if (queues == NULL) { cdpdk_fail(error, ENOMEM, "out of memory for the queues"); }
        free(queues);
        cdpdk_port_free(port);
        return NULL;
    }
    port->kind = queues;
    port->describe = memory_describe;
    port->count = memory_count;
    port->close = memory_close;
    for (uint16_t i = 0; i < port->queue_count; i++) {
        cdpdk_queue *queue = &port->queues[i];
        queues[i].queue = queue;
        pthread_mutex_init(&queues[i].injected.lock, NULL);
        pthread_mutex_init(&queues[i].captured.lock, NULL);
        queue->receive = memory_receive;
        queue->receive_data = &queues[i];
        queue->transmit = memory_transmit;
        queue->transmit_data = &queues[i];
    }
    return port;
}

void cdpdk_memory_load(
    cdpdk_port *port, uint16_t queue, uint8_t *bytes, const uint16_t *lengths, uint32_t count,
    uint64_t laps, bool in_place) {
    memory_queue *memory = queue_of(port, queue);
    memory->first_frame = bytes;
    memory->lengths = lengths;
    memory->frame_count = bytes == NULL || lengths == NULL ? 0 : count;
    memory->endless = laps == 0;
    memory->laps_left = laps;
    memory->in_place = in_place;
    memory->next = memory->frame_count;  // the first receive starts the first lap
}

bool cdpdk_memory_inject(cdpdk_port *port, uint16_t queue, const uint8_t *bytes, uint16_t length) {
    if (length > CDPDK_DATA_ROOM) { return false; }
    return list_append(&queue_of(port, queue)->injected, bytes, length);
}

void cdpdk_memory_capture(cdpdk_port *port, uint16_t queue, bool capture) {
    queue_of(port, queue)->capture = capture;
}

int32_t cdpdk_memory_take(cdpdk_port *port, uint16_t queue, uint8_t *bytes, uint16_t room) {
    frame *taken = list_take(&queue_of(port, queue)->captured);
    if (taken == NULL) { return -1; }
    uint16_t length = taken->length;
    memcpy(bytes, taken->bytes, length < room ? length : room);
    free(taken);
    return length;
}
