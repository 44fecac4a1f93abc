// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// The unit that sets the host up at each boot, and what the gateway's service must know of it.
extension HostPlan {
    internal var service: String {
        let steps = HostTuning(profile, on: machine, all: true).steps
        let needsUnit = !steps.isEmpty || !bindOption.isEmpty
        let dropIn = dropInLines
        guard needsUnit || !dropIn.isEmpty else { return "" }
        var text = """
            # --- The service: the host is set up before the gateway needletail@\(instance) \
            starts.
            # A host has one profile: another one's plan takes the place of this unit. ---

            """
        let target = "/etc/needletail/\(instance).profile.yaml"
        if file != target {
            text += "install -D -m 644 \(ShellText.quoted(file)) \(target)\n"
        }
        if needsUnit { text += unit(target) }
        text += """
            mkdir -p /etc/systemd/system/needletail@\(instance).service.d
            cat > /etc/systemd/system/needletail@\(instance).service.d/host.conf << 'END'

            """
        if needsUnit {
            text += "[Unit]\nWants=needletail-host.service\nAfter=needletail-host.service\n"
        }
        if !dropIn.isEmpty { text += "[Service]\n" + dropIn.map { "\($0)\n" }.joined() }
        text += "END\nsystemctl daemon-reload\n"
        return needsUnit ? text + "systemctl enable needletail-host.service\n" : text
    }

    private func unit(_ target: String) -> String {
        """
        cat > /etc/systemd/system/needletail-host.service << 'END'
        [Unit]
        Description=Set this host up for needletail
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=\(program) hw apply\(bindOption) \(target)
        ExecStop=-\(program) hw apply --undo /run/needletail/undo-\(instance)
        [Install]
        WantedBy=multi-user.target
        END

        """
    }

    private var bindOption: String {
        switch machine.card(of: profile) {
        case .absent, .shared: ""
        case .bound(let card), .unbound(let card):
            machine.hostInterface(ofCard: card.address) == nil ? " --bind-nic" : ""
        }
    }

    private var dropInLines: [String] {
        let polling = profile.cpus.polling
        var lines: [String] = []
        if namesProcessors, !profile.cpus.housekeeping.isEmpty {
            lines += [
                "# Threads that are kept nowhere stay off the polling cores; those that are pinned",
                "# go to theirs from here.",
                "CPUAffinity=\(NumberList.text(profile.cpus.housekeeping.sorted()))",
            ]
        }
        let nodes = Set(
            machine.cpus.processors.filter { polling.contains($0.number) }
                .compactMap { $0.node?.rawValue })
        if machine.nodes.count > 1, nodes.count == 1, let node = nodes.first {
            lines += [
                "# What is not placed by the gateway itself lies near its cores too.",
                "NUMAPolicy=preferred", "NUMAMask=\(node)",
            ]
        }
        return lines
    }
}
