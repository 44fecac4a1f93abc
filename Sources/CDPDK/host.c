// SPDX-License-Identifier: Apache-2.0
//
//  What a port needs of the host, looked at before DPDK is asked: its own answers are error numbers
//  for a dozen causes, and by then it has changed something. Nothing is changed here. The root is
//  "" but in tests.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

enum { PATH_BYTES = 512, NAME_BYTES = 64 };

/// The first line of a file; false: it cannot be read.
static bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "re");
    if (file == NULL) { return false; }
    bool found = fgets(line, size, file) != NULL;
    fclose(file);
    if (found) { line[strcspn(line, "\n")] = 0; }
    return found;
}

static long read_number(const char *path, long otherwise) {
    char line[NAME_BYTES];
    return read_line(path, line, sizeof line) ? strtol(line, NULL, 0) : otherwise;
}

/// The last part of where a link leads; "" if it is no link.
static void link_name(const char *path, char name[NAME_BYTES]) {
    char target[PATH_BYTES];
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    const char *last = strrchr(target, '/');
    snprintf(name, NAME_BYTES, "%s", last == NULL ? target : last + 1);
}

/// The first name in a folder that begins with `prefix`; "" if there is none.
static void first_name(const char *folder, const char *prefix, char name[NAME_BYTES]) {
    name[0] = 0;
    DIR *entries = opendir(folder);
    if (entries == NULL) { return; }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL && name[0] == 0;) {
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            snprintf(name, NAME_BYTES, "%s", entry->d_name);
        }
    }
    closedir(entries);
}

typedef struct {
    const char *root;
    const char *address;
    char folder[PATH_BYTES / 2];  // of the device
    char driver[NAME_BYTES];      // "": none
    char group[NAME_BYTES];       // of the IOMMU; "": none
} pci_device;

static void read_device(pci_device *device, const char *root, const char *address) {
    char path[PATH_BYTES];
    *device = (pci_device){.root = root, .address = address};
    snprintf(
        device->folder, sizeof device->folder, "%s/sys/bus/pci/devices/%s", root, address);
    snprintf(path, sizeof path, "%s/driver", device->folder);
    link_name(path, device->driver);
    snprintf(path, sizeof path, "%s/iommu_group", device->folder);
    link_name(path, device->group);
}

static bool is_network_card(const char *root, const char *address) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/class", root, address);
    return read_number(path, 0) >> 16 == 2;
}

/// "the network cards are 0000:00:08.0 (vfio-pci), 0000:00:09.0 (no driver)", the first few.
static void list_cards(const char *root, char *text, size_t size) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices", root);
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    size_t used = (size_t)snprintf(text, size, "the network cards are");
    size_t empty = used;
    for (int i = 0; i < count; i++) {
        if (used + 48 < size && is_network_card(root, names[i]->d_name)) {
            pci_device card;
            read_device(&card, root, names[i]->d_name);
            used += (size_t)snprintf(
                text + used, size - used, "%s %s (%.20s)", used == empty ? "" : ",",
                names[i]->d_name, card.driver[0] ? card.driver : "no driver");
        }
        free(names[i]);
    }
    if (count >= 0) { free(names); }
    if (used == empty) { snprintf(text, size, "it has no network card on PCI"); }
}

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) { return true; }
    }
    return false;
}

/// A card that vfio-pci has not: what has it, and how vfio-pci gets it.
static bool not_bound(const pci_device *device, cdpdk_error *error) {
    char path[PATH_BYTES], inner[NAME_BYTES], interface[NAME_BYTES] = "", owner[160];
    snprintf(path, sizeof path, "%s/net", device->folder);
    first_name(path, "", interface);
    if (interface[0] == 0) {
        // virtio's interface lies one device further down.
        first_name(device->folder, "virtio", inner);
        snprintf(path, sizeof path, "%s/%s/net", device->folder, inner);
        if (inner[0] != 0) { first_name(path, "", interface); }
    }
    if (device->driver[0] == 0) {
        snprintf(owner, sizeof owner, "has no driver");
    } else {
        snprintf(
            owner, sizeof owner, "is bound to the kernel's driver %s%s%s%s", device->driver,
            interface[0] ? " (interface " : "", interface, interface[0] ? ")" : "");
    }
    if (device->group[0] == 0) {
        return cdpdk_fail(
            error, ENODEV,
            "%s %s, and there is no IOMMU here, which vfio-pci needs: switch it on in the firmware "
            "and by intel_iommu=on on the kernel's command line, or leave the card to the kernel "
            "and use af_xdp:%s", device->address, owner, interface[0] ? interface : "INTERFACE");
    }
    return cdpdk_fail(
        error, EBUSY,
        "%s %s; bind it to vfio-pci by `modprobe vfio-pci && dpdk-devbind.py -b vfio-pci %s`%s%s",
        device->address, owner, device->address,
        interface[0] ? ", or leave it there and use af_xdp:" : "", interface);
}

/// Whether all others of its IOMMU group are free: VFIO opens whole groups only.
static bool group_is_whole(const pci_device *device, cdpdk_error *error) {
    static const char *const harmless[] = {"", "vfio-pci", "pci-stub", "pcieport", NULL};
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/iommu_group/devices", device->folder);
    DIR *entries = opendir(path);
    bool whole = true;
    for (struct dirent *entry; entries != NULL && whole && (entry = readdir(entries)) != NULL;) {
        pci_device other;
        if (entry->d_name[0] == '.') { continue; }
        read_device(&other, device->root, entry->d_name);
        if (is_one_of(other.driver, harmless)) { continue; }
        whole = cdpdk_fail(
            error, EBUSY,
            "%s shares IOMMU group %s with %s, which the driver %s has; bind that to vfio-pci too "
            "(dpdk-devbind.py -b vfio-pci %s), or put the card into another slot",
            device->address, device->group, entry->d_name, other.driver, entry->d_name);
    }
    if (entries != NULL) { closedir(entries); }
    return whole;
}

/// The process that has a file open; 0: nobody whom we may look at.
static long user_of(const char *file) {
    long user = 0;
    DIR *processes = opendir("/proc");
    if (processes == NULL) { return 0; }
    for (struct dirent *process; user == 0 && (process = readdir(processes)) != NULL;) {
        char folder[PATH_BYTES], target[PATH_BYTES];
        snprintf(folder, sizeof folder, "/proc/%s/fd", process->d_name);
        bool is_process = process->d_name[0] >= '1' && process->d_name[0] <= '9';
        DIR *files = is_process ? opendir(folder) : NULL;
        if (files == NULL) { continue; }
        for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
            ssize_t length =
                readlinkat(dirfd(files), entry->d_name, target, sizeof target - 1);
            target[length < 0 ? 0 : length] = 0;
            if (strcmp(target, file) == 0) { user = strtol(process->d_name, NULL, 10); }
        }
        closedir(files);
    }
    closedir(processes);
    return user;
}

/// Whether VFIO would give us the group; it has only one owner at a time.
static bool group_is_free(const pci_device *device, cdpdk_error *error) {
    const char *names[] = {"vfio", device->group};
    for (int i = 0; i < 2; i++) {
        char path[PATH_BYTES], noiommu[PATH_BYTES];
        snprintf(path, sizeof path, "%s/dev/vfio/%s", device->root, names[i]);
        snprintf(noiommu, sizeof noiommu, "%s/dev/vfio/noiommu-%s", device->root, names[i]);
        if (access(path, F_OK) != 0 && access(noiommu, F_OK) == 0) { return true; }
        int file = open(path, O_RDWR | O_CLOEXEC);
        int code = errno;
        if (file >= 0) {
            close(file);
            continue;
        }
        if (code == EBUSY) {
            long user = user_of(path);
            char process[32] = "another process";
            if (user > 0) { snprintf(process, sizeof process, "process %ld", user); }
            return cdpdk_fail(
                error, code, "%s is in use by %s, another gateway perhaps; stop that, or give this "
                "one another card", device->address, process);
        }
        if (code == EACCES || code == EPERM) {
            return cdpdk_fail(
                error, code, "%s may not be opened by user %u: run as root, or give it to that "
                "user by `chown %u %s`", path, (unsigned)geteuid(), (unsigned)geteuid(), path);
        }
        return cdpdk_fail(
            error, code, "%s cannot be opened (%s), though %s is bound to vfio-pci; `modprobe -a "
            "vfio vfio-pci vfio_iommu_type1` loads all that it takes", path, strerror(code),
            device->address);
    }
    return true;
}

bool cdpdk_pci_check(const char *root, const char *address, cdpdk_error *error) {
    // These share their cards with DPDK, or hand them out without groups.
    static const char *const sharing[] = {
        "mlx5_core", "mlx4_core", "mana", "uio_pci_generic", "igb_uio", NULL};
    char cards[320];
    pci_device device;
    read_device(&device, root, address);
    if (access(device.folder, F_OK) != 0) {
        list_cards(root, cards, sizeof cards);
        return cdpdk_fail(
            error, ENODEV, "there is no PCI device %s in this machine; %s", address, cards);
    }
    if (!is_network_card(root, address)) {
        list_cards(root, cards, sizeof cards);
        return cdpdk_fail(error, ENODEV, "%s is no network card; %s", address, cards);
    }
    if (is_one_of(device.driver, sharing)) { return true; }
    if (strcmp(device.driver, "vfio-pci") != 0) { return not_bound(&device, error); }
    return group_is_whole(&device, error) && group_is_free(&device, error);
}

int32_t cdpdk_device_node(const char *root, const char *folder) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/sys/%s/numa_node", root, folder);
    return (int32_t)read_number(path, -1);
}

/// Free huge pages below a folder of pools, in MiB; the pages of 2 MiB into `pages` as well.
static long free_mebibytes(const char *folder, long *pages) {
    long mebibytes = 0;
    DIR *pools = opendir(folder);
    for (struct dirent *pool; pools != NULL && (pool = readdir(pools)) != NULL;) {
        char path[PATH_BYTES];
        long kibibytes = 0;
        if (sscanf(pool->d_name, "hugepages-%ldkB", &kibibytes) != 1) { continue; }
        snprintf(path, sizeof path, "%s/%s/free_hugepages", folder, pool->d_name);
        mebibytes += read_number(path, 0) * kibibytes / 1024;
        snprintf(path, sizeof path, "%s/%s/nr_hugepages", folder, pool->d_name);
        if (kibibytes == 2048) { *pages = read_number(path, 0); }
    }
    if (pools != NULL) { closedir(pools); }
    return mebibytes;
}

bool cdpdk_huge_pages_check(
    const char *root, uint32_t mebibytes, int32_t numa_node, cdpdk_error *error) {
    char folder[PATH_BYTES / 2], where[32] = "in this machine", cure[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s/sys/kernel/mm/hugepages", root);
    if (numa_node >= 0) {
        snprintf(where, sizeof where, "on node %d", numa_node);
        snprintf(
            folder, sizeof folder, "%s/sys/devices/system/node/node%d/hugepages", root, numa_node);
    }
    long pages = -1;
    long found = free_mebibytes(folder, &pages);
    // A kernel that tells nothing is left to DPDK.
    if (found >= (long)mebibytes || (found == 0 && pages < 0)) { return true; }
    long missing = ((long)mebibytes - found + 1) / 2;
    if (numa_node >= 0) {
        snprintf(
            cure, sizeof cure, "`echo %ld > %s/hugepages-2048kB/nr_hugepages`", pages + missing,
            folder);
    } else {
        snprintf(cure, sizeof cure, "`sysctl -w vm.nr_hugepages=%ld`", pages + missing);
    }
    return cdpdk_fail(
        error, ENOMEM,
        "%u MiB of huge pages for packets are wanted %s, and %ld MiB are free: %ld pages of 2 MiB "
        "are missing; reserve them by %s (and more for the log), or do without (packetMemoryMB: 0)",
        mebibytes, where, found, missing, cure);
}
