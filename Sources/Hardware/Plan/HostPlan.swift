// SPDX-License-Identifier: Apache-2.0

/// What a person does to a host so that it is as its profile says: a shell script with comments, to
/// be read and then pasted.
public struct HostPlan: Sendable {
    internal let profile: HardwareProfile
    internal let machine: MachineFacts
    /// The profile's file, as it was given.
    internal let file: String
    /// What stands behind the `@` of the service.
    internal let instance: String
    /// Whether the profile itself names its processors.
    internal let namesProcessors: Bool
    internal let isAll: Bool
    /// The executable that the unit runs.
    internal let program: String

    /// `file` is where the profile is; it is copied to where the service finds it. With `all`, also
    /// what the machine has already. `program` is needletail's path there.
    public init(
        _ profile: HardwareProfile, file: String, on machine: MachineFacts, shards: Int? = nil,
        all: Bool = false, program: String = "/usr/bin/needletail"
    ) {
        self.profile = HostCheck(profile, on: machine, shards: shards).profile
        self.machine = machine
        self.file = file
        instance = profile.instanceName
        namesProcessors = !profile.cpus.gateway.isEmpty
        isAll = all
        self.program = program
    }

    /// All of it, with a line break at its end.
    public var text: String {
        let sections = [boot, sysctl, runTime, card, balancing, service].filter { !$0.isEmpty }
        let name = ShellText.comment(profile.name.isEmpty ? file : profile.name)
        var text = """
            # What makes this host as its profile \(name) says. Read it, then paste what you want
            # into a root shell. Nothing was changed yet.

            """
        if sections.isEmpty { text += "\n# Nothing is left to do.\n" }
        for section in sections { text += "\n\(section)" }
        return text
    }

    // MARK: Sections

    private var boot: String {
        // The file is written as a whole, so what is there already stands in it too.
        let words = BootWord.wanted(profile, machine)
        guard words.contains(where: { isAll || !$0.isThere }) else { return "" }
        var text = "# --- The kernel's command line: counts from the next boot on ---\n"
        for word in words {
            text += "#   \(word.text)\(word.isThere ? "   (is there)" : "")\n"
            text += "#       \(word.reason)\n"
        }
        for word in words {
            let old = (machine.kernel.commandLine ?? [])
                .filter { $0.hasPrefix("\(word.name)=") && $0 != word.text }
            // Huge pages of two sizes are two words of one name.
            for old in old where !word.name.hasPrefix("hugepages") {
                text +=
                    "# \(ShellText.comment(old)) must go, unless it is in the file below: "
                    + "grep \(word.name) /etc/default/grub\n"
            }
        }
        let line = words.map(\.text).joined(separator: " ")
        return text + """
            mkdir -p /etc/default/grub.d
            cat > /etc/default/grub.d/needletail.cfg << 'END'
            GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT \(line)"
            END
            update-grub

            """
    }

    private var sysctl: String {
        // All of them, for the file is written as a whole.
        let settings = Sysctl.wanted(profile, machine).compactMap { setting in
            setting.value(machine).map { (setting, found: $0, after: setting.after($0)) }
        }
        guard settings.contains(where: { isAll || $0.found != $0.after }) else { return "" }
        var text = "# --- Settings of the kernel: now, and at each boot ---\n"
        text += "cat > /etc/sysctl.d/60-needletail.conf << 'END'\n"
        for (setting, _, value) in settings {
            text += "# \(setting.reason)\n\(setting.name) = \(value)\n"
        }
        return text + "END\nsysctl -p /etc/sysctl.d/60-needletail.conf\n"
    }

    private var runTime: String {
        let paths = Set(Sysctl.wanted(profile, machine).map(\.path))
        let steps = HostTuning(profile, on: machine, all: isAll).steps
            .filter { !paths.contains($0.path) }
        guard !steps.isEmpty else { return "" }
        let name = ShellText.comment(ShellText.quoted(file))
        var text = """
            # --- While the machine runs: `needletail hw apply \(name)` does all of this,
            # and can take it back. It is gone after a boot, so a unit below does it again. ---

            """
        for step in steps {
            let change = "\(step.topic): \(step.before) -> \(step.after); \(step.reason)"
            text += "# \(ShellText.comment(change))\n"
            if step.mayBeRefused { text += "# (\(step.cure))\n" }
            text += "echo \(ShellText.quoted(step.after)) > \(ShellText.quoted("/\(step.path)"))"
            text += step.mayBeRefused ? " || true\n" : "\n"
        }
        return text
    }

    private var card: String {
        let card: PCIDevice
        switch machine.card(of: profile) {
        case .absent, .shared: return ""
        case .bound(let found):
            guard isAll else { return "" }
            card = found
        case .unbound(let found): card = found
        }
        let address = card.address
        let device = "/sys/bus/pci/devices/\(address)"
        let driver = ShellText.comment(card.driver ?? "no driver")
        let interface = machine.hostInterface(ofCard: address)
        var orders = [
            "echo vfio-pci > \(device)/driver_override",
            "echo \(address) > /sys/bus/pci/drivers_probe",
        ]
        if card.driver != nil { orders.insert("echo \(address) > \(device)/driver/unbind", at: 0) }
        var text = """
            # --- The card: from the kernel (\(driver)) to vfio-pci; its interface goes away.

            """
        if let interface {
            text += "# Left out: \(interface) carries this host's own traffic: use another card. "
            text += "---\n"
        } else {
            text += """
                # `needletail hw apply --bind-nic` does the same. For every boot: apt-get install \
                driverctl, then
                # driverctl set-override \(address) vfio-pci ---
                echo vfio-pci > /etc/modules-load.d/needletail.conf
                modprobe vfio-pci

                """
        }
        let isRefused = card.iommuGroup == nil && machine.kernel.isNoIOMMUAllowed != true
        if interface == nil, isRefused {
            text += "# Not before the reboot: without an IOMMU vfio-pci does not take the card.\n"
        }
        let mark = interface != nil || isRefused ? "# " : ""
        return text + orders.map { "\(mark)\($0)\n" }.joined()
    }

    private var balancing: String {
        let kept = profile.processorsKeptFree(machine)
        guard profile.kernel.interruptsOnHousekeeping == true, !kept.isEmpty else { return "" }
        let isIsolated = kept.allSatisfy { machine.cpus.isolated?.contains($0) == true }
        // It keeps off isolated processors by itself.
        guard isAll || !isIsolated else { return "" }
        return """
            # --- irqbalance moves interrupts back every ten seconds, where it runs ---
            if [ -f /etc/default/irqbalance ]; then
                sed -i '/^IRQBALANCE_BANNED_CPULIST=/d' /etc/default/irqbalance
                echo IRQBALANCE_BANNED_CPULIST=\(NumberList.text(kept)) >> /etc/default/irqbalance
                systemctl restart irqbalance
            fi

            """
    }
}

extension HardwareProfile {
    /// The name as a part of file names and of a service; "host" if it has none that fits.
    public var instanceName: String {
        let isPlain = ShellText.isPlain(name) && !name.contains { $0 == "/" || $0 == ":" }
        return !isPlain || name.isEmpty || name.hasPrefix(".") || name.hasPrefix("-")
            ? "host" : name
    }
}
