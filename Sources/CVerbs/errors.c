// SPDX-License-Identifier: Apache-2.0
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool cverbs_fail(cverbs_error *error, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

cverbs_text cverbs_address_text(uint32_t address) {
    cverbs_text text;
    snprintf(text.bytes, sizeof text.bytes, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    return text;
}

bool cverbs_fail_to_start(cverbs_error *error, int code) {
    if (code == EACCES || code == EPERM) {
        return cverbs_fail(error, code,
                           "this user may not open /dev/infiniband/rdma_cm: run as root, or give "
                           "the user access to /dev/infiniband by a udev rule");
    }
    return cverbs_fail(error, code,
                       "there is no RDMA device, or no connection manager for it: load the NIC's "
                       "driver (for Soft-RoCE rdma_rxe, then `rdma link add rxe0 type rxe netdev "
                       "IF`) and the module rdma_ucm");
}

const char *cverbs_status_text(int32_t status) {
    switch (status) {
    case IBV_WC_REM_ACCESS_ERR: return "the peer has withdrawn its memory";
    case IBV_WC_REM_INV_REQ_ERR: return "the peer no longer lets itself be written to";
    case IBV_WC_RETRY_EXC_ERR: return "the peer's NIC does not answer";
    case IBV_WC_WR_FLUSH_ERR: return "the connection is down";
    case IBV_WC_REM_OP_ERR: return "the peer's NIC could not carry out the write";
    default: return ibv_wc_status_str((enum ibv_wc_status)status);
    }
}
