// SPDX-License-Identifier: Apache-2.0

/// The NIC, or what stands for it.
extension HostCheck {
    internal var portDevice: [Finding] {
        let topic = "port"
        guard let port = profile.port else {
            return [
                .unknown(
                    topic, "the profile names none", wanted: "one here or in the configuration")
            ]
        }
        if let address = profile.pciAddress { return cardDevice(topic, address) }
        guard let interface = profile.interface else { return [.ok(topic, port)] }
        guard !machine.interfaces.isEmpty else {
            return [
                .unknown(topic, "the kernel tells of no interfaces", wanted: "\(interface) there")
            ]
        }
        guard let found = machine.interfaces.first(where: { $0.name == interface }) else {
            let names = machine.interfaces.map(\.name).joined(separator: ", ")
            return [
                .error(
                    topic, "there is no interface \(interface)", wanted: "one of \(names)",
                    because: "the gateway opens it at its start",
                    fix: "port: \(port.prefix { $0 != ":" }):INTERFACE in the profile", .profile)
            ]
        }
        return [upFinding(topic, found)]
    }

    private func upFinding(_ topic: String, _ interface: NetworkInterface) -> Finding {
        switch interface.isUp {
        case true?: .ok(topic, "interface \(interface.name) is up")
        case nil:
            .unknown(
                topic, "the kernel does not tell whether \(interface.name) is up", wanted: "up")
        case false?:
            .error(
                topic, "interface \(interface.name) is down", wanted: "up",
                because: "no frame comes through it", fix: "ip link set \(interface.name) up",
                .hand)
        }
    }

    private func cardDevice(_ topic: String, _ address: String) -> [Finding] {
        switch machine.card(of: profile) {
        case .absent: return [missingFinding(topic, address)]
        case .shared(let card):
            return [
                .ok(topic, "\(address), bound to \(card.driver ?? ""), which DPDK works with")
            ]
        case .bound(let card):
            return [.ok(topic, "\(address), bound to vfio-pci"), groupFinding(card)]
        case .unbound(let card):
            return [
                .error(
                    topic, "\(address) is bound to \(card.driver ?? "no driver")",
                    wanted: "vfio-pci",
                    because: "DPDK drives the card itself, so the kernel must let go of it",
                    fix: "needletail hw apply PROFILE --bind-nic, or driverctl set-override "
                        + "\(address) vfio-pci", .bind), groupFinding(card),
            ]
        }
    }

    private func missingFinding(_ topic: String, _ address: String) -> Finding {
        let isOther =
            machine.otherPCIDevices.contains { $0.address == address }
            || machine.pciDevices.contains { $0.address == address }
        let cards = machine.pciDevices.filter { $0.kind == .network }.map(\.address)
        return .error(
            topic, isOther ? "\(address) is no network card" : "nothing is at \(address)",
            wanted: cards.isEmpty
                ? "a network card on PCI, of which there is none"
                : "one of \(cards.joined(separator: ", "))",
            because: "the gateway opens it at its start",
            fix: cards.isEmpty
                ? "port: af_xdp:INTERFACE in the profile" : "port: pci:\(cards[0])",
            .profile)
    }

    /// VFIO gives a card away with all that is in its IOMMU group, or without an IOMMU if allowed.
    private func groupFinding(_ card: PCIDevice) -> Finding {
        let topic = "IOMMU"
        guard let group = card.iommuGroup else {
            if machine.kernel.isNoIOMMUAllowed == true {
                return .warning(
                    topic, "off; vfio works without it", wanted: "on",
                    because: "the card can write anywhere in memory",
                    fix: "boot with \(BootWord.iommu(machine).joined(separator: " ")), and switch "
                        + "the IOMMU on in the firmware", .boot)
            }
            return .error(
                topic, "no group for \(card.address)", wanted: "an IOMMU that is on",
                because: "vfio-pci does not give a card away without one",
                fix: "boot with \(BootWord.iommu(machine).joined(separator: " ")), and switch the "
                    + "IOMMU on in the firmware; a machine without one: "
                    + "echo 1 > /\(TuningPath.noIOMMU)", .boot)
        }
        guard let other = machine.groupBlockers(of: card).first else {
            return .ok(topic, "\(card.address) is in group \(group)")
        }
        return .error(
            topic, "\(other.address) (\(other.driver)) is in group \(group) too",
            wanted: "all of the group on vfio-pci, or nothing else in it",
            because: "a group is given away as a whole",
            fix: "put the card into another slot, or driverctl set-override \(other.address) "
                + "vfio-pci", .hand)
    }

    internal var portLink: [Finding] {
        let topic = "link"
        guard let device = profile.portDevice(machine) else { return [] }
        let speed = device.speedMbps.map { " at \($0) Mb/s" } ?? ""
        switch device.hasLink {
        case true?: return [.ok(topic, "up\(speed)")]
        case nil:
            return [
                .unknown(
                    topic, "not seen: the kernel does not drive the card", wanted: "up",
                    fix: "the gateway says at its start whether there is a link")
            ]
        case false?:
            return [
                .warning(
                    topic, "down", wanted: "up", because: "no frame comes through it",
                    fix: device.interface.map { "ip link set \($0) up, and look at the cable" }
                        ?? "look at the cable", .hand)
            ]
        }
    }
}
