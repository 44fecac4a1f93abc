// SPDX-License-Identifier: Apache-2.0

/// The kernel and how it was started.
public struct KernelFacts: Equatable, Sendable {
    /// Such as "6.1.0-28-amd64".
    public let release: String?
    /// The words of its command line; nil if unknown.
    public let commandLine: [String]?
    /// The clock that it reads, such as "tsc".
    public let clockSource: String?
    /// The clocks that it could read; nil if unknown.
    public let clockSources: [String]?
    /// When memory is given as huge pages unasked: "always", "madvise" or "never".
    public let transparentHugePages: String?
    /// How many IOMMU groups there are: 0 without an IOMMU, or with it off; nil if unknown.
    public let iommuGroupCount: Int?
    /// The modules of VFIO that are there; nil if unknown.
    public let vfioModules: [String]?
    /// Whether VFIO works without an IOMMU; nil if there is no VFIO.
    public let isNoIOMMUAllowed: Bool?
    /// Whether the scheduler shares cores among sessions first; nil if unknown.
    public let isAutogroupOn: Bool?
    /// Where interrupts go that nobody has placed, ascending; nil if unknown.
    public let defaultInterruptCPUs: [Int]?
    /// Settings below /proc/sys that matter here, by name as `sysctl` has it, in a fixed order;
    /// those that this kernel has not are left out.
    public let settings: [KernelSetting]

    internal static func read(_ root: MachineRoot) -> KernelFacts {
        let clock = "sys/devices/system/clocksource/clocksource0"
        return KernelFacts(
            release: root.word("proc/sys/kernel/osrelease"),
            commandLine: root.words("proc/cmdline"),
            clockSource: root.word("\(clock)/current_clocksource"),
            clockSources: root.words("\(clock)/available_clocksource"),
            transparentHugePages: root.words("sys/kernel/mm/transparent_hugepage/enabled")
                .flatMap(chosenWord),
            iommuGroupCount: root.numbers("sys/kernel/iommu_groups", behind: "")?.count,
            vfioModules: root.names("sys/module").map { $0.filter { $0.hasPrefix("vfio") } },
            isNoIOMMUAllowed: root.flag("sys/module/vfio/parameters/enable_unsafe_noiommu_mode"),
            isAutogroupOn: root.flag("proc/sys/kernel/sched_autogroup_enabled"),
            defaultInterruptCPUs: root.text("proc/irq/default_smp_affinity")
                .flatMap(NumberList.mask),
            settings: settingNames.compactMap { name in
                let path = name.split(separator: ".").joined(separator: "/")
                return root.number("proc/sys/\(path)").map { KernelSetting(name: name, value: $0) }
            })
    }

    /// As `hw/scripts/record-machine` records them.
    private static let settingNames = ["kernel.numa_balancing", "vm.stat_interval"]
}

/// One setting of the kernel at run time.
public struct KernelSetting: Equatable, Sendable {
    /// Such as "vm.stat_interval".
    public let name: String
    /// In its own unit.
    public let value: Int
}

/// The word in brackets, "never" of "always [never]": so the kernel shows a choice.
internal func chosenWord(_ words: [String]) -> String? {
    guard let word = words.first(where: { $0.hasPrefix("[") && $0.hasSuffix("]") }) else {
        return nil
    }
    return String(word.dropFirst().dropLast())
}
