// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(ctls_piece) == sizeof(struct iovec), "a piece is an iovec");
_Static_assert(offsetof(ctls_piece, byte_count) == offsetof(struct iovec, iov_len), "as it lies");

static struct sockaddr_in place(uint32_t address, uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static ctls_stream *make(
    int socket, const struct sockaddr_in *peer, const ctls_key *key, bool is_server,
    int32_t *code) {
    int on = 1;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // One look into the card's queue at each receive that finds nothing. Above 0 it only says that;
    // without the right to ask for it nothing is lost but that.
    int micros = 1;
    (void)setsockopt(socket, SOL_SOCKET, SO_BUSY_POLL, &micros, sizeof micros);
    ctls_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL) {
        stream->socket = socket;
        stream->is_server = is_server;
        stream->is_connected = is_server;
        stream->address = ntohl(peer->sin_addr.s_addr);
        stream->port = ntohs(peer->sin_port);
        if (key == NULL || ctls_secure(stream, key)) return stream;
        ctls_tls_close(stream);
        free(stream);
    }
    close(socket);
    *code = ENOMEM;
    return NULL;
}

ctls_stream *ctls_connect(
    uint32_t address, uint16_t port, const ctls_key *key, int32_t *code) {
    struct sockaddr_in peer = place(address, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        (connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0 || errno == EINPROGRESS)) {
        return make(fd, &peer, key, false, code);
    }
    *code = errno;
    if (fd >= 0) close(fd);
    return NULL;
}

int32_t ctls_listen(uint32_t address, uint16_t port) {
    struct sockaddr_in here = place(address, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) == 0 && listen(fd, 64) == 0) return fd;
    int code = errno;
    close(fd);
    return -code;
}

ctls_stream *ctls_accept(int32_t listener, const ctls_key *key, int32_t *code) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int fd = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    *code = 0;
    if (fd >= 0) return make(fd, &peer, key, true, code);
    // What went before it was taken is no business of ours.
    bool is_nothing = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    if (!is_nothing) *code = errno;
    return NULL;
}

void ctls_stop_listening(int32_t listener) { close(listener); }

uint16_t ctls_listening_port(int32_t listener) {
    struct sockaddr_in here = {0};
    socklen_t length = sizeof here;
    (void)getsockname(listener, (struct sockaddr *)&here, &length);
    return ntohs(here.sin_port);
}

static int connected(ctls_stream *stream) {
    if (stream->is_connected) return 1;
    struct pollfd ready = {.fd = stream->socket, .events = POLLOUT};
    if (poll(&ready, 1, 0) <= 0) return 0;
    int code = 0;
    socklen_t length = sizeof code;
    if (getsockopt(stream->socket, SOL_SOCKET, SO_ERROR, &code, &length) != 0) code = errno;
    if (code != 0) return -code;
    stream->is_connected = true;
    return 1;
}

int32_t ctls_establish(ctls_stream *stream) {
    int found = connected(stream);
    return found == 1 && stream->tls != NULL ? ctls_tls_establish(stream) : found;
}

static bool is_for_later(int code) {
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

int64_t ctls_send(ctls_stream *stream, const ctls_piece *pieces, int32_t count) {
    if (stream->tls != NULL) return ctls_tls_send(stream, pieces, count);
    if (count == 0) return 0;
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t taken = sendmsg(stream->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return taken >= 0 ? taken : is_for_later(errno) ? 0 : -errno;
}

int64_t ctls_receive(ctls_stream *stream, const ctls_piece *pieces, int32_t count) {
    if (stream->tls != NULL) return ctls_tls_receive(stream, pieces, count);
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t got = recvmsg(stream->socket, &message, MSG_DONTWAIT);
    if (got > 0) return got;
    return got == 0 ? -ECONNRESET : is_for_later(errno) ? 0 : -errno;
}

uint32_t ctls_peer_address(const ctls_stream *stream) { return stream->address; }
uint16_t ctls_peer_port(const ctls_stream *stream) { return stream->port; }

void ctls_close(ctls_stream *stream) {
    ctls_tls_close(stream);
    // A socket that is closed with bytes unread resets the connection, and the peer then loses what
    // it has not read: so what is there is read first, within reason.
    static _Thread_local uint8_t unread[65536];
    (void)shutdown(stream->socket, SHUT_WR);
    for (int turn = 0; turn < 64; turn++) {
        if (recv(stream->socket, unread, sizeof unread, MSG_DONTWAIT) <= 0) break;
    }
    close(stream->socket);
    free(stream);
}
