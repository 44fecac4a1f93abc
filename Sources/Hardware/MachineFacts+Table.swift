// SPDX-License-Identifier: Apache-2.0
internal import Platform

private let unknown = "unknown"

extension MachineFacts {
    /// All of it for people: sections with columns, "unknown" for what is unknown.
    public var table: String {
        [
            kernelSection, processorSection, nodeSection, networkSection, rdmaSection, diskSection,
            pciSection,
        ].joined(separator: "\n")
    }

    private var kernelSection: String {
        let words = kernel.commandLine.map { $0.isEmpty ? "none" : $0.joined(separator: " ") }
        let modules = kernel.vfioModules.map { $0.isEmpty ? "none" : $0.joined(separator: " ") }
        return section(
            "Kernel",
            pairs: [
                ("release", kernel.release ?? unknown), ("command line", words ?? unknown),
                ("clock source", kernel.clockSource ?? unknown),
                ("clock sources", kernel.clockSources?.joined(separator: " ") ?? unknown),
                ("transparent huge pages", kernel.transparentHugePages ?? unknown),
                ("IOMMU groups", text(kernel.iommuGroupCount)),
                ("vfio modules", modules ?? unknown),
                ("vfio without IOMMU", text(kernel.isNoIOMMUAllowed, "allowed", "not allowed")),
                ("scheduler autogroup", text(kernel.isAutogroupOn, "on", "off")),
                ("interrupts go to", text(kernel.defaultInterruptCPUs)),
            ] + kernel.settings.map { ($0.name, "\($0.value)") })
    }

    private var processorSection: String {
        let head = section(
            "Processors",
            pairs: [
                ("model", cpus.model ?? unknown),
                ("online", cpus.processors.isEmpty ? unknown : text(cpus.online)),
                ("packages", text(cpus.packageCount)), ("cores", text(cpus.coreCount)),
                ("SMT", text(cpus.isSMTActive, "on", "off")), ("isolated", text(cpus.isolated)),
                ("nohz_full", text(cpus.nohzFull)),
            ])
        guard !cpus.processors.isEmpty else { return head }
        let columns = ["cpu", "node", "package", "core", "siblings", "L1d", "L2", "L3"]
        return head
            + columnText(
                columns + ["L3 shared by", "governor", "idle latency"],
                cpus.processors.map { cpu in
                    let third = cpu.cache(3)
                    return [
                        "\(cpu.number)", text(cpu.node?.rawValue), text(cpu.package),
                        text(cpu.core),
                        text(cpu.siblings), size(cpu.cache(1)?.sizeKiB),
                        size(cpu.cache(2)?.sizeKiB),
                        size(third?.sizeKiB), text(third?.sharedBy), cpu.governor ?? unknown,
                        cpu.idleLatencyMicrosMax.map { "\($0) µs" } ?? unknown,
                    ]
                })
    }

    private var nodeSection: String {
        list(
            "Memory", ["node", "cpus", "memory", "free", "distances", "huge pages free/total"],
            nodes.map { node in
                let pools = node.hugePages.map {
                    "\(text($0.free))/\(text($0.total)) × \(size($0.pageKiB))"
                }
                return [
                    "\(node.node.rawValue)", text(node.cpus), mebibytes(node.memoryKiB),
                    mebibytes(node.memoryFreeKiB),
                    node.distances.isEmpty
                        ? unknown : node.distances.map(String.init).joined(separator: " "),
                    pools.isEmpty ? unknown : pools.joined(separator: ", "),
                ]
            })
    }

    private var networkSection: String {
        list(
            "Network",
            ["interface", "driver", "PCI address", "node", "link", "speed", "MTU", "queues rx/tx"],
            networkDevices.map { device in
                [
                    device.interface ?? "none", device.driver ?? "none",
                    device.pciAddress ?? "none", text(device.node?.rawValue),
                    text(device.hasLink, "up", "down"),
                    device.speedMbps.map { "\($0) Mb/s" } ?? unknown, text(device.mtuBytes),
                    "\(text(device.receiveQueueCount))/\(text(device.transmitQueueCount))",
                ]
            })
    }

    private var rdmaSection: String {
        list(
            "RDMA",
            [
                "device", "driver", "PCI address", "node", "port", "state", "link layer", "rate",
                "interface",
            ],
            rdmaDevices.flatMap { device in
                device.ports.map { port in
                    [
                        device.name, device.driver ?? "none", device.pciAddress ?? "none",
                        text(device.node?.rawValue), "\(port.number)",
                        text(port.isActive, "active", "not active"), port.linkLayer ?? unknown,
                        port.rate ?? unknown, port.interface ?? unknown,
                    ]
                }
            })
    }

    private var diskSection: String {
        list(
            "Disks",
            ["name", "PCI address", "node", "kind", "write cache", "scheduler", "mounted at"],
            blockDevices.map { device in
                [
                    device.name, device.pciAddress ?? "none", text(device.node?.rawValue),
                    text(device.isRotational, "rotating", "solid state"),
                    text(device.hasWriteCache, "on", "off"), device.scheduler ?? unknown,
                    device.mountPoints.isEmpty ? "none" : device.mountPoints.joined(separator: " "),
                ]
            })
    }

    private var pciSection: String {
        list(
            "Interrupts of disks and network cards",
            [
                "PCI address", "kind", "driver", "node", "group", "bus", "irq", "name",
                "allowed on", "goes to",
            ],
            pciDevices.flatMap { device in
                let head = [
                    device.address, device.kind.rawValue, device.driver ?? "none",
                    text(device.node?.rawValue), device.iommuGroup.map { "\($0)" } ?? "none",
                    device.link?.text ?? unknown,
                ]
                return device.interrupts.isEmpty
                    ? [head + ["none", "", "", ""]]
                    : device.interrupts.map {
                        head + [
                            "\($0.number)", $0.name ?? "none", text($0.allowed), text($0.effective),
                        ]
                    }
            })
    }
}

extension Processor {
    /// The cache for data of a level.
    fileprivate func cache(_ level: Int) -> CPUCache? {
        caches.first { $0.level == level && $0.kind != "Instruction" }
    }
}

// MARK: Pieces

private func text(_ number: Int?) -> String { number.map { "\($0)" } ?? unknown }

private func text(_ numbers: [Int]?) -> String { numbers.map(NumberList.text) ?? unknown }

private func text(_ flag: Bool?, _ yes: String, _ no: String) -> String {
    flag.map { $0 ? yes : no } ?? unknown
}

/// As cache and page sizes are named: "48 KiB", "2 MiB", "1 GiB".
private func size(_ kibibytes: Int?) -> String {
    guard let kibibytes else { return unknown }
    if kibibytes > 0, kibibytes % (1 << 20) == 0 { return "\(kibibytes >> 20) GiB" }
    if kibibytes > 0, kibibytes % (1 << 10) == 0 { return "\(kibibytes >> 10) MiB" }
    return "\(kibibytes) KiB"
}

private func mebibytes(_ kibibytes: Int?) -> String {
    kibibytes.map { "\($0 >> 10) MiB" } ?? unknown
}

private func section(_ title: String, pairs: [(String, String)]) -> String {
    "\(title)\n" + pairs.map { "  \(Figure.padded($0, 28))\($1)\n" }.joined()
}

private func list(_ title: String, _ columns: [String], _ rows: [[String]]) -> String {
    rows.isEmpty ? "\(title)\n  none, or unknown\n" : "\(title)\n" + columnText(columns, rows)
}

private func columnText(_ columns: [String], _ rows: [[String]]) -> String {
    var widths = columns.map(\.count)
    for row in rows {
        for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
    }
    return ([columns] + rows).map { row in
        var line = "  " + zip(row, widths).map { Figure.padded($0, $1 + 2) }.joined()
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }.joined()
}
