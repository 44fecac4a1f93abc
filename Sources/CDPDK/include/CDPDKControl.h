// SPDX-License-Identifier: Apache-2.0
//
//  The cold half: EAL, opening and closing ports. Everything here is out of line, may block and
//  allocate, and is called from one control thread at a time unless a comment says otherwise.
#ifndef CDPDK_CONTROL_H
#define CDPDK_CONTROL_H

#include "CDPDK.h"

#pragma clang assume_nonnull begin

/// What went wrong: an errno value, and the cause in words (for a person, not to be parsed).
typedef struct cdpdk_error {
    int32_t code;
    char text[768];
} cdpdk_error;

/// How DPDK's environment starts; once per process.
typedef struct cdpdk_eal_configuration {
    uint32_t memory_mebibytes;  // of huge pages, or of plain memory without them
    bool huge_pages;
    bool verbose;                       // DPDK's own log goes to stderr
    int32_t numa_node;                  // where the memory is taken from; -1: anywhere
    const char *_Nullable cpu_list;     // where DPDK's own threads may run, as "0-1"
    const char *_Nullable file_prefix;  // tells processes on one host apart
} cdpdk_eal_configuration;

/// Starts EAL on a thread of its own, since it pins its caller.
bool cdpdk_eal_start(const cdpdk_eal_configuration *configuration, cdpdk_error *error);
/// Stops EAL; ports must be closed. It cannot be started again in this process.
void cdpdk_eal_stop(void);
/// Whether EAL runs.
bool cdpdk_eal_running(void);
/// The socket on which DPDK tells about itself, as dpdk-telemetry.py asks it; empty: there is none.
const char *cdpdk_telemetry_path(void);
/// The version of DPDK in use, as "DPDK 22.11.11".
const char *cdpdk_version(void);
/// Gives the calling thread an lcore id, so that DPDK's pool caches work for it. Optional.
bool cdpdk_thread_register(void);
/// Takes the id back; called by the same thread.
void cdpdk_thread_unregister(void);

/// What a caller asks of a port.
typedef struct cdpdk_port_configuration {
    uint16_t receive_queues;
    uint16_t transmit_queues;
    uint16_t receive_descriptors;  // of each queue; the driver may round or cap
    uint16_t transmit_descriptors;
    bool checksum_offload;  // ask the NIC for the checksums that it can do
    uint32_t mbuf_count;
    uint16_t mtu;
    bool override_mac;
    uint8_t mac[6];
    bool promiscuous;
} cdpdk_port_configuration;

/// What the port can do. A `bool` that is set is also switched on.
typedef struct cdpdk_port_info {
    char driver[32];
    uint8_t mac[6];
    uint16_t receive_queues;
    uint16_t transmit_queues;
    int32_t numa_node;  // -1: none
    bool verifies_ip_checksum;
    bool verifies_udp_checksum;
    bool writes_ip_checksum;
    bool writes_udp_checksum;
    bool steers_flows;
} cdpdk_port_info;

/// Counters since the port was opened.
typedef struct cdpdk_port_statistics {
    uint64_t received_packets;
    uint64_t received_bytes;
    uint64_t transmitted_packets;
    uint64_t transmitted_bytes;
    uint64_t receive_missed;     // lost for want of descriptors
    uint64_t receive_errors;
    uint64_t receive_no_buffer;  // lost for want of mbufs
    uint64_t transmit_errors;
} cdpdk_port_statistics;

/// Bytes of the name of a driver's own counter, its zero byte included.
enum { CDPDK_EXTENDED_NAME = 64 };

/// An open port of any kind.
typedef struct cdpdk_port cdpdk_port;

/// Opens a DPDK port: `device` is a PCI address, or a virtual device with its arguments.
cdpdk_port *_Nullable cdpdk_open_device(
    const char *device, const cdpdk_port_configuration *configuration, cdpdk_error *error);
/// Opens a port without a device, whose frames are given and taken by the process itself.
cdpdk_port *_Nullable cdpdk_open_memory(
    const cdpdk_port_configuration *configuration, cdpdk_error *error);
/// Opens a port over plain UDP sockets; both numbers in host byte order.
cdpdk_port *_Nullable cdpdk_open_udp(
    uint32_t address, uint16_t udp_port, const cdpdk_port_configuration *configuration,
    cdpdk_error *error);

/// What the port can do.
void cdpdk_port_describe(cdpdk_port *port, cdpdk_port_info *info);
/// Counters; from any thread, each is exact and they are not of one instant.
void cdpdk_port_count(cdpdk_port *port, cdpdk_port_statistics *statistics);
/// A piece of the memory that the port's packet buffers lie in, and the size of its pages (0: not
/// known); false past the last. Pools of our own have none.
bool cdpdk_port_memory(
    cdpdk_port *port, uint32_t index, const void *_Nullable *_Nonnull base, uint64_t *byte_count,
    uint64_t *page_byte_count);
/// Names of the driver's own counters, one behind the other: how many there are, of which at most
/// `room` are written. 0 for a port that has none.
uint32_t cdpdk_port_extended_names(cdpdk_port *port, char *_Nullable names, uint32_t room);
/// Their values, as many as there were names. False: the driver has changed their number.
bool cdpdk_port_extended_count(cdpdk_port *port, uint64_t *values, uint32_t count);
/// Whether the NIC has a link; true for a port without one. From any thread.
bool cdpdk_port_link_up(cdpdk_port *port);
/// The queue pair `index`, below the number of receive queues.
cdpdk_queue *cdpdk_port_queue(cdpdk_port *port, uint16_t index);
/// Sends UDP datagrams to `udp_port` to one queue, where the NIC can.
bool cdpdk_port_steer(cdpdk_port *port, uint16_t udp_port, uint16_t queue, cdpdk_error *error);
/// Stops the port and gives its memory back. Nobody polls it any more, and its mbufs are freed.
void cdpdk_port_close(cdpdk_port *port);

/// Sees each burst after it was received, may change it, answers how many packets remain in it.
typedef uint16_t (*cdpdk_hook)(
    void *_Nullable context, cdpdk_queue *queue, cdpdk_mbuf *_Nonnull *_Nonnull mbufs,
    uint16_t count);
/// Puts a hook behind a queue's receive function; a queue without one pays nothing.
void cdpdk_hook_receive(cdpdk_queue *queue, cdpdk_hook hook, void *_Nullable context);

/// Gives a memory port its frames: `bytes` holds them one behind the other, each padded to 64. They
/// are received in order, `laps` times (0: without end). In place, the packets point at `bytes`
/// (as if a NIC had written there), which stays the caller's and must live until the port closes;
/// else each is copied into its mbuf. Before polling starts.
void cdpdk_memory_load(
    cdpdk_port *port, uint16_t queue, uint8_t *_Nullable bytes,
    const uint16_t *_Nullable lengths, uint32_t count, uint64_t laps, bool in_place);
/// Queues one frame to be received, before those loaded; from any thread. False: longer than a
/// buffer.
bool cdpdk_memory_inject(cdpdk_port *port, uint16_t queue, const uint8_t *bytes, uint16_t length);
/// Whether transmitted frames are kept to be taken.
void cdpdk_memory_capture(cdpdk_port *port, uint16_t queue, bool capture);
/// Copies the oldest captured frame and forgets it: its length, -1 when there is none; from any
/// thread.
int32_t cdpdk_memory_take(cdpdk_port *port, uint16_t queue, uint8_t *bytes, uint16_t room);

/// Whether a PCI device is a network card that this process could give to DPDK now. `root` is put
/// before each path: "" for this machine.
bool cdpdk_pci_check(const char *root, const char *address, cdpdk_error *error);
/// The node of a device below /sys, as "class/net/eth1/device"; -1: unknown.
int32_t cdpdk_device_node(const char *root, const char *folder);
/// Whether so many MiB of huge pages are free on a node (-1: on all together); true where the
/// kernel does not tell.
bool cdpdk_huge_pages_check(
    const char *root, uint32_t mebibytes, int32_t numa_node, cdpdk_error *error);

/// Claims a kernel interface for this process (the claim dies with it) and detaches the XDP program
/// that a killed predecessor left there. The answer is a descriptor to be closed after the port;
/// -1: the interface is in use, carries a program that is not ours (EBUSY), or this process may not
/// have such a socket (with `xdp`: and such a program); `error` says which.
int32_t cdpdk_link_claim(const char *interface, bool xdp, cdpdk_error *error);
/// Whether a kernel interface is up and has a link.
bool cdpdk_link_up(const char *interface);
/// Gives the claim back.
void cdpdk_link_release(int32_t claim);

#pragma clang assume_nonnull end

#endif
