// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Huge pages: what the gateway takes, and what the profile wants reserved.
extension HostCheck {
    /// DPDK's part: without it the gateway does not start.
    internal var packetMemory: [Finding] {
        let topic = "packet memory"
        guard profile.needsPacketMemory else { return [] }
        guard let pools = knownPools else { return [unknownPools(topic, "packets")] }
        let wanted = profile.packetMemoryMB
        let total = pools.reduce(0) { $0 + $1.totalMB }
        let free = pools.reduce(0) { $0 + $1.freeMB }
        let pages = (wanted + 1) / 2
        if total < wanted {
            return [
                .error(
                    topic, "\(total) MB of huge pages in all", wanted: "\(wanted) MB for packets",
                    because: "DPDK takes packetMemoryMB at its start, or does not start",
                    fix: reserveFix(pages), remedy(pages))
            ]
        }
        if free < wanted {
            return [
                .warning(
                    topic, "\(free) MB of huge pages are free, of \(total)",
                    wanted: "\(wanted) MB for packets",
                    because: "others have them (a gateway that runs?), and the next does not start",
                    fix: "stop what holds them, or \(reserveFix(total / 2 + pages))", .hand)
            ]
        }
        return [.ok(topic, "\(wanted) MB for packets, \(free) MB of huge pages are free")]
    }

    /// The rings of the log and the events, and packets where they are taken from the same pages.
    internal var ringMemory: [Finding] {
        let topic = "ring memory"
        guard knownPools != nil else { return [unknownPools(topic, "the rings")] }
        return profile.memoryNeeds(machine, shards: shards).map { need in
            let pools = machine.nodes.filter { need.node == nil || $0.node == need.node }
                .flatMap(\.hugePages).filter { $0.pageKiB == 2_048 }
            let total = pools.reduce(0) { $0 + ($1.total ?? 0) }
            let place = need.node.map { " on node \($0.rawValue)" } ?? ""
            guard total < need.pages2MB else {
                return .ok(
                    topic, "\(total) pages of 2 MB\(place), at least \(need.pages2MB) needed")
            }
            return .warning(
                topic, "\(total) pages of 2 MB\(place)",
                wanted: "at least \(need.pages2MB) for packets and rings, more for the engine",
                because: "the log and the events lie on small pages then, and each access can miss "
                    + "the TLB",
                fix: reserveFix(need.pages2MB, on: need.node),
                remedy(need.pages2MB, on: need.node))
        }
    }

    /// What the profile wants reserved.
    internal var reservedPages: [Finding] {
        let topic = "huge pages"
        return profile.hugePages.map { reserve in
            let name = "\(reserve.pageMB == 2 ? "2 MB" : "1 GB") on node \(reserve.node.rawValue)"
            let wanted = "\(reserve.count) pages of \(name)"
            guard let node = machine.nodes.first(where: { $0.node == reserve.node }) else {
                return machine.nodes.isEmpty
                    ? .unknown(topic, "the kernel tells of no memory", wanted: wanted)
                    : .error(
                        topic, "there is no node \(reserve.node.rawValue)", wanted: wanted,
                        because: "no memory can be reserved there",
                        fix: "name another node under hugePages: "
                            + NumberList.text(machine.nodes.map(\.node.rawValue)), .profile)
            }
            let pool = node.hugePages.first { $0.pageKiB == reserve.pageMB << 10 }
            guard let pool, let total = pool.total else {
                return node.hugePages.isEmpty
                    ? .unknown(topic, "the kernel tells of no huge pages", wanted: wanted)
                    : .error(
                        topic, "this machine has no pages of \(name)", wanted: wanted,
                        because: "the processor or the kernel cannot make them",
                        fix: "pageMB: 2", .profile)
            }
            if total >= reserve.count { return .ok(topic, "\(total) pages of \(name)") }
            return .warning(
                topic, "\(total) pages of \(name)", wanted: "\(reserve.count)",
                because: "what does not fit lies on small pages, or on another node",
                fix: reserve.pageMB == 1_024
                    ? "boot with \(BootWord.gigantic(profile.hugePages).joined(separator: " "))"
                    : "echo \(reserve.count) > /\(reserve.path(machine))",
                reserve.pageMB == 1_024 ? .boot : .apply)
        }
    }

    internal var transparentHugePages: [Finding] {
        let topic = "transparent huge pages"
        let wanted = profile.kernel.transparentHugePages
        guard !wanted.isEmpty else { return [] }
        let words = wanted.joined(separator: " or ")
        guard let found = machine.kernel.transparentHugePages else {
            return [.unknown(topic, "the kernel does not tell", wanted: words)]
        }
        guard !wanted.contains(found) else { return [.ok(topic, found)] }
        return [
            .warning(
                topic, found, wanted: words,
                because: found == "always"
                    ? "the kernel joins pages behind everybody's back, and threads wait meanwhile"
                    : "the profile asks for it",
                fix: "echo \(wanted[0]) > /\(TuningPath.transparentHugePages)", .apply)
        ]
    }

    // MARK: Pieces

    /// In pages that DPDK can use; nil if unknown.
    private var knownPools: [(totalMB: Int, freeMB: Int)]? {
        let pools = machine.nodes.flatMap(\.hugePages)
        guard !pools.isEmpty, pools.allSatisfy({ $0.total != nil }) else { return nil }
        // DPDK takes no page that is larger than all that it may have.
        let usable = pools.filter { $0.pageKiB >> 10 <= max(2, profile.packetMemoryMB) }
        return usable.map {
            (($0.total ?? 0) * ($0.pageKiB >> 10), ($0.free ?? 0) * ($0.pageKiB >> 10))
        }
    }

    private func unknownPools(_ topic: String, _ whom: String) -> Finding {
        .unknown(topic, "the kernel tells of no huge pages", wanted: "enough for \(whom)")
    }

    /// Whether what the profile has reserved will do.
    private func remedy(_ pages: Int, on node: NUMANode? = nil) -> Finding.Remedy {
        guard !profile.hugePages.isEmpty else { return .hand }
        let reserved = profile.hugePages.filter { node == nil || $0.node == node }
        // Packets may lie on pages of 1 GB too.
        let count = reserved.reduce(0) { $0 + $1.count * ($1.pageMB / 2) }
        return count >= pages ? .apply : .profile
    }

    private func reserveFix(_ pages: Int, on node: NUMANode? = nil) -> String {
        guard let node, machine.nodes.count > 1 else { return "sysctl -w vm.nr_hugepages=\(pages)" }
        var reserve = HardwareProfile.HugePageReserve()
        reserve.node = node
        return "echo \(pages) > /\(reserve.path(machine))"
    }
}
