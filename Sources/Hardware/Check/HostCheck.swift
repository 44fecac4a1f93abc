// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// A profile held against a machine. Pure: it reads what was read before, and changes nothing.
public struct HostCheck: Sendable {
    /// The profile with its processors chosen.
    public let profile: HardwareProfile
    internal let machine: MachineFacts
    internal let shards: Int
    internal let processors: [Int: Processor]

    /// Completes the profile for `machine`. `shards` is how many the gateway will have; nil: as
    /// many as the profile has gateway processors, at least one.
    public init(_ profile: HardwareProfile, on machine: MachineFacts, shards: Int? = nil) {
        let shards = shards ?? max(1, profile.cpus.gateway.count)
        self.shards = shards
        self.machine = machine
        self.profile = profile.completed(
            for: machine, cpus: machine.cpus.online, shards: shards,
            hasJournal: profile.journalDisk != nil || !profile.cpus.journal.isEmpty)
        var processors: [Int: Processor] = [:]
        for processor in machine.cpus.processors { processors[processor.number] = processor }
        self.processors = processors
    }

    /// All that was looked at, the worst first, then in the order in which it is looked at.
    public var findings: [Finding] {
        let all = [
            portDevice, portLink, portBus, processorsThere, processorCounts, sharedCores,
            pollingFree, portNode, shardPlacement, isolation, housekeeping, defaultInterrupts,
            deviceInterrupts, governor, idleStates, heat, packetMemory, ringMemory, reservedPages,
            transparentHugePages, clockSource, schedulerSettings, journalDisk, rdmaDevice,
        ].flatMap { $0 }
        return Finding.Severity.allCases.flatMap { severity in
            all.filter { $0.severity == severity }
        }
    }

    // MARK: What the checks share

    internal var roles: [(name: String, cpus: [Int])] {
        let cpus = profile.cpus
        return [
            ("gateway", cpus.gateway), ("engine", cpus.engine), ("mirror", cpus.mirror),
            ("journal", cpus.journal), ("housekeeping", cpus.housekeeping),
        ]
    }

    /// The polling processors that are there.
    internal var polling: [Int] { profile.cpus.polling.filter { processors[$0] != nil } }

    /// What is to be kept free: the polling processors and the other threads of their cores, but
    /// for those that have work of their own by name.
    internal var keptFree: [Int] { profile.processorsKeptFree(machine) }

    internal func role(_ cpu: Int) -> String {
        roles.first { $0.cpus.contains(cpu) }?.name ?? "nothing"
    }

    internal func node(_ cpu: Int) -> NUMANode? { processors[cpu]?.node }

    /// "processor 3", "processors 3, 5-7".
    internal func named(_ cpus: [Int]) -> String {
        (cpus.count == 1 ? "processor " : "processors ") + NumberList.text(cpus.sorted())
    }
}

extension HardwareProfile {
    /// The polling processors and the other threads of their cores, but for those that have other
    /// work by name; ascending. Empty while nothing is pinned.
    public func processorsKeptFree(_ machine: MachineFacts) -> [Int] {
        let polling = Set(cpus.polling)
        var kept: Set<Int> = []
        for cpu in machine.cpus.processors where polling.contains(cpu.number) {
            kept.formUnion(cpu.siblings ?? [cpu.number])
        }
        return kept.filter {
            polling.contains($0) || !(cpus.housekeeping.contains($0) || cpus.journal.contains($0))
        }.sorted()
    }
}
