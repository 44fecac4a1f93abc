// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// The journal's disk and the mirror's card.
extension HostCheck {
    internal var journalDisk: [Finding] {
        let topic = "journal disk"
        guard let name = profile.journalDisk else { return [] }
        guard !machine.blockDevices.isEmpty else {
            return [.unknown(topic, "the kernel tells of no disks", wanted: "\(name) there")]
        }
        guard let disk = machine.blockDevices.first(where: { $0.name == name }) else {
            let names = machine.blockDevices.filter { $0.disk == nil }.map(\.name)
            return [
                .error(
                    topic, "there is no disk \(name)",
                    wanted: "one of \(names.joined(separator: ", "))",
                    because: "the profile is made for another machine, or the disk is gone",
                    fix: "journalDisk: \(names.first ?? "") in the profile", .profile)
            ]
        }
        return [schedulerFinding(disk)] + rotationFinding(disk) + diskNode(disk)
    }

    private func schedulerFinding(_ disk: BlockDevice) -> Finding {
        let topic = "disk scheduler"
        guard let scheduler = disk.scheduler else {
            return .unknown(topic, "the kernel does not tell that of \(disk.name)", wanted: "none")
        }
        if scheduler == "none" { return .ok(topic, "none on \(disk.name)") }
        return .warning(
            topic, "\(scheduler) on \(disk.name)", wanted: "none",
            because: "it holds writes back to order them, which a solid-state disk does not need",
            fix: "echo none > \(ShellText.quoted("/\(TuningPath.diskScheduler(disk))"))", .apply)
    }

    private func rotationFinding(_ disk: BlockDevice) -> [Finding] {
        guard disk.isRotational == true else { return [] }
        return [
            .warning(
                "journal disk", "\(disk.name) says that it rotates", wanted: "solid state",
                because: "each group of commands waits for the next turn, some milliseconds",
                fix: "use another disk; a virtual disk may only say so", .hand)
        ]
    }

    /// The journal thread writes from memory near the gateway.
    private func diskNode(_ disk: BlockDevice) -> [Finding] {
        nodeFinding(
            "node of the disk", of: disk.name, disk.node, user: profile.cpus.journal,
            because: "what is written crosses from socket to socket",
            fix: "move the disk, or the journal's processors")
    }

    /// A device is near the first of its processors, or of the polling ones if it has none.
    private func nodeFinding(
        _ topic: String, of name: String, _ found: NUMANode?, user cpus: [Int],
        because reason: String, fix: String
    ) -> [Finding] {
        let cpus = cpus.isEmpty ? polling : cpus
        guard machine.nodes.count > 1, let cpu = cpus.first, let home = node(cpu) else { return [] }
        let wanted = "\(home.rawValue)"
        guard let found else {
            return [
                .unknown(
                    topic, "the kernel does not tell near which node \(name) is", wanted: wanted)
            ]
        }
        guard found != home else { return [.ok(topic, "\(home.rawValue), as processor \(cpu)")] }
        return [
            .warning(
                topic, "\(found.rawValue), processor \(cpu) is on \(home.rawValue)",
                wanted: wanted, because: reason, fix: fix, .hand)
        ]
    }

    internal var rdmaDevice: [Finding] {
        let topic = "RDMA"
        guard let wanted = profile.rdma else { return [] }
        guard let device = machine.rdmaDevices.first(where: { $0.name == wanted.device }) else {
            let names = machine.rdmaDevices.map(\.name).joined(separator: ", ")
            return [
                .error(
                    topic, "there is no device \(wanted.device)",
                    wanted: names.isEmpty ? "one, and there is none at all" : "one of \(names)",
                    because: "the mirror writes through it",
                    fix: "load its driver (rdma link shows what is there), or change rdma.device",
                    names.isEmpty ? .hand : .profile)
            ]
        }
        guard let port = device.ports.first(where: { $0.number == wanted.port }) else {
            return [
                .error(
                    topic, "\(device.name) has no port \(wanted.port)",
                    wanted: NumberList.text(device.ports.map(\.number)),
                    because: "the mirror writes through it", fix: "change rdma.port", .profile)
            ]
        }
        return [portFinding(device, port), addressFinding(device, port, wanted.gidIndex)]
            + rdmaNode(device)
    }

    private func portFinding(_ device: RDMADevice, _ port: RDMAPort) -> Finding {
        let name = "\(device.name) port \(port.number)"
        switch port.isActive {
        case true?: return .ok("RDMA", "\(name) is active\(port.rate.map { ", \($0)" } ?? "")")
        case nil: return .unknown("RDMA", "the state of \(name) is not told", wanted: "active")
        case false?:
            return .error(
                "RDMA", "\(name) is not active", wanted: "active",
                because: "nothing reaches the standby",
                fix: port.interface.map { "ip link set \($0) up, and look at the cable" }
                    ?? "look at the cable and the switch", .hand)
        }
    }

    private func addressFinding(
        _ device: RDMADevice, _ port: RDMAPort, _ index: Int
    ) -> Finding {
        let topic = "RDMA address"
        guard !port.addresses.isEmpty else {
            return .unknown(topic, "the kernel tells of none", wanted: "one at index \(index)")
        }
        guard let address = port.addresses.first(where: { $0.index == index }) else {
            return .error(
                topic, "\(device.name) has none at index \(index)",
                wanted: "one of \(NumberList.text(port.addresses.map(\.index)))",
                because: "a connection names its own address by the index",
                fix: "change rdma.gidIndex, or give "
                    + "\(port.interface ?? "the interface") an IP address", .profile)
        }
        guard port.linkLayer == "Ethernet", address.kind != "RoCE v2" else {
            return .ok(topic, "index \(index) is \(address.kind)")
        }
        let better = port.addresses.filter { $0.kind == "RoCE v2" }.map(\.index)
        return .warning(
            topic, "index \(index) is \(address.kind)", wanted: "RoCE v2",
            because: "version 1 does not pass routers, and switches cannot spread it",
            fix: better.isEmpty
                ? "give the interface an IP address" : "rdma.gidIndex: \(better[better.count - 1])",
            better.isEmpty ? .hand : .profile)
    }

    private func rdmaNode(_ device: RDMADevice) -> [Finding] {
        nodeFinding(
            "node of RDMA", of: device.name, device.node, user: profile.cpus.mirror,
            because: "what is mirrored crosses from socket to socket",
            fix: "use a card near the log's memory, or move the processors")
    }
}
