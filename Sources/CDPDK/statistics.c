// SPDX-License-Identifier: Apache-2.0
//
//  What a DPDK port has counted: the numbers that every driver has, and the driver's own.
#include <rte_ethdev.h>

#include "internal.h"

void cdpdk_ethdev_count(uint16_t id, cdpdk_port_statistics *statistics) {
    struct rte_eth_stats counted;
    if (rte_eth_stats_get(id, &counted) != 0) { return; }
    statistics->received_packets = counted.ipackets;
    statistics->received_bytes = counted.ibytes;
    statistics->transmitted_packets = counted.opackets;
    statistics->transmitted_bytes = counted.obytes;
    statistics->receive_missed = counted.imissed;
    statistics->receive_errors = counted.ierrors;
    statistics->receive_no_buffer = counted.rx_nombuf;
    statistics->transmit_errors = counted.oerrors;
}

uint32_t cdpdk_ethdev_extended_names(uint16_t id, char *names, uint32_t room) {
    _Static_assert(sizeof(struct rte_eth_xstat_name) == CDPDK_EXTENDED_NAME, "a name's room");
    int count = rte_eth_xstats_get_names_by_id(id, NULL, 0, NULL);
    if (count <= 0) { return 0; }
    if ((uint32_t)count > room) { return (uint32_t)count; }
    struct rte_eth_xstat_name *all = (struct rte_eth_xstat_name *)names;
    int got = rte_eth_xstats_get_names_by_id(id, all, (unsigned)count, NULL);
    return got == count ? (uint32_t)count : 0;
}

bool cdpdk_ethdev_extended_count(uint16_t id, uint64_t *values, uint32_t count) {
    return rte_eth_xstats_get_by_id(id, NULL, values, count) == (int)count;
}
