// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

// Reasons of a refusal, as the connection managers of InfiniBand and RoCE number them.
enum { nobody_listens = 8, refused_by_peer = 28 };

struct rdma_cm_event *cverbs_wait(
    struct rdma_event_channel *events, uint32_t timeout_millis, int *code) {
    struct pollfd ready = {.fd = events->fd, .events = POLLIN};
    int count = poll(&ready, 1, (int)timeout_millis);
    struct rdma_cm_event *event = NULL;
    *code = count < 0 ? errno : count == 0 ? ETIMEDOUT : 0;
    if (*code == 0 && rdma_get_cm_event(events, &event) != 0) *code = errno;
    return *code == 0 ? event : NULL;
}

/// Waits for `wanted`. 0, or what came instead of it: an errno, or a refusal as it is numbered, a
/// negative number. `answer` gets what the peer said.
static int await(
    cverbs_channel *channel, enum rdma_cm_event_type wanted, uint32_t timeout_millis,
    void *answer) {
    int code;
    struct rdma_cm_event *event = cverbs_wait(channel->events, timeout_millis, &code);
    if (event == NULL) return code;
    if (answer != NULL && event->param.conn.private_data != NULL) {
        size_t length = event->param.conn.private_data_len;
        memcpy(answer, event->param.conn.private_data,
               length < CVERBS_HELLO_LIMIT ? length : CVERBS_HELLO_LIMIT);
    }
    if (event->event == RDMA_CM_EVENT_REJECTED) {
        code = event->status > 0 ? -event->status : -event->status == ECONNREFUSED ? -nobody_listens
                                                                                  : ECONNREFUSED;
    } else if (event->event != wanted) {
        code = event->status < 0 ? -event->status : event->status > 0 ? event->status : EPROTO;
    }
    rdma_ack_cm_event(event);
    return code;
}

static bool fail_to_resolve(cverbs_channel *channel, int code, cverbs_error *error) {
    cverbs_text peer = cverbs_address_text(channel->address);
    if (code == ENODEV) {
        return cverbs_fail(error, code,
                           "the network interface towards %s has no RDMA device: name an address "
                           "of an RDMA link (`rdma link` shows them)",
                           peer.bytes);
    }
    return cverbs_fail(error, code,
                       "%s cannot be reached over RDMA: %s; check the address, the route and "
                       "that the host is up",
                       peer.bytes, strerror(code));
}

cverbs_channel *cverbs_open(
    uint32_t address, uint16_t port, uint32_t timeout_millis, cverbs_error *error) {
    cverbs_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL) {
        cverbs_fail(error, ENOMEM, "there is no memory for an RDMA connection");
        return NULL;
    }
    channel->address = address;
    channel->port = port;
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int code;
    channel->events = rdma_create_event_channel();
    if (channel->events == NULL ||
        rdma_create_id(channel->events, &channel->id, NULL, RDMA_PS_TCP) != 0) {
        cverbs_fail_to_start(error, errno);
        goto failed;
    }
    code = rdma_resolve_addr(
               channel->id, NULL, (struct sockaddr *)&peer, (int)timeout_millis) != 0
        ? errno
        : await(channel, RDMA_CM_EVENT_ADDR_RESOLVED, timeout_millis + 100, NULL);
    // Bound to loopback the id is on no device.
    if (code == 0 && channel->id->verbs == NULL) code = ENODEV;
    if (code == 0) {
        // Four µs × 2^14 = 67 ms, eight times: the transport itself gives up after half a second.
        uint8_t exponent = 14;
        (void)rdma_set_option(channel->id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &exponent,
                              sizeof exponent);
        code = rdma_resolve_route(channel->id, (int)timeout_millis) != 0
            ? errno
            : await(channel, RDMA_CM_EVENT_ROUTE_RESOLVED, timeout_millis + 100, NULL);
    }
    if (code != 0) {
        fail_to_resolve(channel, code, error);
        goto failed;
    }
    if (cverbs_make_queue_pair(channel, error)) return channel;
failed:
    cverbs_close(channel);
    return NULL;
}

static struct rdma_conn_param parameters(const void *said) {
    return (struct rdma_conn_param){
        .private_data = said,
        .private_data_len = CVERBS_HELLO_LIMIT,
        .responder_resources = 1,
        .initiator_depth = 1,
        .retry_count = 7,
        .rnr_retry_count = 7,
    };
}

bool cverbs_connect(
    cverbs_channel *channel, const void *hello, void *answer, uint32_t timeout_millis,
    cverbs_error *error) {
    cverbs_text peer = cverbs_address_text(channel->address);
    struct rdma_conn_param asked = parameters(hello);
    int code = rdma_connect(channel->id, &asked) != 0
        ? errno
        : await(channel, RDMA_CM_EVENT_ESTABLISHED, timeout_millis, answer);
    switch (code) {
    case 0: return true;
    case -nobody_listens:
        return cverbs_fail(error, ECONNREFUSED,
                           "nobody listens at %s:%u: start the standby there first, or correct "
                           "the address",
                           peer.bytes, channel->port);
    case -refused_by_peer:
        return cverbs_fail(error, EPERM, "%s:%u refuses", peer.bytes, channel->port);
    case ETIMEDOUT:
        return cverbs_fail(error, code,
                           "%s:%u did not answer in %u ms: check that both hosts reach each other "
                           "over RDMA (UDP port 4791 for RoCE)",
                           peer.bytes, channel->port, timeout_millis);
    default:
        return cverbs_fail(error, code < 0 ? ECONNREFUSED : code,
                           "the connection to %s:%u failed: %s; look at `rdma link` on both hosts",
                           peer.bytes, channel->port,
                           code < 0 ? "the peer's connection manager refuses" : strerror(code));
    }
}

cverbs_listener *cverbs_listen(uint32_t address, uint16_t port, cverbs_error *error) {
    cverbs_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        cverbs_fail(error, ENOMEM, "there is no memory for an RDMA listener");
        return NULL;
    }
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    cverbs_text text = cverbs_address_text(address);
    listener->events = rdma_create_event_channel();
    if (listener->events == NULL ||
        rdma_create_id(listener->events, &listener->id, NULL, RDMA_PS_TCP) != 0) {
        cverbs_fail_to_start(error, errno);
        goto failed;
    }
    if (rdma_bind_addr(listener->id, (struct sockaddr *)&here) != 0 ||
        rdma_listen(listener->id, 16) != 0) {
        int code = errno;
        if (code == ENODEV || code == EADDRNOTAVAIL) {
            cverbs_fail(error, code,
                        "%s is no address of an RDMA device here: name one of an RDMA link (`rdma "
                        "link` shows them)",
                        text.bytes);
        } else if (code == EADDRINUSE) {
            cverbs_fail(error, code,
                        "another process listens at %s:%u: end it, or take another port",
                        text.bytes, port);
        } else {
            cverbs_fail(error, code, "cannot listen at %s:%u: %s", text.bytes, port,
                        strerror(code));
        }
        goto failed;
    }
    return listener;
failed:
    cverbs_stop_listening(listener);
    return NULL;
}

void cverbs_stop_listening(cverbs_listener *listener) {
    if (listener->id != NULL) rdma_destroy_id(listener->id);
    if (listener->events != NULL) rdma_destroy_event_channel(listener->events);
    free(listener);
}

cverbs_channel *cverbs_take_request(
    cverbs_listener *listener, uint32_t timeout_millis, void *hello, cverbs_error *error) {
    int code;
    struct rdma_cm_event *event = cverbs_wait(listener->events, timeout_millis, &code);
    error->code = 0;
    if (event == NULL) {
        if (code != ETIMEDOUT && code != EINTR) {
            cverbs_fail(error, code, "the RDMA listener failed: %s", strerror(code));
        }
        return NULL;
    }
    bool is_request = event->event == RDMA_CM_EVENT_CONNECT_REQUEST;
    struct rdma_cm_id *id = event->id;
    memset(hello, 0, CVERBS_HELLO_LIMIT);
    if (is_request && event->param.conn.private_data != NULL) {
        size_t length = event->param.conn.private_data_len;
        memcpy(hello, event->param.conn.private_data,
               length < CVERBS_HELLO_LIMIT ? length : CVERBS_HELLO_LIMIT);
    }
    rdma_ack_cm_event(event);
    if (!is_request) return NULL;
    cverbs_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL) {
        rdma_destroy_id(id);
        return NULL;
    }
    channel->id = id;
    const struct sockaddr_in *peer = (const struct sockaddr_in *)rdma_get_peer_addr(id);
    channel->address = ntohl(peer->sin_addr.s_addr);
    channel->port = ntohs(peer->sin_port);
    channel->events = rdma_create_event_channel();
    if (channel->events != NULL && rdma_migrate_id(id, channel->events) == 0) {
        if (cverbs_make_queue_pair(channel, error)) return channel;
    } else {
        cverbs_fail(error, errno, "a request cannot be taken: %s", strerror(errno));
    }
    cverbs_close(channel);
    return NULL;
}

bool cverbs_accept(
    cverbs_channel *channel, const void *answer, uint32_t timeout_millis, cverbs_error *error) {
    struct rdma_conn_param given = parameters(answer);
    int code = rdma_accept(channel->id, &given) != 0
        ? errno
        : await(channel, RDMA_CM_EVENT_ESTABLISHED, timeout_millis, NULL);
    if (code == 0) return true;
    cverbs_text peer = cverbs_address_text(channel->address);
    return cverbs_fail(error, code < 0 ? ECONNREFUSED : code,
                       "the connection from %s:%u did not come to stand: %s", peer.bytes,
                       channel->port, code < 0 ? "it was withdrawn" : strerror(code));
}

void cverbs_reject(cverbs_channel *channel, const void *answer) {
    rdma_reject(channel->id, answer, CVERBS_HELLO_LIMIT);
}

int cverbs_lost(cverbs_channel *channel) {
    if (channel->lost != 0) return channel->lost;
    int code;
    struct rdma_cm_event *event = cverbs_wait(channel->events, 0, &code);
    if (event == NULL) return 0;
    switch (event->event) {
    case RDMA_CM_EVENT_DISCONNECTED:
    case RDMA_CM_EVENT_TIMEWAIT_EXIT: channel->lost = ECONNRESET; break;
    case RDMA_CM_EVENT_DEVICE_REMOVAL: channel->lost = ENODEV; break;
    default: break;
    }
    rdma_ack_cm_event(event);
    return channel->lost;
}
