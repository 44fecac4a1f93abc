// SPDX-License-Identifier: Apache-2.0
internal import Platform

extension HardwareProfile {
    /// A profile that fits a machine, with everything chosen: the port unless one is given, threads
    /// and processors, huge pages, and how the kernel is to be set up where threads have cores of
    /// their own.
    ///
    /// - Parameters:
    ///   - machine: where it is to run.
    ///   - name: what people call it.
    ///   - port: nil: a card that the host does not talk through itself, if there is one.
    ///   - shards: 1 or more.
    public static func derived(
        for machine: MachineFacts, name: String, port: String?, shards: Int
    ) -> HardwareProfile {
        var open = HardwareProfile()
        open.name = name
        open.port = port ?? freePort(machine)
        var profile = open.completed(
            for: machine, cpus: machine.cpus.online, shards: shards, hasJournal: true)
        profile.journalDisk =
            machine.blockDevices.first {
                $0.disk == nil && $0.isRotational == false && !machine.isSystemDisk($0.name)
            }?.name
        profile.hugePages = reserves(profile, machine, shards)
        profile.kernel.transparentHugePages = ["madvise", "never"]
        let polling = machine.cpus.processors.filter {
            profile.cpus.polling.contains($0.number)
        }
        guard !polling.isEmpty else { return profile }
        profile.kernel.isolatePolling = true
        profile.kernel.interruptsOnHousekeeping = true
        // What a hypervisor keeps to itself is not asked for.
        if polling.contains(where: { $0.governor != nil }) {
            profile.kernel.governor = "performance"
        }
        if polling.contains(where: { !$0.idleStates.isEmpty }) {
            profile.kernel.idleLatencyMicrosMax = 10
        }
        return profile
    }

    /// The fastest of the cards that nobody uses: first those that DPDK has or shares already, then
    /// those that can be given to it, then an interface of the kernel's. Nil if there is none, or
    /// if the kernel does not tell which ones the host itself uses.
    private static func freePort(_ machine: MachineFacts) -> String? {
        func rank(_ device: NetworkDevice) -> Int? {
            guard machine.use(of: device) == nil else { return nil }
            let driver = device.driver ?? ""
            if (["vfio-pci"] + PortCard.sharingDrivers).contains(driver) { return 3 }
            let card = machine.pciDevices.first { $0.address == device.pciAddress }
            return card?.iommuGroup != nil ? 2 : 1
        }
        let ranked = machine.networkDevices.compactMap { device in
            rank(device).map { (rank: $0, speed: device.speedMbps ?? 0, device: device) }
        }
        guard let best = ranked.max(by: { ($0.rank, $0.speed) < ($1.rank, $1.speed) }) else {
            return nil
        }
        return best.rank > 1
            ? best.device.pciAddress.map { "pci:\($0)" }
            : best.device.interface.map { "af_xdp:\($0)" }
    }

    /// For packets and rings, and 128 pages for the engine of each shard; at most half of a node.
    private static func reserves(
        _ profile: HardwareProfile, _ machine: MachineFacts, _ shards: Int
    ) -> [HugePageReserve] {
        guard let first = machine.nodes.first?.node else { return [] }
        var pages: [NUMANode: Int] = [:]
        let needs = profile.memoryNeeds(machine, shards: shards)
        for need in needs { pages[need.node ?? first, default: 0] += need.pages2MB }
        for shard in 0..<shards {
            let cpu = shard < profile.cpus.gateway.count ? profile.cpus.gateway[shard] : nil
            let home = machine.cpus.processors.first { $0.number == cpu }?.node ?? first
            pages[home, default: 0] += 128
        }
        return pages.sorted { $0.key.rawValue < $1.key.rawValue }.map { node, wanted in
            let memoryKiB = machine.nodes.first { $0.node == node }?.memoryKiB ?? Int.max
            var reserve = HugePageReserve()
            reserve.node = node
            reserve.count = min((wanted + 63) / 64 * 64, memoryKiB / 2 / 2_048)
            return reserve
        }
    }
}
