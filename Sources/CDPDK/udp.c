// SPDX-License-Identifier: Apache-2.0
//
//  The udp port: plain kernel sockets behind the face of a driver, to compare with and for machines
//  where nothing else works. Receive writes Ethernet, IPv4 and UDP headers in front of each
//  payload; transmit takes them off again and sends to the destination that they name. What is not
//  UDP over IPv4 (ARP, ICMP) is the kernel's business here, and is dropped, counted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

enum { HEADER_BYTES = 14 + 20 + 8, BURST = 64, SOCKET_BYTES = 8 << 20 };

typedef struct {
    cdpdk_queue *queue;
    int socket;
    uint32_t address;   // network order
    uint16_t udp_port;  // network order
    uint8_t mac[6];
    cdpdk_mbuf *waiting[BURST];  // allocated, to be filled by the next receive
    uint32_t waiting_count;
    struct mmsghdr messages[BURST];
    struct iovec parts[BURST];
    struct sockaddr_in peers[BURST];
    struct mmsghdr out[BURST];
    struct iovec out_parts[BURST];
    struct sockaddr_in out_peers[BURST];
    _Atomic uint64_t received_packets, received_bytes, no_buffer;
    _Atomic uint64_t transmitted_packets, transmitted_bytes, transmit_errors;
} udp_queue;

static void store16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/// Headers as they would have been on the wire; the UDP checksum is 0, "none", as IPv4 allows.
static void write_headers(const udp_queue *udp, cdpdk_mbuf *mbuf, const struct sockaddr_in *peer,
                          uint16_t payload) {
    uint8_t *frame = cdpdk_data(mbuf);
    memcpy(frame, udp->mac, 6);
    frame[6] = 0x02;  // a locally administered address made of the peer's IP address
    frame[7] = 0x00;
    memcpy(frame + 8, &peer->sin_addr.s_addr, 4);
    store16(frame + 12, 0x0800);
    uint8_t *ip = frame + 14;
    memset(ip, 0, 28);
    ip[0] = 0x45;
    store16(ip + 2, (uint16_t)(28 + payload));
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, &peer->sin_addr.s_addr, 4);
    memcpy(ip + 16, &udp->address, 4);
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) { sum += (uint32_t)ip[i] << 8 | ip[i + 1]; }
    sum = (sum & 0xffff) + (sum >> 16);
    store16(ip + 10, (uint16_t)~(sum + (sum >> 16)));
    memcpy(ip + 20, &peer->sin_port, 2);
    memcpy(ip + 22, &udp->udp_port, 2);
    store16(ip + 24, (uint16_t)(8 + payload));
    mbuf->flags = CDPDK_RX_IP_CHECKSUM_GOOD | CDPDK_RX_L4_CHECKSUM_GOOD;  // the kernel looked
    cdpdk_set_length(mbuf, (uint16_t)(HEADER_BYTES + payload));
}

static void prepare(udp_queue *udp, uint32_t wanted) {
    while (udp->waiting_count < wanted) {
        cdpdk_mbuf *mbuf;
        if (!cdpdk_allocate(udp->queue, &mbuf, 1)) {
            cdpdk_add(&udp->no_buffer, 1);
            return;
        }
        uint32_t i = udp->waiting_count++;
        udp->waiting[i] = mbuf;
        udp->parts[i].iov_base = cdpdk_data(mbuf) + HEADER_BYTES;
        udp->parts[i].iov_len = CDPDK_DATA_ROOM - HEADER_BYTES;
    }
}

static uint16_t udp_receive(void *data, cdpdk_mbuf **mbufs, uint16_t count) {
    udp_queue *udp = data;
    if (count > BURST) { count = BURST; }
    prepare(udp, count);
    uint32_t room = udp->waiting_count < count ? udp->waiting_count : count;
    if (room == 0) { return 0; }
    for (uint32_t i = 0; i < room; i++) {
        udp->messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
    }
    int received = recvmmsg(udp->socket, udp->messages, room, MSG_DONTWAIT, NULL);
    if (received <= 0) { return 0; }
    uint64_t bytes = 0;
    for (int i = 0; i < received; i++) {
        uint16_t payload = (uint16_t)udp->messages[i].msg_len;
        mbufs[i] = udp->waiting[i];
        write_headers(udp, mbufs[i], &udp->peers[i], payload);
        bytes += (uint64_t)HEADER_BYTES + payload;
    }
    // The rest moves down, with the buffers that belong to it.
    udp->waiting_count -= (uint32_t)received;
    memmove(
        udp->waiting, udp->waiting + received, udp->waiting_count * sizeof *udp->waiting);
    memmove(udp->parts, udp->parts + received, udp->waiting_count * sizeof *udp->parts);
    cdpdk_add(&udp->received_packets, (uint64_t)received);
    cdpdk_add(&udp->received_bytes, bytes);
    return (uint16_t)received;
}

/// Where the UDP payload of a frame lies; false when it is something else.
static bool address_message(udp_queue *udp, cdpdk_mbuf *mbuf, uint32_t slot) {
    const uint8_t *frame = cdpdk_data(mbuf);
    uint32_t length = mbuf->data_length;
    uint32_t ip = frame[12] == 0x81 && frame[13] == 0x00 ? 18 : 14;  // a VLAN tag is passed over
    if (length < ip + 28 || frame[ip - 2] != 0x08 || frame[ip - 1] != 0x00) { return false; }
    uint32_t udp_at = ip + (uint32_t)(frame[ip] & 15) * 4;
    if (frame[ip + 9] != 17 || length < udp_at + 8) { return false; }
    uint32_t datagram = (uint32_t)frame[udp_at + 4] << 8 | frame[udp_at + 5];
    if (datagram < 8 || length < udp_at + datagram) { return false; }
    memcpy(&udp->out_peers[slot].sin_addr.s_addr, frame + ip + 16, 4);
    memcpy(&udp->out_peers[slot].sin_port, frame + udp_at + 2, 2);
    udp->out_parts[slot].iov_base = cdpdk_data(mbuf) + udp_at + 8;
    udp->out_parts[slot].iov_len = datagram - 8;
    return true;
}

static uint16_t udp_transmit(void *data, cdpdk_mbuf **mbufs, uint16_t count) {
    udp_queue *udp = data;
    if (count > BURST) { count = BURST; }
    uint32_t filled = 0, bytes = 0, bad = 0;
    for (uint16_t i = 0; i < count; i++) {
        if (address_message(udp, mbufs[i], filled)) {
            bytes += mbufs[i]->data_length;
            filled++;
        } else {
            bad++;
        }
    }
    uint32_t sent = 0;
    while (sent < filled) {
        int result = sendmmsg(udp->socket, udp->out + sent, filled - sent, MSG_DONTWAIT);
        if (result > 0) {
            sent += (uint32_t)result;
        } else {
            // Full, refused or unreachable: UDP may lose it, as a NIC's wire may. Next.
            sent++;
            bad++;
        }
    }
    cdpdk_free_bulk(udp->queue, mbufs, count);
    cdpdk_add(&udp->transmitted_packets, (uint64_t)count - bad);
    cdpdk_add(&udp->transmitted_bytes, bytes);
    cdpdk_add(&udp->transmit_errors, bad);
    return count;
}

static void udp_describe(cdpdk_port *port, cdpdk_port_info *info) {
    udp_queue *queues = port->kind;
    memcpy(info->driver, "udp", sizeof "udp");
    memcpy(info->mac, queues[0].mac, 6);
    info->receive_queues = port->queue_count;
    info->transmit_queues = port->queue_count;
    info->numa_node = -1;
    info->verifies_ip_checksum = true;
    info->verifies_udp_checksum = true;
}

static void udp_count(cdpdk_port *port, cdpdk_port_statistics *statistics) {
    udp_queue *queues = port->kind;
    for (uint16_t i = 0; i < port->queue_count; i++) {
        statistics->received_packets += queues[i].received_packets;
        statistics->received_bytes += queues[i].received_bytes;
        statistics->receive_no_buffer += queues[i].no_buffer;
        statistics->transmitted_packets += queues[i].transmitted_packets;
        statistics->transmitted_bytes += queues[i].transmitted_bytes;
        statistics->transmit_errors += queues[i].transmit_errors;
    }
}

static void udp_close(cdpdk_port *port) {
    udp_queue *queues = port->kind;
    for (uint16_t i = 0; i < port->queue_count; i++) {
        if (queues[i].socket >= 0) { close(queues[i].socket); }
    }
    cdpdk_pool_detach(port);
    free(queues);
}

static bool bind_queue(udp_queue *udp, bool shared, cdpdk_error *error) {
    struct sockaddr_in own = {
        .sin_family = AF_INET, .sin_port = udp->udp_port, .sin_addr.s_addr = udp->address};
    int on = 1, bytes = SOCKET_BYTES;
    char text[INET_ADDRSTRLEN];
    udp->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp->socket < 0) { return cdpdk_fail(error, errno, "no socket: %s", strerror(errno)); }
    // Several queues share the UDP port, and the kernel spreads flows over them; a single one does
    // not, so that a second gateway on it is an error.
    if (shared) { setsockopt(udp->socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); }
    if (setsockopt(udp->socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
        setsockopt(udp->socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    if (setsockopt(udp->socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) {
        setsockopt(udp->socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    setsockopt(udp->socket, IPPROTO_IP, IP_MULTICAST_IF, &own.sin_addr, sizeof own.sin_addr);
    if (bind(udp->socket, (struct sockaddr *)&own, sizeof own) == 0) { return true; }
    inet_ntop(AF_INET, &udp->address, text, sizeof text);
    return cdpdk_fail(
        error, errno, "cannot bind %s:%u: %s; the address must be one of this host's, and the port "
        "free", text, ntohs(udp->udp_port), strerror(errno));
}

static void set_up(udp_queue *udp, const cdpdk_port_configuration *configuration) {
    static const uint8_t own[6] = {0x02, 0x4e, 0x54, 0x00, 0x00, 0x02};
    memcpy(udp->mac, configuration->override_mac ? configuration->mac : own, 6);
    for (int k = 0; k < BURST; k++) {
        udp->messages[k].msg_hdr.msg_name = &udp->peers[k];
        udp->messages[k].msg_hdr.msg_iov = &udp->parts[k];
        udp->messages[k].msg_hdr.msg_iovlen = 1;
        udp->out_peers[k].sin_family = AF_INET;
        udp->out[k].msg_hdr.msg_name = &udp->out_peers[k];
        udp->out[k].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
        udp->out[k].msg_hdr.msg_iov = &udp->out_parts[k];
        udp->out[k].msg_hdr.msg_iovlen = 1;
    }
    udp->queue->receive = udp_receive;
    udp->queue->receive_data = udp;
    udp->queue->transmit = udp_transmit;
    udp->queue->transmit_data = udp;
}

cdpdk_port *cdpdk_open_udp(
    uint32_t address, uint16_t udp_port, const cdpdk_port_configuration *configuration,
    cdpdk_error *error) {
    cdpdk_port *port = cdpdk_port_make(configuration, error);
    if (port == NULL) { return NULL; }
    udp_queue *queues = calloc(port->queue_count, sizeof *queues);
    if (queues == NULL || !cdpdk_pool_attach(port, error)) {
        if (queues == NULL) { cdpdk_fail(error, ENOMEM, "out of memory for the queues"); }
        free(queues);
        cdpdk_port_free(port);
        return NULL;
    }
    port->kind = queues;
    port->describe = udp_describe;
    port->count = udp_count;
    port->close = udp_close;
    bool bound = true;
    for (uint16_t i = 0; i < port->queue_count; i++) {
        queues[i].queue = &port->queues[i];
        queues[i].socket = -1;
        queues[i].address = htonl(address);
        queues[i].udp_port = htons(udp_port);
        set_up(&queues[i], configuration);
    }
    for (uint16_t i = 0; i < port->queue_count; i++) {
        bound = bound && bind_queue(&queues[i], port->queue_count > 1, error);
    }
    if (bound) { return port; }
    cdpdk_port_close(port);
    return NULL;
}
