// SPDX-License-Identifier: Apache-2.0

/// Interrupts, frequency, sleep, clock and scheduler.
extension HostCheck {
    internal var defaultInterrupts: [Finding] {
        let topic = "new interrupts"
        guard profile.kernel.interruptsOnHousekeeping == true, !keptFree.isEmpty else { return [] }
        let wanted = NumberList.text(profile.interruptProcessors(machine))
        guard let cpus = machine.kernel.defaultInterruptCPUs else {
            return [.unknown(topic, "the kernel does not tell where they go", wanted: wanted)]
        }
        let wrong = cpus.filter(keptFree.contains)
        guard !wrong.isEmpty else { return [.ok(topic, "go to \(NumberList.text(cpus))")] }
        return [
            .warning(
                topic, "may go to \(named(wrong))", wanted: wanted,
                because: "a driver that is loaded later interrupts a polling thread",
                fix: "boot with irqaffinity=\(wanted), or needletail hw apply PROFILE", .apply)
        ]
    }

    internal var deviceInterrupts: [Finding] {
        let topic = "interrupts"
        guard profile.kernel.interruptsOnHousekeeping == true, !keptFree.isEmpty else { return [] }
        let known = machine.interrupting(beside: profile).filter { !$0.interrupts.isEmpty }
        guard !known.isEmpty else {
            return [
                .unknown(
                    topic, "the kernel tells of none of disks and network cards",
                    wanted: "none on \(named(keptFree))")
            ]
        }
        let wrong = known.compactMap { device -> Finding? in
            let here = device.interrupts.filter { interrupt in
                (interrupt.effective ?? interrupt.allowed ?? []).contains(where: keptFree.contains)
                    && !machine.isQuiet(interrupt, of: device, on: keptFree)
            }
            guard !here.isEmpty else { return nil }
            let numbers = NumberList.text(here.map(\.number))
            let cpus = Set(here.flatMap { $0.effective ?? $0.allowed ?? [] })
                .filter(keptFree.contains).sorted()
            return .warning(
                topic,
                "\(numbers) of \(device.address) (\(device.driver ?? "")) go to "
                    + named(cpus),
                wanted: NumberList.text(profile.interruptProcessors(machine)),
                because: "each one stops a polling thread",
                fix: "needletail hw apply PROFILE; those that the kernel manages itself move "
                    + "only by isolcpus=\(BootWord.isolation)\(NumberList.text(keptFree))", .apply)
        }
        return wrong.isEmpty
            ? [.ok(topic, "none of disks and network cards disturb \(named(keptFree))")] : wrong
    }

    internal var governor: [Finding] {
        let topic = "governor"
        guard let wanted = profile.kernel.governor, !polling.isEmpty else { return [] }
        let unknown = polling.filter { processors[$0]?.governor == nil }
        guard unknown.isEmpty else {
            return [
                .unknown(
                    topic, "the kernel does not choose the frequency of \(named(unknown))",
                    wanted: wanted)
            ]
        }
        let wrong = polling.filter { processors[$0]?.governor != wanted }
        guard let first = wrong.first else { return [.ok(topic, wanted)] }
        return [
            .warning(
                topic, "\(processors[first]?.governor ?? "") on \(named(wrong))", wanted: wanted,
                because: "the processor runs slower than it could, and changes speed meanwhile",
                fix: "echo \(ShellText.quoted(wanted)) > /\(TuningPath.governor(first))", .apply)
        ]
    }

    internal var idleStates: [Finding] {
        let topic = "idle states"
        guard let limit = profile.kernel.idleLatencyMicrosMax, !polling.isEmpty else { return [] }
        let wanted = "\(limit) µs at most to wake up"
        let unknown = polling.filter { processors[$0]?.idleStates.isEmpty ?? true }
        guard unknown.isEmpty else {
            return [
                .unknown(topic, "the kernel tells of none for \(named(unknown))", wanted: wanted)
            ]
        }
        let slow = polling.filter { (processors[$0]?.idleLatencyMicrosMax ?? 0) > limit }
        guard !slow.isEmpty else { return [.ok(topic, wanted)] }
        let worst = slow.compactMap { processors[$0]?.idleLatencyMicrosMax }.max() ?? 0
        return [
            .warning(
                topic, "\(worst) µs to wake up on \(named(slow))", wanted: wanted,
                because: "a thread that waited answers so much later",
                fix: "needletail hw apply PROFILE, or boot with "
                    + "intel_idle.max_cstate=1 processor.max_cstate=1", .apply)
        ]
    }

    internal var heat: [Finding] {
        let slowed = polling.filter { (processors[$0]?.throttleCount ?? 0) > 0 }
        guard !slowed.isEmpty else { return [] }
        return [
            .warning(
                "heat", "\(named(slowed)) slowed down for it since the boot", wanted: "never",
                because: "a core that is too hot runs slower for as long as it is",
                fix: "look at fans, filters and what else keeps the machine busy", .hand)
        ]
    }

    internal var clockSource: [Finding] {
        let topic = "clock source"
        guard let found = machine.kernel.clockSource else {
            return [.unknown(topic, "the kernel does not tell", wanted: "tsc")]
        }
        // The clock of an arm64 machine is read as cheaply.
        if ["tsc", "arch_sys_counter"].contains(found) { return [.ok(topic, found)] }
        let canTSC = machine.kernel.clockSources?.contains("tsc") == true
        return [
            .warning(
                topic, found, wanted: "tsc",
                because: "reading the time costs a system call or a visit to a slow device",
                fix: canTSC
                    ? "echo tsc > /\(TuningPath.clockSource)"
                    : "the kernel did not find the tsc steady: look into dmesg; "
                        + "a hypervisor must offer an invariant one",
                .hand)
        ]
    }

    /// Settings that are good for everything but a gateway.
    internal var schedulerSettings: [Finding] {
        Sysctl.wanted(profile, machine).map { setting in
            guard let found = setting.value(machine) else {
                return .unknown(
                    setting.topic, "the kernel has no \(setting.name), or does not tell",
                    wanted: "\(setting.wanted)")
            }
            guard found != setting.after(found) else {
                return .ok(setting.topic, "\(setting.name) = \(found)")
            }
            return .warning(
                setting.topic, "\(setting.name) = \(found)",
                wanted: "\(setting.wanted)\(setting.isLeast ? " or more" : "")",
                because: setting.reason, fix: "sysctl -w \(setting.name)=\(setting.wanted)", .apply)
        }
    }
}
