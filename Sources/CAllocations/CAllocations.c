// SPDX-License-Identifier: Apache-2.0
// For syscall.
#define _GNU_SOURCE
#include "CAllocations.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// The C library's own, under the names that it exports for this.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum { slots = 256 };

// Each slot is written by its thread alone, but for the last, and read by any.
static struct {
    int32_t thread;
    uint64_t calls;
} threads[slots];

static uint32_t taken;

// Of a program, not of a library: reaching it never allocates. 0 = has no slot yet.
static _Thread_local uint32_t own;

static void count(void) {
    if (own == 0) {
        uint32_t index = __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
        own = (index < slots ? index : slots - 1) + 1;
        __atomic_store_n(&threads[own - 1].thread, (int32_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
    }
    __atomic_fetch_add(&threads[own - 1].calls, 1, __ATOMIC_RELAXED);
}

uint32_t callocations_thread_count(void) {
    uint32_t count = __atomic_load_n(&taken, __ATOMIC_RELAXED);
    return count < slots ? count : slots;
}

uint64_t callocations_calls(uint32_t index, int32_t *thread) {
    *thread = __atomic_load_n(&threads[index].thread, __ATOMIC_RELAXED);
    return __atomic_load_n(&threads[index].calls, __ATOMIC_RELAXED);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
        return EINVAL;
    count();
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *result = memory;
    return 0;
}
