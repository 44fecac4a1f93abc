// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CControl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int named(const char *path, struct sockaddr_un *address) {
    size_t byte_count = strlen(path);
    if (byte_count >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, byte_count);
    return 0;
}

static int fail(int handle) {
    int number = errno;
    close(handle);
    errno = number;
    return -1;
}

int ccontrol_listen(const char *path) {
    struct sockaddr_un address;
    if (named(path, &address) != 0) return -1;
    int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (handle < 0) return -1;
    // The mode of the socket becomes that of the name, so that there is no moment without it.
    if (fchmod(handle, 0600) != 0) return fail(handle);
    if (bind(handle, (const struct sockaddr *)&address, sizeof address) != 0) return fail(handle);
    if (listen(handle, 8) != 0) return fail(handle);
    return handle;
}

int ccontrol_accept(int listener, uint32_t *user) {
    int handle = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (handle < 0) return -1;
    struct ucred peer;
    socklen_t byte_count = sizeof peer;
    if (getsockopt(handle, SOL_SOCKET, SO_PEERCRED, &peer, &byte_count) != 0) return fail(handle);
    if (peer.uid != 0 && peer.uid != geteuid()) {
        errno = EACCES;
        return fail(handle);
    }
    *user = peer.uid;
    return handle;
}

int ccontrol_connect(const char *path, uint32_t timeout_millis) {
    struct sockaddr_un address;
    if (named(path, &address) != 0) return -1;
    int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0) return -1;
    struct timeval patience = {timeout_millis / 1000, timeout_millis % 1000 * 1000};
    // The first is for connecting too, when many wait already.
    if (setsockopt(handle, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        connect(handle, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail(handle);
    return handle;
}
