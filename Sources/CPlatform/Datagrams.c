// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CDatagrams.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static int prepare(
    struct mmsghdr *headers, struct iovec *vectors, char *base, uint32_t slot_bytes, int count) {
    if (count > CDATAGRAMS_BATCH_MAX) {
        count = CDATAGRAMS_BATCH_MAX;
    }
    memset(headers, 0, (size_t)count * sizeof *headers);
    for (int i = 0; i < count; i++) {
        vectors[i].iov_base = base + (size_t)i * slot_bytes;
        vectors[i].iov_len = slot_bytes;
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    return count;
}

int cdatagrams_receive(int socket, void *base, uint32_t slot_bytes, uint32_t *lengths, int count) {
    struct mmsghdr headers[CDATAGRAMS_BATCH_MAX];
    struct iovec vectors[CDATAGRAMS_BATCH_MAX];
    count = prepare(headers, vectors, base, slot_bytes, count);
    int received = recvmmsg(socket, headers, (unsigned)count, MSG_DONTWAIT, NULL);
    for (int i = 0; i < received; i++) {
        lengths[i] = headers[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 : headers[i].msg_len;
    }
    return received < 0 ? 0 : received;
}

int cdatagrams_send(
    int socket, const void *base, uint32_t slot_bytes, const uint32_t *lengths, int count) {
    struct mmsghdr headers[CDATAGRAMS_BATCH_MAX];
    struct iovec vectors[CDATAGRAMS_BATCH_MAX];
    count = prepare(headers, vectors, (char *)base, slot_bytes, count);
    for (int i = 0; i < count; i++) {
        vectors[i].iov_len = lengths[i];
    }
    return sendmmsg(socket, headers, (unsigned)count, MSG_DONTWAIT);
}

int cdatagrams_wait(int socket, int for_output, uint64_t timeout_nanos) {
    struct pollfd entry = {.fd = socket, .events = for_output ? POLLOUT : POLLIN};
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_nanos / 1000000000u),
        .tv_nsec = (long)(timeout_nanos % 1000000000u),
    };
    return ppoll(&entry, 1, &timeout, NULL);
}
