// SPDX-License-Identifier: Apache-2.0
public import Platform

/// The processors, and what the kernel was told to keep away from them.
public struct CPUTopology: Equatable, Sendable {
    /// As the first of them calls itself; nil if unknown.
    public let model: String?
    /// Whether a core runs two threads or more at present.
    public let isSMTActive: Bool?
    /// The numbers of all that are plugged in, ascending, those that are off too; nil if unknown.
    public let present: [Int]?
    /// Those that are online, ascending by number; empty if unknown.
    public let processors: [Processor]
    /// Those that the scheduler leaves alone (`isolcpus`); nil if unknown.
    public let isolated: [Int]?
    /// Those without a timer tick (`nohz_full`); nil if unknown.
    public let nohzFull: [Int]?

    /// The numbers of those that are online, ascending.
    public var online: [Int] { processors.map(\.number) }
    /// How many packages the processors are in; nil if unknown of one of them.
    public var packageCount: Int? { distinct { $0.package.map { [$0] } } }
    /// How many cores there are; nil if unknown of one of them.
    public var coreCount: Int? { distinct { $0.siblings } }

    internal static func read(_ root: MachineRoot, nodes: [NUMANodeFacts]) -> CPUTopology {
        var nodeByCPU: [Int: NUMANode] = [:]
        for node in nodes { for cpu in node.cpus { nodeByCPU[cpu] = node.node } }
        let online = root.list("\(cpuFolder)/online") ?? []
        return CPUTopology(
            model: model(root), isSMTActive: root.flag("\(cpuFolder)/smt/active"),
            present: root.list("\(cpuFolder)/present"),
            processors: online.map { Processor.read(root, number: $0, node: nodeByCPU[$0]) },
            isolated: root.list("\(cpuFolder)/isolated"),
            nohzFull: root.list("\(cpuFolder)/nohz_full"))
    }

    private static func model(_ root: MachineRoot) -> String? {
        for line in (root.text("proc/cpuinfo") ?? "").split(separator: "\n")
        where line.hasPrefix("model name") {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[line.index(after: colon)...].drop { $0 == " " }
            return name.isEmpty ? nil : String(name)
        }
        return nil
    }

    private func distinct(_ key: (Processor) -> [Int]?) -> Int? {
        var keys: Set<[Int]> = []
        for processor in processors {
            guard let key = key(processor) else { return nil }
            keys.insert(key)
        }
        return keys.isEmpty ? nil : keys.count
    }
}

internal let cpuFolder = "sys/devices/system/cpu"

/// One processor, as the kernel counts them: a thread of a core.
public struct Processor: Equatable, Sendable {
    /// Its number.
    public let number: Int
    /// The number of its socket.
    public let package: Int?
    /// The number of its core, unique in its package only.
    public let core: Int?
    /// Near which memory it is.
    public let node: NUMANode?
    /// Those that share its core, with itself, ascending.
    public let siblings: [Int]?
    /// Its caches as the kernel lists them, the nearest first; empty if unknown.
    public let caches: [CPUCache]
    /// How its frequency is chosen; nil also where the kernel does not choose.
    public let governor: String?
    /// Its idle states, the lightest first; empty if there are none or nobody knows.
    public let idleStates: [IdleState]
    /// How often its core was slowed down since the boot for being too hot; nil if unknown.
    public let throttleCount: Int?

    /// The longest time to wake up from an idle state that is enabled, in microseconds; nil if
    /// there are none.
    public var idleLatencyMicrosMax: Int? {
        idleStates.filter { !$0.isDisabled }.map(\.latencyMicros).max()
    }

    internal static func read(_ root: MachineRoot, number: Int, node: NUMANode?) -> Processor {
        let folder = "\(cpuFolder)/cpu\(number)"
        let siblings = root.list("\(folder)/topology/thread_siblings_list")
        return Processor(
            number: number, package: root.count("\(folder)/topology/physical_package_id"),
            core: root.count("\(folder)/topology/core_id"), node: node,
            siblings: siblings.flatMap { $0.isEmpty ? nil : $0 },
            caches: (root.numbers("\(folder)/cache", behind: "index") ?? [])
                .compactMap { CPUCache.read(root, "\(folder)/cache/index\($0)") },
            governor: root.word("\(folder)/cpufreq/scaling_governor"),
            idleStates: (root.numbers("\(folder)/cpuidle", behind: "state") ?? []).compactMap {
                IdleState.read(root, "\(folder)/cpuidle/state\($0)", number: $0)
            },
            throttleCount: root.count("\(folder)/thermal_throttle/core_throttle_count"))
    }
}

/// How deeply a processor may sleep.
public struct IdleState: Equatable, Sendable {
    /// Its number, from 0; the deeper the higher.
    public let number: Int
    /// The time to wake up from it, in microseconds.
    public let latencyMicros: Int
    /// Whether it was switched off.
    public let isDisabled: Bool

    internal static func read(_ root: MachineRoot, _ folder: String, number: Int) -> IdleState? {
        root.count("\(folder)/latency").map {
            IdleState(
                number: number, latencyMicros: $0,
                isDisabled: root.flag("\(folder)/disable") == true)
        }
    }
}

/// One cache of a processor.
public struct CPUCache: Equatable, Sendable {
    /// 1 is the nearest.
    public let level: Int
    /// "Data", "Instruction" or "Unified".
    public let kind: String
    /// In KiB; nil if unknown.
    public let sizeKiB: Int?
    /// The processors that share it, ascending; nil if unknown.
    public let sharedBy: [Int]?

    internal static func read(_ root: MachineRoot, _ folder: String) -> CPUCache? {
        guard let level = root.count("\(folder)/level") else { return nil }
        return CPUCache(
            level: level, kind: root.word("\(folder)/type") ?? "unknown",
            sizeKiB: root.text("\(folder)/size").flatMap(kibibytes),
            sharedBy: root.list("\(folder)/shared_cpu_list"))
    }

    /// "48K" is 48, "32M" is 32768.
    private static func kibibytes(_ text: String) -> Int? {
        guard let number = Int(text.dropLast()), number >= 0, number <= 1 << 40 else { return nil }
        switch text.last {
        case "K": return number
        case "M": return number << 10
        default: return nil
        }
    }
}
