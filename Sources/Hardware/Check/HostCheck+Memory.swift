// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Huge pages: what the gateway takes, and what the profile wants reserved.
extension HostCheck {
    /// DPDK's part: without it the gateway does not start.
    internal var packetMemory: [Finding] {
        let topic = "packet memory"
        guard sized.needsPacketMemory else { return [] }
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
                    fix: packetFix.text, packetFix.remedy)
            ]
        }
        if free < wanted {
            return [
                .warning(
                    topic, "\(free) MB of huge pages are free, of \(total)",
                    wanted: "\(wanted) MB for packets",
                    because: "others have them (a gateway that runs?), and the next does not start",
                    fix: "stop what holds them, or sysctl -w vm.nr_hugepages="
                        + "\(total / 2 + pages)", .hand)
            ]
        }
        return [.ok(topic, "\(wanted) MB for packets, \(free) MB of huge pages are free")]
    }

    /// The rings of the log and the events, and packets where they are taken from the same pages.
    internal var ringMemory: [Finding] {
        let topic = "ring memory"
        guard knownPools != nil else { return [unknownPools(topic, "the rings")] }
        let whom = sized.needsPacketMemory ? "packets and rings" : "the rings"
        return sized.memoryNeeds(machine, shards: shards).map { need in
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
                wanted: "at least \(need.pages2MB) for \(whom), more for the engine",
                because: "the log and the events lie on small pages then, and each access can miss "
                    + "the TLB",
                fix: pagesFix.text, pagesFix.remedy)
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
            let fix = reserve.pageMB == 1_024 ? bootFix : pagesFix
            return .warning(
                topic, "\(total) pages of \(name)", wanted: "\(reserve.count)",
                because: "what does not fit lies on small pages, or on another node",
                fix: fix.text, fix.remedy)
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

    /// The profile, without packets where nobody knows whether the port takes any.
    private var sized: HardwareProfile {
        var sized = profile
        if sized.port == nil { sized.packetMemoryMB = 0 }
        return sized
    }

    private var bootFix: (text: String, remedy: Finding.Remedy) {
        ("boot with \(BootWord.gigantic(profile.hugePages).joined(separator: " "))", .boot)
    }

    /// Packets lie on the pages of 1 GB that the profile reserves, if they are as much.
    private var packetFix: (text: String, remedy: Finding.Remedy) {
        let hasGigantic = profile.hugePages.contains { $0.pageMB == 1_024 && $0.count > 0 }
        return hasGigantic && profile.packetMemoryMB >= 1_024 ? bootFix : pagesFix
    }

    /// What gives packets, rings and the profile's reserves their pages: one fix for all findings,
    /// so that none takes back what another one has asked for.
    private var pagesFix: (text: String, remedy: Finding.Remedy) {
        let first = machine.nodes.first?.node ?? NUMANode(rawValue: 0)
        var reserved: [NUMANode: Int] = [:]
        let there = machine.nodes.map(\.node)
        for reserve in profile.hugePages
        where reserve.pageMB == 2 && there.contains(reserve.node) {
            reserved[reserve.node] = reserve.count
        }
        var counts = reserved
        for need in sized.memoryNeeds(machine, shards: shards) {
            let node = need.node ?? first
            // Without a place any node will do.
            let found =
                need.node == nil ? reserved.values.reduce(0, +) : reserved[node, default: 0]
            if found < need.pages2MB { counts[node, default: 0] += need.pages2MB - found }
        }
        if !profile.hugePages.isEmpty, counts == reserved {
            return ("needletail hw apply PROFILE", .apply)
        }
        let sorted = counts.sorted { $0.key.rawValue < $1.key.rawValue }
        guard profile.hugePages.isEmpty else {
            let others = profile.hugePages.filter { $0.pageMB != 2 }
            let all =
                sorted.map { ($0.key.rawValue, 2, $0.value) }
                + others.map { ($0.node.rawValue, $0.pageMB, $0.count) }
            let list = all.map { "{node: \($0.0), pageMB: \($0.1), count: \($0.2)}" }
            return (
                "hugePages: [\(list.joined(separator: ", "))] in the profile, then needletail hw "
                    + "apply PROFILE", .profile
            )
        }
        guard machine.nodes.count > 1 else {
            return ("sysctl -w vm.nr_hugepages=\(counts.values.reduce(0, +))", .hand)
        }
        let orders = sorted.map { node, count in
            var reserve = HardwareProfile.HugePageReserve()
            reserve.node = node
            return "echo \(count) > /\(reserve.path(machine))"
        }
        return (orders.joined(separator: " && "), .hand)
    }
}
