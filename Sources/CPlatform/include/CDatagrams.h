// SPDX-License-Identifier: Apache-2.0
// Kernel UDP in batches. The structures of recvmmsg and sendmmsg are GNU extensions that Swift's
// Glibc module does not show; here they stay on the stack of the `.c`.
#pragma once

#include <stdint.h>

// Datagrams of one call, at most.
#define CDATAGRAMS_BATCH_MAX 64

// Receives without waiting up to `count` datagrams into slots of `slot_bytes` that begin at `base`;
// their lengths go to `lengths`, 0 for one that was cut. Gives how many, 0 when there is none.
int cdatagrams_receive(int socket, void *base, uint32_t slot_bytes, uint32_t *lengths, int count);

// Sends `count` datagrams from slots of `slot_bytes` that begin at `base` to the connected peer.
// Gives how many the kernel took, or -1 with errno.
int cdatagrams_send(
    int socket, const void *base, uint32_t slot_bytes, const uint32_t *lengths, int count);

// Waits for input (or output) with a resolution of nanoseconds: above 0 when it is there.
int cdatagrams_wait(int socket, int for_output, uint64_t timeout_nanos);
