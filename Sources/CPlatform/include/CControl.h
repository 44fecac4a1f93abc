// SPDX-License-Identifier: Apache-2.0
// Unix stream sockets for control, and the process that tells of this one's death. What they are
// made of (struct ucred, fork, robust mutexes) Swift's Glibc module does not show.
#pragma once

#include <stdint.h>

// MARK: Control sockets

// Listens at a path that nobody has; only the owner may connect (mode 0600 from the first moment).
// A descriptor that does not block, or -1 and errno.
int ccontrol_listen(const char *path);

// The next who connects, and its user: a descriptor, or -1 and errno: EAGAIN when there is none,
// EACCES for one who is neither root nor of this process's user, and is gone.
int ccontrol_accept(int listener, uint32_t *user);

// Connects to whoever listens at a path, waiting at most so long for each step after it. A
// descriptor, or -1 and errno: ECONNREFUSED when nobody does.
int ccontrol_connect(const char *path, uint32_t timeout_millis);

// MARK: The watchdog

// What this process and its watchdog share, and who the watchdog is.
typedef struct cwatchdog cwatchdog;

enum { CWATCHDOG_NOTICE_BYTES_MAX = 128 };

// Forks a process that does nothing but wait for the calling thread's end, which it is told of
// before the memory of this process is taken down; then it sends the last notice to an IPv4 address
// and a port (host order), a few times, and ends. Of the calling thread, which must end with the
// process, and before there are others. NULL and errno.
cwatchdog *cwatchdog_start(uint32_t address, uint16_t port);

// What to send; with 0 bytes nothing. Of one thread at a time.
void cwatchdog_tell(cwatchdog *watchdog, const void *notice, uint32_t byte_count);

// Ends it without a word, and waits for that. Of the thread that started it.
void cwatchdog_call_off(cwatchdog *watchdog);

// Its number.
int32_t cwatchdog_process(const cwatchdog *watchdog);
