// SPDX-License-Identifier: Apache-2.0
// Counts calls of malloc and its relatives, for each thread of the process.
//
// A program that links this target has its own malloc, calloc, realloc, memalign, aligned_alloc and
// posix_memalign in front of the C library's, for all its libraries too. They count and pass on.
#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H

#include <stdint.h>

// Threads that have asked for memory so far, dead ones too: 0 ..< this. At most 256; what comes
// later shares the last. Any thread.
uint32_t callocations_thread_count(void);

// How often one of them has asked so far, and its id (gettid). Any thread. Memory that is mapped is
// not in it.
uint64_t callocations_calls(uint32_t index, int32_t *thread);

#endif
