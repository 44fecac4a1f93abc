// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CUring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>

struct cplatform_uring {
    struct io_uring ring;
    unsigned entries;
    unsigned in_flight;
};

cplatform_uring *cplatform_uring_open(unsigned entries) {
    cplatform_uring *queue = calloc(1, sizeof *queue);
    if (!queue) return NULL;
    int result = io_uring_queue_init(entries, &queue->ring, 0);
    if (result < 0) {
        free(queue);
        errno = -result;
        return NULL;
    }
    queue->entries = entries;
    return queue;
}

void cplatform_uring_settle(cplatform_uring *queue) {
    io_uring_submit(&queue->ring);
    while (queue->in_flight > 0) {
        struct io_uring_cqe *completion;
        int result = io_uring_wait_cqe(&queue->ring, &completion);
        if (result == -EINTR) continue;
        if (result < 0) return;
        io_uring_cqe_seen(&queue->ring, completion);
        queue->in_flight--;
    }
}

void cplatform_uring_close(cplatform_uring *queue) {
    cplatform_uring_settle(queue);
    io_uring_queue_exit(&queue->ring);
    free(queue);
}

int cplatform_uring_write(
    cplatform_uring *queue, int file, const void *bytes, uint32_t count, uint64_t offset,
    uint64_t token) {
    if (queue->in_flight >= queue->entries) return -1;
    struct io_uring_sqe *entry = io_uring_get_sqe(&queue->ring);
    if (!entry) return -1;
    io_uring_prep_write(entry, file, bytes, count, offset);
    io_uring_sqe_set_data64(entry, token);
    queue->in_flight++;
    return 0;
}

int cplatform_uring_sync(cplatform_uring *queue, int file, uint64_t token) {
    if (queue->in_flight >= queue->entries) return -1;
    struct io_uring_sqe *entry = io_uring_get_sqe(&queue->ring);
    if (!entry) return -1;
    io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(entry, token);
    queue->in_flight++;
    return 0;
}

int cplatform_uring_submit(cplatform_uring *queue) {
    while (io_uring_sq_ready(&queue->ring) > 0) {
        int result = io_uring_submit(&queue->ring);
        if (result == -EINTR || result == -EAGAIN) continue;
        if (result < 0) return -result;
    }
    return 0;
}

int cplatform_uring_reap(cplatform_uring *queue, uint64_t *token, int32_t *result) {
    struct io_uring_cqe *completion;
    if (queue->in_flight == 0 || io_uring_peek_cqe(&queue->ring, &completion) != 0) return 0;
    *token = io_uring_cqe_get_data64(completion);
    *result = completion->res;
    io_uring_cqe_seen(&queue->ring, completion);
    queue->in_flight--;
    return 1;
}

void cplatform_uring_wait(cplatform_uring *queue, uint64_t nanos) {
    struct io_uring_cqe *completion;
    struct __kernel_timespec limit = {.tv_sec = 0, .tv_nsec = (long long)nanos};
    if (queue->in_flight > 0) io_uring_wait_cqe_timeout(&queue->ring, &completion, &limit);
}

int cplatform_journal_open(int folder, const char *name, int create, int direct) {
    // A pipe under that name must not hold anybody up.
    int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK;
    if (create) flags |= O_CREAT | O_TRUNC;
    if (direct) flags |= O_DIRECT;
    return openat(folder, name, flags, 0600);
}
