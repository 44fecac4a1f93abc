// SPDX-License-Identifier: Apache-2.0
// Files as a journal writes them: io_uring, and the flags of Linux that Swift's Glibc module does
// not show. liburing's structures stay in the `.c`.
#pragma once

#include <stdint.h>

// A queue of writes. One thread at a time.
typedef struct cplatform_uring cplatform_uring;

// With room for `entries` writes in flight. NULL with errno: EPERM or ENOSYS where it is refused.
cplatform_uring *cplatform_uring_open(unsigned entries);

// Waits for what is in flight, forgets it, and frees the queue.
void cplatform_uring_close(cplatform_uring *queue);

// Queues a write. 0, or -1 when `entries` are in flight.
int cplatform_uring_write(
    cplatform_uring *queue, int file, const void *bytes, uint32_t count, uint64_t offset,
    uint64_t token);

// Queues an fdatasync. At its completion all is durable of the writes to the file that were reaped
// before it was queued; its result is 0 or a negative errno. 0, or -1 when `entries` are in flight.
int cplatform_uring_sync(cplatform_uring *queue, int file, uint64_t token);

// Hands what is queued to the kernel. 0 or an errno.
int cplatform_uring_submit(cplatform_uring *queue);

// 1 and a completion, or 0 when there is none yet. Makes no system call.
int cplatform_uring_reap(cplatform_uring *queue, uint64_t *token, int32_t *result);

// Waits until there is a completion, at most so long (below a second). It stays to be reaped.
void cplatform_uring_wait(cplatform_uring *queue, uint64_t nanos);

// Waits until nothing is in flight, and forgets the completions.
void cplatform_uring_settle(cplatform_uring *queue);

// Opens for writing in a folder, past the page cache (O_DIRECT) if wanted. With `create` the file
// is new, mode 0600. -1 and errno.
int cplatform_journal_open(int folder, const char *name, int create, int direct);
