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
        // AF_PACKET gets a copy, AF_XDP takes the frames away.
        if profile.port?.hasPrefix("af_xdp:") == true, interface.carriesHostTraffic == true {
            return hostsFinding(topic, interface.name, because: "AF_XDP takes its frames away")
        }
        return switch interface.isUp {
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
            if let interface = machine.hostInterface(ofCard: address) {
                let reason = "bound to vfio-pci its interface goes away"
                return [hostsFinding(topic, interface, because: reason)]
            }
            return [
                .error(
                    topic, "\(address) is bound to \(card.driver ?? "no driver")",
                    wanted: "vfio-pci",
                    because: "DPDK drives the card itself, so the kernel must let go of it",
                    fix: "needletail hw apply PROFILE --bind-nic, or driverctl set-override "
                        + "\(address) vfio-pci", .bind)
            ] + moduleFinding + [groupFinding(card)]
        }
    }

    private func hostsFinding(
        _ topic: String, _ interface: String, because reason: String
    ) -> Finding {
        .error(
            topic, "\(interface) carries this host's own traffic", wanted: "another card",
            because: "\(reason), and the host is off the network", fix: anotherCard, .profile)
    }

    /// Never one that the host talks through.
    private var anotherCard: String {
        machine.freeCards.first.map { "use another card: port: pci:\($0)" }
            ?? "use another card: name one that the host does not talk through"
    }

    private var moduleFinding: [Finding] {
        guard let modules = machine.kernel.vfioModules, !modules.contains("vfio_pci") else {
            return []
        }
        return [
            .warning(
                "vfio", "vfio-pci is not loaded", wanted: "loaded",
                because: "no card can be bound to it", fix: "modprobe vfio-pci", .hand)
        ]
    }

    private func missingFinding(_ topic: String, _ address: String) -> Finding {
        let cards = machine.freeCards
        return .error(
            topic, machine.noCard(at: address),
            wanted: cards.isEmpty
                ? "a network card on PCI that the host does not use, of which there is none"
                : "one of \(cards.joined(separator: ", "))",
            because: "the gateway opens it at its start", fix: anotherCard, .profile)
    }

    /// VFIO gives a card away with all that is in its IOMMU group, or without an IOMMU if allowed.
    private func groupFinding(_ card: PCIDevice) -> Finding {
        let topic = "IOMMU"
        guard let group = card.iommuGroup else {
            if machine.kernel.isNoIOMMUAllowed == true {
                return .warning(
                    topic, "off; vfio works without it", wanted: "on",
                    because: "the card can write anywhere in memory",
                    fix: BootWord.iommuAdvice(machine), .boot)
            }
            return .error(
                topic, "no group for \(card.address)", wanted: "an IOMMU that is on",
                because: "vfio-pci does not give a card away without one",
                fix: BootWord.iommuAdvice(machine) + "; a machine without one: "
                    + "modprobe vfio && echo 1 > /\(TuningPath.noIOMMU)", .boot)
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

    /// A card in a slot that has fewer lanes than it could use loses frames at its full rate.
    internal var portBus: [Finding] {
        let topic = "bus of the port"
        guard let device = profile.portDevice(machine),
            let card = machine.pciDevices.first(where: { $0.address == device.pciAddress }),
            let link = card.link, let most = card.linkMax
        else { return [] }
        guard link != most else { return [.ok(topic, link.text)] }
        return [
            .warning(
                topic, "\(card.address) has \(link.text)", wanted: most.text,
                because: "frames wait for the bus, and are lost when they come at the card's rate",
                fix: "put the card into a slot with as many lanes, and look into the firmware's "
                    + "settings", .hand)
        ]
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
