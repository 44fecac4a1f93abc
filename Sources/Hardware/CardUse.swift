// SPDX-License-Identifier: Apache-2.0

/// Which cards the host needs for itself, and which ones a gateway may have.
extension MachineFacts {
    /// Whether the host itself talks through an interface; false also if the kernel does not tell.
    public func carriesHostTraffic(_ interface: String) -> Bool {
        interfaces.contains { $0.name == interface && $0.carriesHostTraffic == true }
    }

    /// The interface of a card on PCI that the host itself talks through; nil if there is none.
    public func hostInterface(ofCard address: String) -> String? {
        networkDevices.first {
            $0.pciAddress == address && $0.interface.map(carriesHostTraffic) == true
        }?.interface
    }

    /// What is where no network card is.
    internal func noCard(at address: String) -> String {
        let isOther =
            otherPCIDevices.contains { $0.address == address }
            || pciDevices.contains { $0.address == address }
        return isOther ? "\(address) is no network card" : "nothing is at \(address)"
    }

    /// The network cards on PCI that the host surely does not talk through.
    internal var freeCards: [String] {
        networkDevices.filter { use(of: $0) == nil }.compactMap(\.pciAddress)
    }

    /// Why each network card is not chosen for a gateway, a line each; those that could be are left
    /// out.
    public var cardsNotFree: [String] {
        networkDevices.compactMap { device in
            use(of: device).map { why in
                let names = [device.interface, device.pciAddress].compactMap { $0 }
                return "\(names.joined(separator: " ")): \(why)"
            }
        }
    }

    /// Why a card is not one to be chosen; nil if it is.
    internal func use(of device: NetworkDevice) -> String? {
        guard let address = device.pciAddress else { return "it is not on PCI; name it by --port" }
        guard let name = device.interface else {
            let group = pciDevices.first { $0.address == address }?.iommuGroup
            let takes = ["vfio-pci"] + PortCard.sharingDrivers
            return group == nil && !takes.contains(device.driver ?? "")
                ? "the kernel does not drive it, and vfio-pci has no IOMMU for it" : nil
        }
        switch interfaces.first(where: { $0.name == name })?.carriesHostTraffic {
        case true?: return "the host talks through it"
        case nil: return "the kernel does not tell whether the host talks through it"
        case false?: return nil
        }
    }
}
