// SPDX-License-Identifier: Apache-2.0
//
//  What a kill -9 leaves behind on a kernel interface is the XDP program of af_xdp: frames then go
//  nowhere. Only one process may own an interface, so whoever holds the claim (an abstract socket,
//  which the kernel drops with the process and keeps apart by network namespace) may remove a
//  program of ours. A program of somebody else stays, and is named.
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "internal.h"

typedef struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[128];
} link_request;

/// One request, one answer: bytes received, or a negative errno.
static ssize_t talk(link_request *request, char *answer, size_t room) {
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink < 0) { return -errno; }
    ssize_t length = send(netlink, request, request->header.nlmsg_len, 0);
    if (length >= 0) { length = recv(netlink, answer, room, 0); }
    if (length < 0) { length = -errno; }
    close(netlink);
    if (length < 0) { return length; }
    struct nlmsghdr *header = (struct nlmsghdr *)answer;
    if (header->nlmsg_type == NLMSG_ERROR) {
        return ((struct nlmsgerr *)NLMSG_DATA(header))->error;
    }
    return length;
}

static void put(link_request *request, struct rtattr *nest, uint16_t type, uint32_t value) {
    struct rtattr *attribute = (struct rtattr *)((char *)nest + RTA_ALIGN(nest->rta_len));
    attribute->rta_type = type;
    attribute->rta_len = RTA_LENGTH(sizeof value);
    memcpy(RTA_DATA(attribute), &value, sizeof value);
    nest->rta_len = (uint16_t)(RTA_ALIGN(nest->rta_len) + attribute->rta_len);
    request->header.nlmsg_len =
        (uint32_t)((char *)nest - (char *)request) + RTA_ALIGN(nest->rta_len);
}

/// As `ip link set dev X xdp off`, for one way of attaching.
static int detach(unsigned index, uint32_t flags) {
    link_request request = {0};
    char answer[4096];
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
    request.header.nlmsg_type = RTM_SETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.link.ifi_index = (int)index;
    struct rtattr *nest =
        (struct rtattr *)((char *)&request + NLMSG_ALIGN(request.header.nlmsg_len));
    nest->rta_type = IFLA_XDP | NLA_F_NESTED;
    nest->rta_len = RTA_LENGTH(0);
    put(&request, nest, IFLA_XDP_FD, (uint32_t)-1);
    put(&request, nest, IFLA_XDP_FLAGS, flags);
    ssize_t result = talk(&request, answer, sizeof answer);
    return result < 0 ? (int)result : 0;
}

/// How a program is attached (0: none, 1 driver, 2 generic, 3 hardware, 4 several), and its id.
static int attached(unsigned index, uint32_t *program) {
    link_request request = {0};
    static _Thread_local char answer[32768];
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.link.ifi_index = (int)index;
    ssize_t length = talk(&request, answer, sizeof answer);
    if (length <= 0) { return 0; }
    struct nlmsghdr *header = (struct nlmsghdr *)answer;
    struct ifinfomsg *link = NLMSG_DATA(header);
    int mode = 0;
    int left = (int)IFLA_PAYLOAD(header);
    for (struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if ((a->rta_type & NLA_TYPE_MASK) != IFLA_XDP) { continue; }
        int inner = (int)RTA_PAYLOAD(a);
        for (struct rtattr *x = RTA_DATA(a); RTA_OK(x, inner); x = RTA_NEXT(x, inner)) {
            if (x->rta_type == IFLA_XDP_ATTACHED) { mode = *(uint8_t *)RTA_DATA(x); }
            if (x->rta_type == IFLA_XDP_PROG_ID) { memcpy(program, RTA_DATA(x), 4); }
        }
    }
    return mode;
}

static void program_name(uint32_t program, char name[BPF_OBJ_NAME_LEN + 1]) {
    struct bpf_prog_info info;
    memset(&info, 0, sizeof info);
    union bpf_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.prog_id = program;
    int descriptor =
        (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attribute, sizeof attribute);
    snprintf(name, BPF_OBJ_NAME_LEN + 1, "unknown");
    if (descriptor < 0) { return; }
    memset(&attribute, 0, sizeof attribute);
    attribute.info.bpf_fd = (uint32_t)descriptor;
    attribute.info.info_len = sizeof info;
    attribute.info.info = (uint64_t)(uintptr_t)&info;
    if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attribute, sizeof attribute) == 0) {
        snprintf(name, BPF_OBJ_NAME_LEN + 1, "%s", info.name);
    }
    close(descriptor);
}

/// Names that libxdp's and libbpf's AF_XDP loaders give their programs.
static bool is_ours(const char *name) {
    static const char *const prefixes[] = {"xdp_dispatcher", "xsk_def", "xdp_sock"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) { return true; }
    }
    return false;
}

static bool detach_leftover(const char *interface, unsigned index, cdpdk_error *error) {
    uint32_t program = 0;
    int mode = attached(index, &program);
    if (mode == 0) { return true; }
    char name[BPF_OBJ_NAME_LEN + 1];
    program_name(program, name);
    if (!is_ours(name)) {
        return cdpdk_fail(
            error, EBUSY,
            "%s carries the XDP program \"%s\" (id %u), which is not ours; remove it with "
            "ip link set dev %s xdp off, or use af_packet:%s",
            interface, name, program, interface, interface);
    }
    // Each way of attaching is detached by its own flag: generic, driver, hardware.
    int result = 0;
    for (uint32_t flag = XDP_FLAGS_SKB_MODE; flag <= XDP_FLAGS_HW_MODE; flag <<= 1) {
        int failed = detach(index, flag);
        if (failed != 0) { result = failed; }
    }
    if (attached(index, &program) == 0) { return true; }
    return cdpdk_fail(
        error, -result, "the XDP program that a killed process left on %s cannot be detached: %s",
        interface, strerror(-result));
}

/// Whether such a socket can be made: 0, or the errno value.
static int try_socket(int family) {
    int descriptor = socket(family, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (descriptor < 0) { return errno; }
    close(descriptor);
    return 0;
}

/// Whether the map that an XDP program finds its sockets in can be made: 0, or the errno value.
static int try_map(void) {
    union bpf_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.map_type = BPF_MAP_TYPE_XSKMAP;
    attribute.key_size = 4;
    attribute.value_size = 4;
    attribute.max_entries = 1;
    int map = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attribute, sizeof attribute);
    if (map < 0) { return errno; }
    close(map);
    return 0;
}

/// DPDK would say "operation not permitted", or nothing.
static bool is_allowed(const char *interface, bool xdp, cdpdk_error *error) {
    int code = try_socket(xdp ? AF_XDP : AF_PACKET);
    if (code == 0 && xdp) { code = try_map(); }
    if (code == 0) { return true; }
    if (code != EPERM && code != EACCES) {
        return cdpdk_fail(
            error, code, "this kernel gives no %s sockets: %s; use %s%s",
            xdp ? "AF_XDP" : "packet", strerror(code), xdp ? "af_packet:" : "udp:ADDRESS:PORT",
            xdp ? interface : "");
    }
    if (!xdp) {
        return cdpdk_fail(
            error, code,
            "af_packet:%s needs the capability CAP_NET_RAW: run as root, or let the service have "
            "it (AmbientCapabilities=CAP_NET_RAW)", interface);
    }
    return cdpdk_fail(
        error, code,
        "af_xdp:%s needs the capabilities CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF outside of any "
        "user namespace: run as root, let the service have them (AmbientCapabilities=), or use "
        "af_packet:%s, for which CAP_NET_RAW is enough", interface, interface);
}

int32_t cdpdk_link_claim(const char *interface, bool xdp, cdpdk_error *error) {
    unsigned index = if_nametoindex(interface);
    if (index == 0) {
        cdpdk_fail(
            error, ENODEV, "there is no interface \"%s\" here (ip link shows them all)", interface);
        return -1;
    }
    if (!is_allowed(interface, xdp, error)) { return -1; }
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "needletail/%s", interface);
    int claim = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (claim < 0 || bind(claim, (struct sockaddr *)&name, size) < 0) {
        cdpdk_fail(
            error, errno, errno == EADDRINUSE
                ? "%s is in use by another gateway; stop that, or give this one another interface"
                : "claim %s",
            interface);
        if (claim >= 0) { close(claim); }
        return -1;
    }
    if (!detach_leftover(interface, index, error)) {
        close(claim);
        return -1;
    }
    return claim;
}

bool cdpdk_link_up(const char *interface) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) { return false; }
    bool up = ioctl(descriptor, SIOCGIFFLAGS, &request) == 0
        && (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
    close(descriptor);
    return up;
}

void cdpdk_link_release(int32_t claim) {
    if (claim >= 0) { close(claim); }
}
