// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static const size_t TWO_MEGABYTES = (size_t)2 << 20;

bool cplatform_cycles_are_invariant(void) {
#if defined(__x86_64__)
    unsigned int a, b, c, d;
    // CPUID 8000_0007h, EDX bit 8: invariant TSC.
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & (1u << 8));
#else
    return true;
#endif
}

struct cplatform_simulated *cplatform_simulation(void) {
    static _Thread_local struct cplatform_simulated simulation;
    return &simulation;
}

static int bind_to_node(void *base, size_t byteCount, int node) {
    unsigned long mask[16] = {0};
    if (node >= (int)(sizeof mask * 8)) {
        errno = EINVAL;
        return -1;
    }
    mask[node / 64] = 1ul << (node % 64);
    return (int)mbind(base, byteCount, MPOL_BIND, mask, sizeof mask * 8, MPOL_MF_STRICT);
}

// MADV_POPULATE_WRITE (Linux 5.14) reports what a touch would answer with SIGBUS: no page left on
// the node, or a cgroup limit. An older kernel gets touches, and for them the bind is a preference,
// because without a bind the pages reserved by mmap are enough.
static int populate(void *base, size_t byteCount, size_t pageByteCount, int node) {
    if (madvise(base, byteCount, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno != EINVAL) return -1;
    if (node >= 0) {
        unsigned long mask[16] = {0};
        mask[node / 64] = 1ul << (node % 64);
        mbind(base, byteCount, MPOL_PREFERRED, mask, sizeof mask * 8, 0);
    }
    for (size_t offset = 0; offset < byteCount; offset += pageByteCount)
        ((volatile char *)base)[offset] = 0;
    return 0;
}

static void *map_aligned(size_t byteCount) {
    char *start = mmap(NULL, byteCount + TWO_MEGABYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return MAP_FAILED;
    size_t before = -(uintptr_t)start & (TWO_MEGABYTES - 1);
    if (before > 0) munmap(start, before);
    if (before < TWO_MEGABYTES) munmap(start + before + byteCount, TWO_MEGABYTES - before);
    return start + before;
}

void *cplatform_map(size_t byteCount, int pageShift, bool transparent, int node) {
    void *base;
    // A simulated process lives for milliseconds and touches little: its pages come as they are.
    if (cplatform_simulation()->monotonicNanos != 0) {
        base = mmap(NULL, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return base == MAP_FAILED ? NULL : base;
    }
    if (pageShift > 0) {
        // Without MAP_NORESERVE the kernel sets the huge pages aside now, or fails now.
        base = mmap(NULL, byteCount, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (pageShift << MAP_HUGE_SHIFT), -1,
                    0);
    } else if (transparent) {
        base = map_aligned(byteCount);
    } else {
        base = mmap(NULL, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (base == MAP_FAILED) return NULL;

    bool failed = false;
    if (transparent) failed = madvise(base, byteCount, MADV_HUGEPAGE) != 0;
    if (!failed && node >= 0) failed = bind_to_node(base, byteCount, node) != 0;
    if (!failed) {
        size_t page = pageShift > 0 ? (size_t)1 << pageShift : (size_t)sysconf(_SC_PAGESIZE);
        failed = populate(base, byteCount, page, node) != 0;
    }
    if (failed) {
        int reason = errno;
        munmap(base, byteCount);
        errno = reason;
        return NULL;
    }
    // A fork (for a helper process) must not turn the next store into a copy of the page.
    madvise(base, byteCount, MADV_DONTFORK);
    return base;
}

bool cplatform_is_in_memory(const char *folder) {
    struct statfs system;
    if (statfs(folder, &system) != 0) return false;
    return system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
}

void cplatform_unmap(void *base, size_t byteCount) { munmap(base, byteCount); }

_Static_assert(sizeof(cplatform_cpu_set) == sizeof(cpu_set_t), "both hold 1024 processors");

int cplatform_affinity_get(cplatform_cpu_set *set) {
    cpu_set_t native;
    CPU_ZERO(&native);
    if (sched_getaffinity(0, sizeof native, &native) != 0) return errno;
    memcpy(set, &native, sizeof native);
    return 0;
}

int cplatform_affinity_set(const cplatform_cpu_set *set) {
    cpu_set_t native;
    memcpy(&native, set, sizeof native);
    return sched_setaffinity(0, sizeof native, &native) == 0 ? 0 : errno;
}

int cplatform_current_cpu(void) { return sched_getcpu(); }

int cplatform_node_count(void) { return numa_available() < 0 ? 1 : numa_max_node() + 1; }

int cplatform_node_of(const void *address) {
    void *page = (void *)address;
    int node = -EINVAL;
    if (move_pages(0, 1, &page, NULL, &node, 0) < 0) return -errno;
    return node;
}

void cplatform_sleep_nanos(uint64_t nanos) {
    const struct cplatform_simulated *simulation = cplatform_simulation();
    if (simulation->sleep != NULL) {
        simulation->sleep(simulation->sleepContext, nanos);
        return;
    }
    static _Thread_local bool is_exact = false;
    if (!is_exact) {
        prctl(PR_SET_TIMERSLACK, 1L);
        is_exact = true;
    }
    struct timespec span = {(time_t)(nanos / 1000000000u), (long)(nanos % 1000000000u)};
    nanosleep(&span, NULL);
}

static void name_thread(pthread_t thread, const char *name) {
    char kept[16] = {0};
    strncpy(kept, name, sizeof kept - 1);
    pthread_setname_np(thread, kept);
}

void cplatform_name_thread(const char *name) { name_thread(pthread_self(), name); }

int cplatform_thread_start(
    pthread_t *thread, const char *name, int cpu, void *(*run)(void *), void *argument) {
    pthread_attr_t attributes;
    int failure = pthread_attr_init(&attributes);
    if (failure != 0) return failure;
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
        failure = pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    }
    if (failure == 0) failure = pthread_create(thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    if (failure != 0) return failure;
    // By the creator, so that the name is there when this returns. The thread may have ended.
    name_thread(*thread, name);
    return 0;
}
