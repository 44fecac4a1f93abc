// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IBV_WC_SUCCESS == 0, "a completion's status 0 is success");

bool cverbs_make_queue_pair(cverbs_channel *channel, cverbs_error *error) {
    struct ibv_context *device = channel->id->verbs;
    const char *name = ibv_get_device_name(device->device);
    struct ibv_port_attr port;
    int code = ibv_query_port(device, channel->id->port_num, &port);
    if (code != 0) {
        return cverbs_fail(error, code, "port %d of %s cannot be asked for its state: %s",
                           channel->id->port_num, name, strerror(code));
    }
    if (port.state != IBV_PORT_ACTIVE) {
        return cverbs_fail(error, ENETDOWN,
                           "port %d of %s is %s: check the cable, and that its network interface "
                           "is up (`rdma link`)",
                           channel->id->port_num, name, ibv_port_state_str(port.state));
    }
    static const union ibv_gid no_gid;
    if (memcmp(&channel->id->route.addr.addr.ibaddr.sgid, &no_gid, sizeof no_gid) == 0) {
        return cverbs_fail(error, EADDRNOTAVAIL,
                           "%s has no GID for the address: give its network interface an IPv4 "
                           "address, and look at `rdma link` and the gids of port %d in "
                           "/sys/class/infiniband/%s/ports",
                           name, channel->id->port_num, name);
    }
    channel->domain = ibv_alloc_pd(device);
    if (channel->domain == NULL) goto refused;
    channel->completions = ibv_create_cq(device, 2 * CVERBS_WRITE_LIMIT, NULL, NULL, 0);
    if (channel->completions == NULL) goto refused;
    // As much inline as the device has of these: a record and a few, a record, or none.
    static const uint32_t inline_byte_counts[] = {256, 64, 0};
    for (int index = 0; index < 3; index++) {
        struct ibv_qp_init_attr wanted = {
            .send_cq = channel->completions,
            .recv_cq = channel->completions,
            .qp_type = IBV_QPT_RC,
            .cap = {.max_send_wr = CVERBS_WRITE_LIMIT,
                    .max_recv_wr = 1,
                    .max_send_sge = 1,
                    .max_recv_sge = 1,
                    .max_inline_data = inline_byte_counts[index]},
        };
        if (rdma_create_qp(channel->id, channel->domain, &wanted) == 0) {
            channel->inline_byte_count = wanted.cap.max_inline_data;
            return true;
        }
        if (errno != EINVAL && errno != ENOMEM) break;
    }
refused:
    code = errno;
    return cverbs_fail(error, code, "%s refuses a queue pair: %s%s", name, strerror(code),
                       code == ENOMEM ? "; raise the limit of locked memory (ulimit -l)" : "");
}

bool cverbs_register(
    cverbs_channel *channel, uint32_t region, void *base, size_t byte_count,
    bool is_written_by_peer, cverbs_error *error) {
    // Never relaxed ordering: the log is read as it arrives.
    int access = is_written_by_peer ? IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE : 0;
    struct ibv_mr *memory = ibv_reg_mr(channel->domain, base, byte_count, access);
    if (memory == NULL) {
        int code = errno;
        const char *name = ibv_get_device_name(channel->id->verbs->device);
        return cverbs_fail(error, code, "%s refuses to register %zu MB of memory: %s%s", name,
                           (byte_count + 0xFFFFF) >> 20, strerror(code),
                           code == ENOMEM ? "; raise the limit of locked memory (ulimit -l, or "
                                            "LimitMEMLOCK of the service)"
                                          : "");
    }
    channel->regions[region] = memory;
    return true;
}

uint32_t cverbs_remote_key(const cverbs_channel *channel, uint32_t region) {
    return channel->regions[region]->rkey;
}

int cverbs_write(
    cverbs_channel *channel, uint32_t region, const void *from, uint32_t byte_count,
    uint64_t remote_address, uint32_t remote_key, uint64_t token, bool signalled) {
    struct ibv_sge piece = {
        .addr = (uintptr_t)from,
        .length = byte_count,
        .lkey = channel->regions[region]->lkey,
    };
    struct ibv_send_wr request = {
        .wr_id = token,
        .sg_list = &piece,
        .num_sge = 1,
        .opcode = IBV_WR_RDMA_WRITE,
        .send_flags = (signalled ? IBV_SEND_SIGNALED : 0) |
                      (byte_count <= channel->inline_byte_count ? IBV_SEND_INLINE : 0),
        .wr.rdma = {.remote_addr = remote_address, .rkey = remote_key},
    };
    struct ibv_send_wr *refused;
    return ibv_post_send(channel->id->qp, &request, &refused);
}

int cverbs_poll(cverbs_channel *channel, cverbs_completion *completion) {
    struct ibv_wc found;
    int count = ibv_poll_cq(channel->completions, 1, &found);
    if (count < 0) return -EIO;
    if (count == 0) return 0;
    completion->token = found.wr_id;
    completion->status = (int32_t)found.status;
    return 1;
}

int cverbs_allow_remote_writes(cverbs_channel *channel, bool allowed) {
    struct ibv_qp_attr attributes = {
        .qp_access_flags = allowed ? IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE : 0};
    return ibv_modify_qp(channel->id->qp, &attributes, IBV_QP_ACCESS_FLAGS);
}

int cverbs_reset(cverbs_channel *channel) {
    struct ibv_qp_attr attributes = {.qp_state = IBV_QPS_RESET};
    return ibv_modify_qp(channel->id->qp, &attributes, IBV_QP_STATE);
}

cverbs_info cverbs_describe(const cverbs_channel *channel) {
    cverbs_info info = {
        .port = channel->id->port_num,
        .peer_address = channel->address,
        .peer_port = channel->port,
    };
    strncpy(info.device, ibv_get_device_name(channel->id->verbs->device), sizeof info.device - 1);
    return info;
}

void cverbs_disconnect(cverbs_channel *channel) { rdma_disconnect(channel->id); }

void cverbs_close(cverbs_channel *channel) {
    if (channel->id != NULL && channel->id->qp != NULL) rdma_destroy_qp(channel->id);
    for (int region = 0; region < CVERBS_REGION_LIMIT; region++) {
        if (channel->regions[region] != NULL) ibv_dereg_mr(channel->regions[region]);
    }
    if (channel->completions != NULL) ibv_destroy_cq(channel->completions);
    if (channel->domain != NULL) ibv_dealloc_pd(channel->domain);
    if (channel->id != NULL) rdma_destroy_id(channel->id);
    if (channel->events != NULL) rdma_destroy_event_channel(channel->events);
    free(channel);
}
