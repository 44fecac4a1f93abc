// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// What of a profile can be done while the machine runs.
public struct HostTuning: Sendable {
    private let profile: HardwareProfile
    private let machine: MachineFacts
    private let isAll: Bool

    /// `profile` has its processors chosen. With `all`, also what the machine has already.
    public init(_ profile: HardwareProfile, on machine: MachineFacts, all: Bool = false) {
        self.profile = profile
        self.machine = machine
        isAll = all
    }

    /// In the order in which they are to be done: what fails most easily comes first.
    public var steps: [TuningStep] {
        [
            hugePages, governors, idleStates, transparentHugePages, settings, diskScheduler,
            defaultInterrupts, deviceInterrupts,
        ].flatMap { $0 }
    }

    private var polling: [Int] {
        let online = machine.cpus.online
        return profile.cpus.polling.filter(online.contains)
    }

    private var hugePages: [TuningStep] {
        profile.hugePages.compactMap { reserve in
            guard reserve.pageMB == 2,
                let node = machine.nodes.first(where: { $0.node == reserve.node }),
                let total = node.hugePages.first(where: { $0.pageKiB == 2_048 })?.total,
                isAll || total < reserve.count
            else { return nil }
            return TuningStep(
                topic: "huge pages of 2 MB on node \(reserve.node.rawValue)",
                reason: "packets and rings lie on them", path: reserve.path(machine),
                before: "\(total)", after: "\(max(total, reserve.count))",
                cure: "memory is full or in pieces: free some, or reserve them at boot by "
                    + "hugepages=\(reserve.count)")
        }
    }

    private var governors: [TuningStep] {
        guard let wanted = profile.kernel.governor else { return [] }
        return machine.cpus.processors.compactMap { cpu in
            guard polling.contains(cpu.number), let found = cpu.governor, isAll || found != wanted
            else { return nil }
            return TuningStep(
                topic: "governor of processor \(cpu.number)", reason: "full speed at all times",
                path: TuningPath.governor(cpu.number), before: found, after: wanted,
                cure: "see scaling_available_governors beside it")
        }
    }

    private var idleStates: [TuningStep] {
        guard let limit = profile.kernel.idleLatencyMicrosMax else { return [] }
        return machine.cpus.processors.filter { polling.contains($0.number) }.flatMap { cpu in
            cpu.idleStates.filter { $0.latencyMicros > limit && (isAll || !$0.isDisabled) }
                .map { state in
                    TuningStep(
                        topic: "idle state \(state.number) of processor \(cpu.number)",
                        reason: "\(state.latencyMicros) µs to wake up",
                        path: TuningPath.idleState(cpu.number, state.number),
                        before: state.isDisabled ? "1" : "0", after: "1")
                }
        }
    }

    private var transparentHugePages: [TuningStep] {
        let wanted = profile.kernel.transparentHugePages
        guard let first = wanted.first, let found = machine.kernel.transparentHugePages,
            isAll || !wanted.contains(found)
        else { return [] }
        return [
            TuningStep(
                topic: "transparent huge pages", reason: "no memory is moved behind our back",
                path: TuningPath.transparentHugePages, before: found,
                after: wanted.contains(found) ? found : first)
        ]
    }

    private var settings: [TuningStep] {
        Sysctl.wanted(profile, machine).compactMap { setting in
            guard let found = setting.value(machine), isAll || found != setting.after(found)
            else { return nil }
            return TuningStep(
                topic: setting.name, reason: setting.reason, path: setting.path,
                before: "\(found)", after: "\(setting.after(found))")
        }
    }

    private var diskScheduler: [TuningStep] {
        guard let name = profile.journalDisk,
            let disk = machine.blockDevices.first(where: { $0.name == name }),
            let found = disk.scheduler, isAll || found != "none"
        else { return [] }
        return [
            TuningStep(
                topic: "scheduler of \(name)", reason: "no write waits to be put in order",
                path: TuningPath.diskScheduler(disk), before: found, after: "none")
        ]
    }
}

// MARK: Interrupts

extension HostTuning {
    private var interruptsOff: (from: [Int], to: [Int])? {
        let kept = profile.processorsKeptFree(machine)
        let others = profile.interruptProcessors(machine)
        guard profile.kernel.interruptsOnHousekeeping == true, !kept.isEmpty, !others.isEmpty
        else { return nil }
        return (kept, others)
    }

    private var defaultInterrupts: [TuningStep] {
        guard let (kept, others) = interruptsOff,
            let found = machine.kernel.defaultInterruptCPUs,
            isAll || found.contains(where: kept.contains)
        else { return [] }
        return [
            TuningStep(
                topic: "interrupts of drivers loaded later",
                reason: "none begins on a polling core", path: TuningPath.defaultInterrupts,
                before: NumberList.maskText(found), after: NumberList.maskText(others))
        ]
    }

    private var deviceInterrupts: [TuningStep] {
        guard let (kept, others) = interruptsOff else { return [] }
        return machine.interrupting(beside: profile).flatMap { device in
            device.interrupts.compactMap { interrupt in
                guard let allowed = interrupt.allowed,
                    !machine.isQuiet(interrupt, of: device, on: kept)
                else { return nil }
                let now = interrupt.effective ?? allowed
                guard isAll || now.contains(where: kept.contains) else { return nil }
                return TuningStep(
                    topic: "interrupt \(interrupt.number) of \(device.address)",
                    reason: "it stops a polling thread",
                    path: TuningPath.interrupt(interrupt.number),
                    before: NumberList.text(allowed), after: NumberList.text(others),
                    mayBeRefused: true,
                    cure:
                        "the kernel may manage it itself; isolcpus=managed_irq,… helps then"
                )
            }
        }
    }
}

// MARK: The card

extension HostTuning {
    /// What takes the port's card from the kernel and gives it to vfio-pci; none if it has it.
    /// Throws where that would harm: the host talks through it, or it could not be bound.
    public func bindSteps() throws(TuningError) -> [TuningStep] {
        let card: PCIDevice
        switch machine.card(of: profile) {
        case .absent: throw TuningError("\(absence): nothing to bind")
        case .shared, .bound: return []
        case .unbound(let found): card = found
        }
        let address = card.address
        for device in machine.networkDevices where device.pciAddress == address {
            guard let name = device.interface else { continue }
            switch machine.interfaces.first(where: { $0.name == name })?.carriesHostTraffic {
            case false?: continue
            case true?:
                throw TuningError(
                    "\(name) at \(address) carries this host's own traffic: use another card")
            case nil:
                throw TuningError(
                    "the kernel does not tell whether the host talks through \(name) at "
                        + "\(address): use another card")
            }
        }
        guard machine.kernel.vfioModules?.contains("vfio_pci") == true else {
            throw TuningError("the kernel has no vfio-pci yet; `modprobe vfio-pci` loads it")
        }
        guard card.iommuGroup != nil || machine.kernel.isNoIOMMUAllowed == true else {
            throw TuningError(
                "there is no IOMMU group for \(address), so vfio-pci would not take it; "
                    + BootWord.iommuAdvice(machine))
        }
        return steps(from: card)
    }

    private var absence: String {
        guard let port = profile.port else { return "the profile names no port" }
        return profile.pciAddress.map(machine.noCard(at:)) ?? "port \(port) is no card on PCI"
    }

    private func steps(from card: PCIDevice) -> [TuningStep] {
        let bus = "sys/bus/pci"
        let device = "\(bus)/devices/\(card.address)"
        func order(
            _ path: String, _ value: String, _ states: (before: String, after: String),
            undo: String, _ undoValue: String,
            proof: TuningStep.Proof? = nil
        ) -> TuningStep {
            TuningStep(
                topic: "card \(card.address)", reason: "DPDK drives it itself", path: path,
                before: states.before, after: value, cure: "see the end of dmesg",
                order: .init(
                    result: states.after, undoPath: undo, undoValue: undoValue, proof: proof))
        }
        var steps: [TuningStep] = []
        // Taken back from the last one: off vfio-pci, no override, then whoever fits takes it.
        if let driver = card.driver {
            steps.append(
                order(
                    "\(device)/driver/unbind", card.address, ("bound to \(driver)", "no driver"),
                    undo: "\(bus)/drivers_probe", card.address))
        }
        steps.append(
            order(
                "\(device)/driver_override", "vfio-pci", ("for any driver", "for vfio-pci"),
                undo: "\(device)/driver_override", ""))
        steps.append(
            order(
                "\(bus)/drivers_probe", card.address, ("no driver", "bound to vfio-pci"),
                undo: "\(bus)/drivers/vfio-pci/unbind", card.address,
                proof: .init(path: "\(device)/uevent", line: "DRIVER=vfio-pci")))
        return steps
    }
}
