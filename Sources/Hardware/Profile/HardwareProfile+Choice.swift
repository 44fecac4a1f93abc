// SPDX-License-Identifier: Apache-2.0
public import Platform

extension HardwareProfile {
    /// The profile with everything chosen that it leaves open about threads: mode, polling, and
    /// the processors of polling threads. A polling thread gets a core to itself, with none of its
    /// siblings, near the port if there are such: first cores that the kernel keeps free
    /// (`isolcpus`), then from the highest number down, for the system's own work gathers on the
    /// first ones. One core is left to everybody else. Where there are not cores enough nothing is
    /// pinned but what the profile names.
    ///
    /// - Parameters:
    ///   - machine: where it runs.
    ///   - cpus: processors that the process may use, ascending.
    ///   - shards: 1 or more.
    ///   - hasJournal: whether a disk needs a core too.
    public func completed(
        for machine: MachineFacts, cpus allowed: [Int], shards: Int, hasJournal: Bool
    ) -> HardwareProfile {
        var profile = self
        let named = Set(
            cpus.gateway + cpus.engine + cpus.mirror + cpus.journal + cpus.housekeeping)
        var cores = Cores(machine, allowed: allowed, near: portNode(machine), taken: named)
        let spare = max(0, cores.count - 1)
        if mode == .auto {
            let isSplit = !cpus.engine.isEmpty || spare >= 2 * shards
            profile.mode = isSplit ? .pipeline : .runToCompletion
        }
        let threads = profile.mode == .pipeline ? 2 * shards : shards
        // The journal's disk works too: a core that never pauses keeps the kernel's workers waiting
        // that end its writes.
        if polling == .auto {
            let needed = threads + (hasJournal && cpus.journal.isEmpty ? 1 : 0)
            profile.polling = spare >= needed ? .busy : .adaptive
        }
        guard profile.polling == .busy else { return profile }
        let isOpen = (cpus.gateway.isEmpty, profile.mode == .pipeline && cpus.engine.isEmpty)
        if isOpen.0 { profile.cpus.gateway = cores.take(shards) }
        if isOpen.1 { profile.cpus.engine = cores.take(shards) }
        if cpus.housekeeping.isEmpty, isOpen.0 || isOpen.1 {
            profile.cpus.housekeeping = cores.rest(
                besides: profile.cpus.polling + profile.cpus.journal)
        }
        return profile
    }

    /// The same on the machine that this process runs on, among the processors that it may use.
    public func completed(shards: Int, hasJournal: Bool) -> HardwareProfile {
        let machine = MachineFacts.read()
        return completed(
            for: machine, cpus: Affinity.usableCPUs(others: machine.cpus.isolated ?? []),
            shards: shards, hasJournal: hasJournal)
    }

    /// Near which memory the port's card is; nil when nobody knows.
    public func portNode(_ machine: MachineFacts) -> NUMANode? {
        portDevice(machine)?.node
    }

    /// The port's device; nil if the profile names none, or it is not there.
    internal func portDevice(_ machine: MachineFacts) -> NetworkDevice? {
        machine.networkDevices.first {
            (pciAddress != nil && $0.pciAddress == pciAddress)
                || (interface != nil && $0.interface == interface)
        }
    }
}

/// The physical cores that a process may use, in the order in which polling threads want them.
private struct Cores {
    /// Of each core the processors that may be used, ascending.
    private let all: [[Int]]
    /// Those with a processor that nobody has by name; the next to be taken is the first.
    private var free: [[Int]]
    /// Not for the scheduler, so not for everybody else either.
    private let isolated: Set<Int>

    init(_ machine: MachineFacts, allowed: [Int], near node: NUMANode?, taken: Set<Int>) {
        var siblings: [Int: [Int]] = [:]
        var nodes: [Int: NUMANode] = [:]
        for cpu in machine.cpus.processors {
            siblings[cpu.number] = cpu.siblings
            nodes[cpu.number] = cpu.node
        }
        isolated = Set(machine.cpus.isolated ?? [])
        var all: [[Int]] = []
        var seen: Set<Int> = []
        for cpu in allowed where !seen.contains(cpu) {
            // Of itself and, where the kernel is right, of its siblings.
            let core = Set([cpu] + (siblings[cpu] ?? [])).filter { allowed.contains($0) }.sorted()
            seen.formUnion(core)
            all.append(core)
        }
        self.all = all
        let isolated = isolated
        func rank(_ core: [Int]) -> (Int, Int, Int) {
            let isNear = node == nil || nodes[core[0]] == node
            return (isNear ? 1 : 0, isolated.contains(core[0]) ? 1 : 0, core[0])
        }
        free = all.filter { taken.isDisjoint(with: $0) }.sorted { rank($0) > rank($1) }
    }

    var count: Int { all.count }

    /// The first processors of the next cores; none when there are not so many.
    mutating func take(_ number: Int) -> [Int] {
        guard free.count >= number else { return [] }
        defer { free.removeFirst(number) }
        return free.prefix(number).map { $0[0] }
    }

    /// The processors of all cores but those with one of these in them, and not isolated.
    func rest(besides polling: [Int]) -> [Int] {
        all.filter { Set(polling).isDisjoint(with: $0) }.flatMap { $0 }
            .filter { !isolated.contains($0) }.sorted()
    }
}
