// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Hardware

@Suite struct `A card below a bond, a bridge or a VLAN` {
    @Test(arguments: ["master", "upper_bond0", "upper_eth2.7", ""])
    func `is the host's`(entry: String) throws {
        var files = twoSockets()
        files["proc/net/route"] = "Iface\tDestination\nbond0\t00000000"
        files["sys/bus/pci/devices/0000:3b:00.0/iommu_group/x"] = ""
        let host = try MachineTree(files)
        if !entry.isEmpty {
            try FileManager.default.createSymbolicLink(
                atPath: "\(host.root)/sys/class/net/eth2/\(entry)",
                withDestinationPath: "../../virtual/net/bond0")
        }
        let machine = MachineFacts.read(root: host.root)
        let interface = try #require(machine.interfaces.first { $0.name == "eth2" })
        #expect(interface.carriesHostTraffic == !entry.isEmpty)
        var profile = HardwareProfile()
        profile.port = "pci:0000:3b:00.0"
        let error = #expect(throws: TuningError.self) {
            try HostTuning(profile, on: machine).bindSteps()
        }
        // The tree has no IOMMU, which is asked for behind it.
        let isHosts = error?.description.contains("carries this host's own traffic")
        #expect(isHosts == !entry.isEmpty, "\(error as Any)")
        let derived = HardwareProfile.derived(for: machine, name: "x", port: nil, shards: 1)
        #expect(entry.isEmpty || derived.port != "pci:0000:3b:00.0")
    }

    @Test func `is not taken where nobody knows whose it is`() throws {
        let host = try MachineTree(twoSockets())
        var profile = HardwareProfile()
        profile.port = "pci:0000:3b:00.0"
        let error = #expect(throws: TuningError.self) {
            try HostTuning(profile, on: .read(root: host.root)).bindSteps()
        }
        #expect(error?.description.contains("does not tell whether") == true)
    }
}
