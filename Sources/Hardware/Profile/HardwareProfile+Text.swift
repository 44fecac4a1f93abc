// SPDX-License-Identifier: Apache-2.0
internal import Platform

extension HardwareProfile {
    /// The profile as a file that `init(yaml:file:)` reads back, with comments for people.
    public var yaml: String { yaml(shards: 1) }

    /// The same for so many shards of the gateway.
    public func yaml(shards: Int) -> String {
        let file = shards == 1 ? "FILE   " : "--shards \(shards) FILE   "
        var text = """
            # SPDX-License-Identifier: Apache-2.0
            # What this host is for a gateway. All keys: docs/operations/configuration.md.
            #
            #   needletail hw check \(file)   what is not so yet, why, and how to fix it
            #   needletail hw plan \(file)    what makes it so, as a script to be read
            #   needletail hw apply \(file)   does what can be done without a reboot
            #   needletail gateway --config VENUE --profile FILE


            """
        if !name.isEmpty { text += "name: \(Self.scalar(name))\n" }
        text += "\n# How to open the port: pci:ADDRESS (vfio-pci), af_xdp:INTERFACE, "
        text += "af_packet:INTERFACE, …\n"
        text +=
            port.map { "port: \(Self.scalar($0))\n" }
            ?? "# port: af_xdp:eth1   none was free; here or in the configuration\n"
        text += threads + memory + kernelText + devices + limits
        return text
    }

    /// Port, threads and cores on one line.
    public var summary: String {
        let roles = [
            ("gateway", cpus.gateway), ("engine", cpus.engine), ("journal", cpus.journal),
            ("mirror", cpus.mirror), ("housekeeping", cpus.housekeeping),
        ].filter { !$0.1.isEmpty }.map { "\($0.0) on \(NumberList.text($0.1))" }
        return "port \(port ?? "open"), mode \(mode.rawValue), polling \(polling.rawValue), "
            + (roles.isEmpty ? "no core of its own for any thread" : roles.joined(separator: ", "))
    }

    private var threads: String {
        var text = """

            # pipeline: a gateway and an engine core for each shard; runToCompletion: one for both.
            mode: \(mode.rawValue)
            # busy: never sleeps, one core each; adaptive: for cores that are shared.
            polling: \(polling.rawValue)

            """
        let roles = [
            ("gateway", cpus.gateway, "receive, decode, report, transmit; one a shard"),
            ("engine", cpus.engine, "match; one a shard"),
            ("journal", cpus.journal, "write to disk; one a shard"),
            ("mirror", cpus.mirror, "copy to the standby; one a shard"),
            ("housekeeping", cpus.housekeeping, "everything else"),
        ].filter { !$0.1.isEmpty }
        guard !roles.isEmpty else { return text }
        text += "cpus:\n"
        for (name, cpus, comment) in roles {
            text += "  \(name): [\(cpus.map(String.init).joined(separator: ", "))]   # \(comment)\n"
        }
        return text
    }

    private var memory: String {
        var text = """

            # Huge pages for packets in MB (0: do without), and how many frames can be under way.
            packetMemoryMB: \(packetMemoryMB)
            packetBuffers: \(packetBuffers)
            queues:
              steering: \(queues.steering.rawValue)
              checksumOffload: \(queues.checksumOffload)
              receiveDescriptors: \(queues.receiveDescriptors)
              transmitDescriptors: \(queues.transmitDescriptors)
              burstFrames: \(queues.burstFrames)
            rings:
              logRecords: \(rings.logRecords)
              events: \(rings.events)

            """
        guard !hugePages.isEmpty else { return text }
        text += "\n# To be reserved: packets, rings and the engine's memory, near their cores.\n"
        text += "hugePages:\n"
        for reserve in hugePages {
            text += "  - {node: \(reserve.node.rawValue), pageMB: \(reserve.pageMB), "
            text += "count: \(reserve.count)}\n"
        }
        return text
    }

    private var kernelText: String {
        guard kernel != Kernel() else { return "" }
        var text =
            "\n# How the kernel is to be set up; what is left out is not looked at.\nkernel:\n"
        if let asked = kernel.isolatePolling {
            text += "  isolatePolling: \(asked)   # isolcpus, nohz_full, rcu_nocbs: a reboot\n"
        }
        if let asked = kernel.interruptsOnHousekeeping {
            text += "  interruptsOnHousekeeping: \(asked)\n"
        }
        if let governor = kernel.governor { text += "  governor: \(Self.scalar(governor))\n" }
        if let limit = kernel.idleLatencyMicrosMax {
            text += "  idleLatencyMicrosMax: \(limit)   # the longest wake-up of a polling core\n"
        }
        if !kernel.transparentHugePages.isEmpty {
            let words = kernel.transparentHugePages.joined(separator: ", ")
            text += "  transparentHugePages: [\(words)]\n"
        }
        return text
    }

    private var devices: String {
        var text = ""
        if let journalDisk {
            text += "\n# The disk below the journal's folder.\n"
            text += "journalDisk: \(Self.scalar(journalDisk))\n"
        }
        if let rdma {
            text += "\n# Where the mirror goes out.\nrdma:\n  device: \(Self.scalar(rdma.device))\n"
            text += "  port: \(rdma.port)\n  gidIndex: \(rdma.gidIndex)\n"
        }
        return text
    }

    private var limits: String {
        guard qualify != QualifyLimits() else { return "" }
        let lines = [
            ("jitterMicrosMax", qualify.jitterMicrosMax),
            ("receiveFramesPerSecondMin", qualify.receiveFramesPerSecondMin),
            ("burstFramesLostMax", qualify.burstFramesLostMax),
            ("fsyncMicrosP99Max", qualify.fsyncMicrosP99Max),
            ("writeMicrosP99Max", qualify.writeMicrosP99Max),
            ("fenceMicrosMax", qualify.fenceMicrosMax),
        ]
        return "\n# What the host must reach before it goes live.\nqualify:\n"
            + lines.compactMap { name, limit in limit.map { "  \(name): \($0)\n" } }.joined()
    }

    /// As it is where YAML leaves it alone, else in double quotes.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            ShellText.isPlain(text) && text.utf8.first.map { (0x61...0x7A).contains($0) } == true
            && !text.hasSuffix(":")
        let words = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"]
        if isPlain, !words.contains(text.lowercased()) { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: quoted += "\\\(scalar)"
            // Control characters, and those that YAML takes for the end of a line or forbids.
            case 0..<0x20, 0x7F...0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
