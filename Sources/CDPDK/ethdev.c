// SPDX-License-Identifier: Apache-2.0
//
//  Ports that are DPDK devices, and the proof that the mirror in CDPDK.h is one. Works with DPDK
//  22.11 (Debian 12) and 23.11 (Ubuntu 24.04).
#include <errno.h>
#include <stdio.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "internal.h"

#define SAME(ours, theirs) \
    _Static_assert( \
        offsetof(cdpdk_mbuf, ours) == offsetof(struct rte_mbuf, theirs) \
            && sizeof(((cdpdk_mbuf *)0)->ours) == sizeof(((struct rte_mbuf *)0)->theirs), \
        "cdpdk_mbuf." #ours " is not rte_mbuf." #theirs)

SAME(buffer, buf_addr);
SAME(data_offset, data_off);
SAME(reference_count, refcnt);
SAME(segment_count, nb_segs);
SAME(port, port);
SAME(flags, ol_flags);
SAME(packet_type, packet_type);
SAME(packet_length, pkt_len);
SAME(data_length, data_len);
SAME(vlan_tci, vlan_tci);
SAME(rss_hash, hash.rss);
SAME(flow_id, hash.fdir.hi);
SAME(outer_vlan_tci, vlan_tci_outer);
SAME(buffer_length, buf_len);
SAME(pool, pool);
SAME(next, next);
SAME(tx_offload, tx_offload);
SAME(shared_info, shinfo);
_Static_assert(sizeof(cdpdk_mbuf) == sizeof(struct rte_mbuf), "size of an mbuf");
_Static_assert(offsetof(cdpdk_mbuf, iova) == 8, "buf_iova, where the build has it");
_Static_assert(CDPDK_HEADROOM == RTE_PKTMBUF_HEADROOM, "headroom");
_Static_assert(CDPDK_RX_IP_CHECKSUM_BAD == RTE_MBUF_F_RX_IP_CKSUM_BAD, "flag");
_Static_assert(CDPDK_RX_IP_CHECKSUM_GOOD == RTE_MBUF_F_RX_IP_CKSUM_GOOD, "flag");
_Static_assert(CDPDK_RX_L4_CHECKSUM_BAD == RTE_MBUF_F_RX_L4_CKSUM_BAD, "flag");
_Static_assert(CDPDK_RX_L4_CHECKSUM_GOOD == RTE_MBUF_F_RX_L4_CKSUM_GOOD, "flag");
_Static_assert(CDPDK_TX_UDP_CHECKSUM == RTE_MBUF_F_TX_UDP_CKSUM, "flag");
_Static_assert(CDPDK_TX_IP_CHECKSUM == RTE_MBUF_F_TX_IP_CKSUM, "flag");
_Static_assert(CDPDK_TX_IPV4 == RTE_MBUF_F_TX_IPV4, "flag");
_Static_assert(
    CDPDK_NOT_DIRECT == (RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT), "flag");
_Static_assert(RTE_MBUF_L2_LEN_BITS == 7 && RTE_MBUF_L3_LEN_BITS == 9, "tx_offload");

enum { ENOUGH_RULES = 64 };

typedef struct {
    uint16_t id;
    char device[160];
    cdpdk_port_info info;
    struct rte_flow *rules[ENOUGH_RULES];
    uint16_t rule_count;
} ethernet;

static ethernet *of(cdpdk_port *port) { return port->kind; }

/// Every step names itself in the error.
static bool check(int result, const char *step, const char *device, cdpdk_error *error) {
    if (result >= 0) { return true; }
    return cdpdk_fail(
        error, -result, "%s: %s: %s (%s)", device, step, rte_strerror(-result),
        cdpdk_log_last());
}

static void choose_offloads(
    const struct rte_eth_dev_info *device, const cdpdk_port_configuration *wanted,
    struct rte_eth_conf *conf, cdpdk_port_info *info) {
    // VLAN tags stay in the frame: answers must carry them too, and parsing them costs nothing.
    uint64_t rx = 0, tx = 0;
    if (wanted->checksum_offload) {
        rx = device->rx_offload_capa
            & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
        tx = device->tx_offload_capa
            & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
    }
    conf->rxmode.offloads = rx;
    conf->txmode.offloads = tx;
    conf->rxmode.mtu = wanted->mtu;
    info->verifies_ip_checksum = (rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
    info->verifies_udp_checksum = (rx & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
    info->writes_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
    info->writes_udp_checksum = (tx & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
    uint64_t spread = device->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
    if (wanted->receive_queues > 1 && spread != 0) {
        conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;  // what no flow rule steers is spread
        conf->rx_adv_conf.rss_conf.rss_hf = spread;
    }
}

static bool configure(cdpdk_port *port, cdpdk_error *error) {
    const cdpdk_port_configuration *wanted = &port->configuration;
    ethernet *self = of(port);
    struct rte_eth_dev_info device;
    if (!check(rte_eth_dev_info_get(self->id, &device), "query", self->device, error)) {
        return false;
    }
    if (wanted->receive_queues > device.max_rx_queues
        || wanted->transmit_queues > device.max_tx_queues) {
        return cdpdk_fail(
            error, EINVAL, "%s has %u receive and %u transmit queues, asked for %u and %u",
            self->device, device.max_rx_queues, device.max_tx_queues, wanted->receive_queues,
            wanted->transmit_queues);
    }
    struct rte_eth_conf conf = {0};
    choose_offloads(&device, wanted, &conf, &self->info);
    if (!check(
            rte_eth_dev_configure(
                self->id, wanted->receive_queues, wanted->transmit_queues, &conf),
            "configure", self->device, error)) {
        return false;
    }
    uint16_t rx = wanted->receive_descriptors, tx = wanted->transmit_descriptors;
    rte_eth_dev_adjust_nb_rx_tx_desc(self->id, &rx, &tx);
    unsigned node = (unsigned)rte_eth_dev_socket_id(self->id);
    for (uint16_t i = 0; i < wanted->receive_queues; i++) {
        struct rte_eth_rxconf queue = device.default_rxconf;
        queue.offloads = conf.rxmode.offloads;
        int result = rte_eth_rx_queue_setup(self->id, i, rx, node, &queue, port->pool);
        if (!check(result, "receive queue", self->device, error)) { return false; }
    }
    for (uint16_t i = 0; i < wanted->transmit_queues; i++) {
        struct rte_eth_txconf queue = device.default_txconf;
        queue.offloads = conf.txmode.offloads;
        int result = rte_eth_tx_queue_setup(self->id, i, tx, node, &queue);
        if (!check(result, "transmit queue", self->device, error)) { return false; }
    }
    snprintf(self->info.driver, sizeof self->info.driver, "%s", device.driver_name);
    self->info.numa_node = rte_eth_dev_socket_id(self->id);
    self->info.receive_queues = wanted->receive_queues;
    self->info.transmit_queues = wanted->transmit_queues;
    return true;
}

static bool start(cdpdk_port *port, cdpdk_error *error) {
    const cdpdk_port_configuration *wanted = &port->configuration;
    ethernet *self = of(port);
    if (!check(rte_eth_dev_start(self->id), "start", self->device, error)) { return false; }
    if (wanted->mtu != 0) { rte_eth_dev_set_mtu(self->id, wanted->mtu); }
    struct rte_ether_addr mac = {0};
    rte_eth_macaddr_get(self->id, &mac);
    bool promiscuous = wanted->promiscuous;
    if (wanted->override_mac && memcmp(&mac, wanted->mac, 6) != 0) {
        struct rte_ether_addr virtual;
        memcpy(&virtual, wanted->mac, sizeof virtual);
        // A driver without a filter of its own takes every frame once it is promiscuous. On a
        // kernel interface the address is not set even where it could be: it would outlive us, and
        // the kernel would then work on each of our frames too.
        bool kernel = strncmp(self->info.driver, "net_af_", 7) == 0;
        if (kernel || rte_eth_dev_default_mac_addr_set(self->id, &virtual) != 0) {
            promiscuous = true;
        }
        memcpy(&mac, wanted->mac, sizeof mac);
    }
    if (promiscuous) { rte_eth_promiscuous_enable(self->id); }
    memcpy(self->info.mac, &mac, 6);
    // The snapshot: these change only when the port stops.
    const struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[self->id];
    for (uint16_t i = 0; i < port->queue_count; i++) {
        cdpdk_queue *queue = &port->queues[i];
        uint16_t rx = i < wanted->receive_queues ? i : 0;
        uint16_t tx = i < wanted->transmit_queues ? i : 0;
        queue->port = self->id;
        queue->receive = (cdpdk_burst)ops->rx_pkt_burst;
        queue->receive_data = ops->rxq.data[rx];
        queue->transmit = (cdpdk_burst)ops->tx_pkt_burst;
        queue->transmit_data = ops->txq.data[tx];
        queue->pool = port->pool;
        queue->get = cdpdk_dpdk_pool_get;
        queue->put = cdpdk_dpdk_pool_put;
    }
    return true;
}

/// A rule "UDP to this port goes to that queue"; validated only, when `rule` is NULL.
static int steer_rule(
    uint16_t id, uint16_t udp_port, uint16_t queue, struct rte_flow **rule,
    struct rte_flow_error *reason) {
    struct rte_flow_attr attributes = {.ingress = 1};
    struct rte_flow_item_udp port = {.hdr = {.dst_port = rte_cpu_to_be_16(udp_port)}};
    struct rte_flow_item_udp mask = {.hdr = {.dst_port = 0xffff}};
    struct rte_flow_item pattern[] = {
        {.type = RTE_FLOW_ITEM_TYPE_ETH},
        {.type = RTE_FLOW_ITEM_TYPE_IPV4},
        {.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &port, .mask = &mask},
        {.type = RTE_FLOW_ITEM_TYPE_END},
    };
    struct rte_flow_action_queue target = {.index = queue};
    struct rte_flow_action actions[] = {
        {.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &target},
        {.type = RTE_FLOW_ACTION_TYPE_END},
    };
    memset(reason, 0, sizeof *reason);
    if (rule == NULL) {
        return rte_flow_validate(id, &attributes, pattern, actions, reason);
    }
    *rule = rte_flow_create(id, &attributes, pattern, actions, reason);
    return *rule == NULL ? -rte_errno : 0;
}

static bool ethernet_steer(
    cdpdk_port *port, uint16_t udp_port, uint16_t queue, cdpdk_error *error) {
    ethernet *self = of(port);
    struct rte_flow_error reason;
    if (self->rule_count == ENOUGH_RULES) {
        return cdpdk_fail(error, ENOSPC, "%s: %d rules are the limit", self->device, ENOUGH_RULES);
    }
    struct rte_flow **rule = &self->rules[self->rule_count];
    int result = steer_rule(self->id, udp_port, queue, rule, &reason);
    if (result < 0) {
        return cdpdk_fail(
            error, -result, "%s cannot steer UDP port %u to queue %u: %s", self->device, udp_port,
            queue, reason.message != NULL ? reason.message : rte_strerror(-result));
    }
    self->rule_count++;
    return true;
}

static void ethernet_describe(cdpdk_port *port, cdpdk_port_info *info) {
    ethernet *self = of(port);
    struct rte_flow_error reason;
    self->info.steers_flows = steer_rule(self->id, 9, 0, NULL, &reason) == 0;
    *info = self->info;
}

static bool ethernet_link_up(cdpdk_port *port) {
    struct rte_eth_link link = {0};
    rte_eth_link_get_nowait(of(port)->id, &link);
    return link.link_status != 0;
}

static void ethernet_count(cdpdk_port *port, cdpdk_port_statistics *statistics) {
    cdpdk_ethdev_count(of(port)->id, statistics);
}

static uint32_t ethernet_extended_names(cdpdk_port *port, char *names, uint32_t room) {
    return cdpdk_ethdev_extended_names(of(port)->id, names, room);
}

static bool ethernet_extended_count(cdpdk_port *port, uint64_t *values, uint32_t count) {
    return cdpdk_ethdev_extended_count(of(port)->id, values, count);
}

static bool ethernet_memory(
    cdpdk_port *port, uint32_t index, const void **base, uint64_t *byte_count,
    uint64_t *page_byte_count) {
    return cdpdk_dpdk_pool_memory(port->pool, index, base, byte_count, page_byte_count);
}

static void ethernet_close(cdpdk_port *port) {
    ethernet *self = of(port);
    struct rte_flow_error reason;
    struct rte_eth_dev_info info;
    for (uint16_t i = 0; i < self->rule_count; i++) {
        rte_flow_destroy(self->id, self->rules[i], &reason);
    }
    struct rte_device *device =
        rte_eth_dev_info_get(self->id, &info) == 0 ? info.device : NULL;
    rte_eth_dev_stop(self->id);
    rte_eth_dev_close(self->id);
    if (device != NULL) { rte_dev_remove(device); }
    rte_mempool_free(port->pool);
    free(self);
}

static bool probe(ethernet *self, cdpdk_error *error) {
    cdpdk_log_clear();
    int result = rte_dev_probe(self->device);
    if (!check(result, "not found or not usable by DPDK", self->device, error)) { return false; }
    char name[RTE_ETH_NAME_MAX_LEN];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(self->device, ","), self->device);
    result = rte_eth_dev_get_port_by_name(name, &self->id);
    return check(result, "is not an Ethernet device", self->device, error);
}

cdpdk_port *cdpdk_open_device(
    const char *device, const cdpdk_port_configuration *configuration, cdpdk_error *error) {
    cdpdk_port *port = cdpdk_port_make(configuration, error);
    if (port == NULL) { return NULL; }
    ethernet *self = calloc(1, sizeof *self);
    port->kind = self;
    snprintf(self->device, sizeof self->device, "%s", device);
    if (!cdpdk_eal_running()) {
        cdpdk_fail(error, ENODEV, "DPDK is not started; start EAL before opening %s", device);
        goto no_device;
    }
    if (!probe(self, error)) { goto no_device; }
    port->pool =
        cdpdk_dpdk_pool_make(
            configuration->mbuf_count, rte_eth_dev_socket_id(self->id),
            strncmp(device, "net_af_xdp", 10) == 0, error);
    port->close = ethernet_close;
    if (port->pool == NULL || !configure(port, error) || !start(port, error)) {
        ethernet_close(port);
        cdpdk_port_free(port);
        return NULL;
    }
    port->describe = ethernet_describe;
    port->link_up = ethernet_link_up;
    port->count = ethernet_count;
    port->extended_names = ethernet_extended_names;
    port->extended_count = ethernet_extended_count;
    port->steer = ethernet_steer;
    port->memory = ethernet_memory;
    return port;

no_device:
    free(self);
    cdpdk_port_free(port);
    return NULL;
}
