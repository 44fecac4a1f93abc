// SPDX-License-Identifier: Apache-2.0
//
//  A process that learns of another's death before anybody else can.
//
//  The watched thread holds a robust mutex in memory that both share. When a thread dies, whatever
//  of, the kernel lets go of its robust mutexes as the first thing of all (exit_mm_release):
//  before the address space is taken down, which takes long with gigabytes of small pages, before
//  descriptors are closed, and before the parent is told. docs/decisions/0021.
#define _GNU_SOURCE
#include "CControl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct notice {
    uint32_t byte_count;
    uint8_t bytes[CWATCHDOG_NOTICE_BYTES_MAX];
} notice;

typedef struct page {
    pthread_mutex_t life;
    /// Which of the two is whole and to be sent; the other may be being written.
    uint32_t chosen;
    notice notices[2];
} page;

struct cwatchdog {
    page *shared;
    pid_t process;
};

/// Pauses behind each sending, in microseconds: a network may lose the first.
static const uint32_t pauses[] = {200, 1000, 5000, 20000, 0};

static void pause_micros(uint32_t micros) {
    struct timespec time = {0, (long)micros * 1000};
    nanosleep(&time, NULL);
}

/// True when the watched thread is dead, false when it has let go of the mutex by itself.
static int wait_for_death(page *shared, pid_t parent) {
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        int number = pthread_mutex_timedlock(&shared->life, &until);
        if (number == 0) return 0;
        if (number == EOWNERDEAD) return 1;
        // What killed a thread may have destroyed its list of mutexes before.
        if (getppid() != parent) return 1;
        if (number != ETIMEDOUT) pause_micros(10000);
    }
}

/// Only the socket stays; nothing of the parent's is held open or kept busy.
static void let_go(int handle) {
    int nothing = open("/dev/null", O_RDWR);
    for (int stream = 0; stream < 3; stream++) dup2(nothing, stream);
    dup2(handle, 3);
    close_range(4, ~0u, 0);
    if (chdir("/") != 0) _exit(1);
}

static _Noreturn void watch(
    page *shared, int handle, const struct sockaddr_in *peer, pid_t parent) {
    // Neither Ctrl-C nor a manager's signals to all mean this process, which ends with its parent.
    setsid();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "nt-watchdog");
    // It runs once, for microseconds, and then it should at once, where that is allowed.
    setpriority(PRIO_PROCESS, 0, -20);
    let_go(handle);
    if (!wait_for_death(shared, parent)) _exit(0);
    const notice *last = &shared->notices[__atomic_load_n(&shared->chosen, __ATOMIC_ACQUIRE)];
    const size_t rounds = last->byte_count > 0 ? sizeof pauses / sizeof *pauses : 0;
    for (size_t round = 0; round < rounds; round++) {
        sendto(
            3, last->bytes, last->byte_count, MSG_DONTWAIT | MSG_NOSIGNAL,
            (const struct sockaddr *)peer, sizeof *peer);
        pause_micros(pauses[round]);
    }
    _exit(0);
}

static page *make_page(void) {
    page *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return NULL;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->life, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return shared;
}

cwatchdog *cwatchdog_start(uint32_t address, uint16_t port) {
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
    page *shared = make_page();
    if (shared == NULL) return NULL;
    cwatchdog *watchdog = calloc(1, sizeof *watchdog);
    int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (watchdog != NULL && handle >= 0) {
        watchdog->shared = shared;
        pthread_mutex_lock(&shared->life);
        pid_t parent = getpid();
        watchdog->process = fork();
        if (watchdog->process == 0) watch(shared, handle, &peer, parent);
        if (watchdog->process > 0) {
            close(handle);
            return watchdog;
        }
    }
    int number = errno;
    if (handle >= 0) close(handle);
    free(watchdog);
    munmap(shared, sizeof *shared);
    errno = number;
    return NULL;
}

void cwatchdog_tell(cwatchdog *watchdog, const void *bytes, uint32_t byte_count) {
    page *shared = watchdog->shared;
    uint32_t other = 1 - __atomic_load_n(&shared->chosen, __ATOMIC_RELAXED);
    notice *next = &shared->notices[other];
    next->byte_count = byte_count < sizeof next->bytes ? byte_count : sizeof next->bytes;
    memcpy(next->bytes, bytes, next->byte_count);
    // Release: pairs with the acquire of the watchdog; the notice comes before it.
    __atomic_store_n(&shared->chosen, other, __ATOMIC_RELEASE);
}

void cwatchdog_call_off(cwatchdog *watchdog) {
    pthread_mutex_unlock(&watchdog->shared->life);
    while (waitpid(watchdog->process, NULL, 0) < 0 && errno == EINTR) {}
    munmap(watchdog->shared, sizeof *watchdog->shared);
    free(watchdog);
}

int32_t cwatchdog_process(const cwatchdog *watchdog) { return watchdog->process; }
