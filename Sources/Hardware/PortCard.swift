// SPDX-License-Identifier: Apache-2.0

/// Whether the gateway may have the port's card: the one answer for checks, plans and tunings. The
/// gateway itself looks again at its start, with the same lists (CDPDK/host.c).
internal enum PortCard: Equatable {
    /// The port is none on PCI, or no network card is there.
    case absent
    /// It stays with its driver.
    case shared(PCIDevice)
    /// vfio-pci has it.
    case bound(PCIDevice)
    /// It is to go from its driver, if it has one, to vfio-pci.
    case unbound(PCIDevice)

    /// They share their cards with DPDK, or hand them out without groups.
    static let sharingDrivers = ["mlx5_core", "mlx4_core", "mana", "uio_pci_generic", "igb_uio"]
    /// Beside no driver at all, those that VFIO lets have other devices of a card's group.
    static let harmlessDrivers = ["vfio-pci", "pci-stub", "pcieport"]

    /// An address stands in commands: nothing that a shell would take apart.
    static func isInAddress(_ byte: UInt8) -> Bool {
        (0x30...0x3A).contains(byte) || (0x61...0x66).contains(byte) || byte == 0x2E
    }
}

/// A device on PCI that shares an IOMMU group with another.
internal struct GroupMember: Equatable {
    let address: String
    let driver: String
}

extension MachineFacts {
    internal func card(of profile: HardwareProfile) -> PortCard {
        guard let address = profile.pciAddress, address.utf8.allSatisfy(PortCard.isInAddress),
            let card = pciDevices.first(where: { $0.address == address }), card.kind == .network
        else { return .absent }
        guard let driver = card.driver else { return .unbound(card) }
        if PortCard.sharingDrivers.contains(driver) { return .shared(card) }
        return driver == "vfio-pci" ? .bound(card) : .unbound(card)
    }

    /// Devices of any class whose drivers keep VFIO from giving the card's group away.
    internal func groupBlockers(of card: PCIDevice) -> [GroupMember] {
        let all =
            pciDevices.map { ($0.address, $0.driver, $0.iommuGroup) }
            + otherPCIDevices.map { ($0.address, $0.driver, $0.iommuGroup) }
        return all.compactMap { address, driver, group in
            guard let driver, let group, group == card.iommuGroup, address != card.address,
                !PortCard.harmlessDrivers.contains(driver)
            else { return nil }
            return GroupMember(address: address, driver: driver)
        }
    }
}
