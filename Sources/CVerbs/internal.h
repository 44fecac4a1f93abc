// SPDX-License-Identifier: Apache-2.0
#ifndef CVERBS_INTERNAL_H
#define CVERBS_INTERNAL_H

#include "CVerbs.h"

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

struct cverbs_channel {
    struct rdma_event_channel *events;
    struct rdma_cm_id *id;
    struct ibv_pd *domain;
    struct ibv_cq *completions;
    struct ibv_mr *regions[CVERBS_REGION_LIMIT];
    uint32_t inline_byte_count;  // writes up to this go with the request itself
    uint32_t address;
    uint16_t port;
    int lost;  // an errno, once it is
};

struct cverbs_listener {
    struct rdma_event_channel *events;
    struct rdma_cm_id *id;
};

/// Sets the error and is false.
__attribute__((format(printf, 3, 4))) bool cverbs_fail(
    cverbs_error *error, int code, const char *format, ...);
/// Room for the text of an address.
typedef struct cverbs_text {
    char bytes[32];
} cverbs_text;
cverbs_text cverbs_address_text(uint32_t address);
/// What cannot be had without an RDMA device, or not by this user.
bool cverbs_fail_to_start(cverbs_error *error, int code);
/// Protection domain, completion queue and queue pair on the device that the id is bound to.
bool cverbs_make_queue_pair(cverbs_channel *channel, cverbs_error *error);
/// The next event, to be acknowledged; NULL and an errno in `code` when none came in the time.
struct rdma_cm_event *cverbs_wait(
    struct rdma_event_channel *events, uint32_t timeout_millis, int *code);

#endif
