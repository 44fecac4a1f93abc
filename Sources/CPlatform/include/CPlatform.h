// SPDX-License-Identifier: Apache-2.0
// The machine, as Swift needs it. What is hot is `static inline`, so that Swift inlines it too.
// Swift's own `Synchronization` does the atomics, for the thread sanitizer to see them.
#pragma once

#include "CControl.h"
#include "CDatagrams.h"
#include "CUring.h"

#include <pthread.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif
#if defined(__aarch64__)
#include <arm_acle.h>
#endif

#define CPLATFORM_INLINE static inline __attribute__((always_inline))

// MARK: Core

// Tells the core that this is a spin loop: it saves power and leaves the loop without a flush.
CPLATFORM_INLINE void cplatform_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("yield");
#endif
}

// Not ordered against the instructions around it; right for stamps, not for micro-benchmarks.
CPLATFORM_INLINE uint64_t cplatform_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

// Waits until all earlier instructions have finished, then reads the counter.
CPLATFORM_INLINE uint64_t cplatform_cycles_ordered(void) {
#if defined(__x86_64__)
    unsigned int processor;
    return __builtin_ia32_rdtscp(&processor);
#else
    uint64_t ticks;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

CPLATFORM_INLINE void cplatform_prefetch_read(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

CPLATFORM_INLINE void cplatform_prefetch_write(const void *address) {
    __builtin_prefetch(address, 1, 3);
}

// Which of eight words, aligned to 32 bytes, are a value: bit n for word n.
CPLATFORM_INLINE uint32_t cplatform_words_equal(const uint32_t *words, uint32_t value) {
#if defined(__AVX2__)
    __m256i equal = _mm256_cmpeq_epi32(
        _mm256_load_si256((const __m256i *)words), _mm256_set1_epi32((int)value));
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal));
#else
    uint32_t equal = 0;
    for (int word = 0; word < 8; word++) equal |= (uint32_t)(words[word] == value) << word;
    return equal;
#endif
}

// MARK: CRC32C (Castagnoli), the raw shift register: callers invert before and after

CPLATFORM_INLINE uint64_t cplatform_crc32c_step8(uint64_t crc, uint64_t word) {
#if defined(__x86_64__)
    return __builtin_ia32_crc32di(crc, word);
#else
    return __crc32cd((uint32_t)crc, word);
#endif
}

CPLATFORM_INLINE uint32_t cplatform_crc32c_step4(uint32_t crc, uint32_t word) {
#if defined(__x86_64__)
    return __builtin_ia32_crc32si(crc, word);
#else
    return __crc32cw(crc, word);
#endif
}

CPLATFORM_INLINE uint32_t cplatform_crc32c_step1(uint32_t crc, uint8_t byte) {
#if defined(__x86_64__)
    return __builtin_ia32_crc32qi(crc, byte);
#else
    return __crc32cb(crc, byte);
#endif
}

CPLATFORM_INLINE uint64_t cplatform_load8(const uint8_t *bytes) {
    uint64_t word;
    __builtin_memcpy(&word, bytes, 8);
    return word;
}

CPLATFORM_INLINE uint32_t cplatform_load4(const uint8_t *bytes) {
    uint32_t word;
    __builtin_memcpy(&word, bytes, 4);
    return word;
}

// The first 60 bytes of a record: seven steps of eight bytes and one of four.
CPLATFORM_INLINE uint32_t cplatform_crc32c_60(uint32_t seed, const void *start) {
    const uint8_t *bytes = (const uint8_t *)start;
    uint64_t crc = ~seed;
    for (int word = 0; word < 7; word++)
        crc = cplatform_crc32c_step8(crc, cplatform_load8(bytes + 8 * word));
    return ~cplatform_crc32c_step4((uint32_t)crc, cplatform_load4(bytes + 56));
}

CPLATFORM_INLINE uint32_t cplatform_crc32c(uint32_t seed, const void *start, size_t count) {
    const uint8_t *bytes = (const uint8_t *)start;
    uint64_t crc = ~seed;
    for (; count >= 8; count -= 8, bytes += 8)
        crc = cplatform_crc32c_step8(crc, cplatform_load8(bytes));
    for (; count > 0; count--, bytes++) crc = cplatform_crc32c_step1((uint32_t)crc, *bytes);
    return ~(uint32_t)crc;
}

// MARK: The observer's copy

typedef struct {
    uint64_t words[8];
} cplatform_line;

// Copies a record while its writer may be storing into it. Each word is a relaxed atomic load;
// whether the words belong together is decided afterwards (see RingObserver). The writer's stores
// are plain, for it decodes in place: hidden from the thread sanitizer here, and only here.
// `no_sanitize("thread")` would not do: it leaves atomics visible.
__attribute__((disable_sanitizer_instrumentation))
static inline cplatform_line cplatform_copy_line(const void *record) {
    const uint64_t *from = (const uint64_t *)record;
    cplatform_line line;
    for (int word = 0; word < 8; word++)
        line.words[word] = __atomic_load_n(from + word, __ATOMIC_RELAXED);
    return line;
}

// MARK: Files

// Opens what is there below a folder, as if that folder were "/": links, absolute ones too, lead to
// nothing outside. Returns -1 and sets errno.
int cplatform_open_below(const char *root, const char *path, int flags);

// Gives two files or folders each other's name, in one step. Returns -1 and sets errno: EINVAL
// where the file system cannot.
int cplatform_exchange(const char *path, const char *other);

// MARK: Memory in use

// Bytes that malloc has handed out and not got back: benchmarks look whether it grows.
CPLATFORM_INLINE size_t cplatform_malloc_byte_count(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

// MARK: Time

// What stands in for the system's clocks and chance on this thread; all zero: nothing does.
struct cplatform_simulated {
    uint64_t monotonicNanos;
    uint64_t utcNanos;
    uint64_t randomState;
    // In the place of each sleep.
    void (*sleep)(void *context, uint64_t nanos);
    void *sleepContext;
};
struct cplatform_simulated *cplatform_simulation(void);

CPLATFORM_INLINE uint64_t cplatform_clock_nanos(clockid_t clock) {
    const struct cplatform_simulated *simulation = cplatform_simulation();
    if (simulation->monotonicNanos != 0) {
        if (clock == CLOCK_MONOTONIC) return simulation->monotonicNanos;
        if (clock == CLOCK_REALTIME) return simulation->utcNanos;
    }
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

CPLATFORM_INLINE uint64_t cplatform_monotonic_nanos(void) {
    return cplatform_clock_nanos(CLOCK_MONOTONIC);
}

// CPU time used by the calling thread.
CPLATFORM_INLINE uint64_t cplatform_thread_cpu_nanos(void) {
    return cplatform_clock_nanos(CLOCK_THREAD_CPUTIME_ID);
}

// Sleeps no longer than it must: the kernel may not put the end off to save a wake-up.
void cplatform_sleep_nanos(uint64_t nanos);

// Whether the cycle counter ticks evenly in all power states and on all cores.
bool cplatform_cycles_are_invariant(void);

// MARK: Memory

// Maps anonymous zeroed memory. pageShift 30 or 21 asks for reserved huge pages of that size, 0 for
// normal pages, which are aligned to 2 MB and advised to be huge when `transparent`.
// With node >= 0 the pages come from that node. All pages are present on return: no later fault,
// no SIGBUS. `byteCount` is a multiple of the page size. Returns NULL and sets errno.
void *cplatform_map(size_t byteCount, int pageShift, bool transparent, int node);
void cplatform_unmap(void *base, size_t byteCount);

// Whether what lies in a folder is kept in memory (tmpfs) and never on a disk.
bool cplatform_is_in_memory(const char *folder);

// MARK: Processors and nodes

#define CPLATFORM_CPU_WORDS 16

// A set of up to 1024 processors, one bit each.
typedef struct {
    uint64_t words[CPLATFORM_CPU_WORDS];
} cplatform_cpu_set;

// Of the calling thread; both return 0 or errno.
int cplatform_affinity_get(cplatform_cpu_set *set);
int cplatform_affinity_set(const cplatform_cpu_set *set);

int cplatform_current_cpu(void);

// 1 where the kernel has no NUMA.
int cplatform_node_count(void);

// The node that the page of an address lies on; -errno where there is no page, or no NUMA.
int cplatform_node_of(const void *address);

// Names the calling thread; at most 15 bytes are kept.
void cplatform_name_thread(const char *name);

// Starts a thread that is on `cpu` from its first instruction; -1 leaves it its creator's
// processors. It has its name (at most 15 bytes of it) when this returns. Returns 0 or an errno,
// EINVAL if the processor cannot be had.
int cplatform_thread_start(
    pthread_t *thread, const char *name, int cpu, void *(*run)(void *), void *argument);
