// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Words of the kernel's command line: what only a reboot changes.
public struct BootWord: Equatable, Sendable {
    /// Such as "nohz_full=2-3".
    public let text: String
    /// Why.
    public let reason: String
    /// Whether the kernel that runs has it already.
    public let isThere: Bool

    /// The part before the "=".
    public var name: String { String(text.prefix { $0 != "=" }) }
}

extension BootWord {
    /// What goes before the list in `isolcpus`: interrupts that the kernel manages stay away too.
    internal static let isolation = "managed_irq,domain,"

    /// The processors that a word names, ascending; nil if it is not there.
    internal static func cpus(_ name: String, in words: [String]) -> [Int]? {
        let lists = words.filter { $0.hasPrefix("\(name)=") }
        guard !lists.isEmpty else { return nil }
        // Flags before the list are no numbers.
        return NumberList.numbers(
            lists.map { $0.dropFirst(name.utf8.count + 1) }.joined(separator: ","))
    }

    /// Pages of 1 GB, which memory is whole enough for only at boot.
    internal static func gigantic(_ reserves: [HardwareProfile.HugePageReserve]) -> [String] {
        let wanted = reserves.filter { $0.pageMB == 1_024 && $0.count > 0 }
        guard !wanted.isEmpty else { return [] }
        let counts = wanted.map { "\($0.node.rawValue):\($0.count)" }.joined(separator: ",")
        return ["hugepagesz=1G", "hugepages=\(counts)"]
    }

    /// What switches an IOMMU on: with AMD the firmware alone.
    internal static func iommu(_ machine: MachineFacts) -> [String] {
        isAMD(machine) ? [] : ["intel_iommu=on"]
    }

    /// The same for people.
    internal static func iommuAdvice(_ machine: MachineFacts) -> String {
        isAMD(machine)
            ? "switch the IOMMU on in the firmware"
            : "boot with intel_iommu=on, and switch the IOMMU on in the firmware"
    }

    private static func isAMD(_ machine: MachineFacts) -> Bool {
        machine.cpus.model?.contains("AMD") == true
    }

    /// All that the profile asks for of a boot. The profile's processors are chosen already.
    public static func wanted(_ profile: HardwareProfile, _ machine: MachineFacts) -> [BootWord] {
        isolationWords(profile, machine) + memoryWords(profile, machine)
            + iommuWords(profile, machine)
    }

    private static func isolationWords(
        _ profile: HardwareProfile, _ machine: MachineFacts
    ) -> [BootWord] {
        let cpus = profile.processorsKeptFree(machine)
        guard !cpus.isEmpty else { return [] }
        let list = NumberList.text(cpus)
        func holds(_ kept: [Int]?) -> Bool { cpus.allSatisfy { kept?.contains($0) == true } }
        var words: [BootWord] = []
        if profile.kernel.isolatePolling == true {
            words = [
                BootWord(
                    text: "isolcpus=\(isolation)\(list)",
                    reason: "the scheduler puts nobody else there",
                    isThere: holds(machine.cpus.isolated)),
                BootWord(
                    text: "nohz_full=\(list)", reason: "no timer tick while one thread runs",
                    isThere: holds(machine.cpus.nohzFull)),
                BootWord(
                    text: "rcu_nocbs=\(list)", reason: "the kernel cleans up elsewhere",
                    isThere: holds(machine.callbackFree)),
            ]
        }
        if profile.kernel.interruptsOnHousekeeping == true {
            let others = profile.interruptProcessors(machine)
            let now = machine.kernel.defaultInterruptCPUs ?? cpus
            words.append(
                BootWord(
                    text: "irqaffinity=\(NumberList.text(others))",
                    reason: "interrupts are born on the other processors",
                    isThere: !now.contains(where: cpus.contains)))
        }
        return words
    }

    private static func memoryWords(
        _ profile: HardwareProfile, _ machine: MachineFacts
    ) -> [BootWord] {
        let reserves = profile.hugePages.filter { $0.pageMB == 1_024 && $0.count > 0 }
        let isThere = reserves.allSatisfy { reserve in
            let pools = machine.nodes.first { $0.node == reserve.node }?.hugePages ?? []
            return (pools.first { $0.pageKiB == 1_048_576 }?.total ?? 0) >= reserve.count
        }
        return gigantic(reserves).map {
            BootWord(
                text: $0, reason: "pages of 1 GB can be had only while memory is whole",
                isThere: isThere)
        }
    }

    private static func iommuWords(
        _ profile: HardwareProfile, _ machine: MachineFacts
    ) -> [BootWord] {
        let card: PCIDevice
        switch machine.card(of: profile) {
        case .absent, .shared: return []
        case .bound(let found), .unbound(let found): card = found
        }
        let words = iommu(machine).map {
            BootWord(
                text: $0, reason: "vfio-pci gives a card away only behind an IOMMU",
                isThere: card.iommuGroup != nil)
        }
        let addition = "the kernel's own devices pass by the IOMMU; an addition, no must"
        return words + [
            BootWord(text: "iommu=pt", reason: addition, isThere: card.iommuGroup != nil)
        ]
    }
}

extension MachineFacts {
    /// The processors where the kernel does not clean up behind itself: those that were asked for,
    /// and those without a timer tick. Nil if the kernel does not tell its command line.
    internal var callbackFree: [Int]? {
        kernel.commandLine.map {
            (BootWord.cpus("rcu_nocbs", in: $0) ?? []) + (cpus.nohzFull ?? [])
        }
    }
}

extension HardwareProfile {
    /// Where interrupts may go: the housekeeping processors, else all that are not kept free.
    internal func interruptProcessors(_ machine: MachineFacts) -> [Int] {
        let kept = Set(processorsKeptFree(machine))
        let online = machine.cpus.online.filter { !kept.contains($0) }
        let chosen = cpus.housekeeping.filter { online.contains($0) }
        return chosen.isEmpty ? online : chosen.sorted()
    }
}
