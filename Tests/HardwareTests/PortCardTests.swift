// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Hardware

/// A card with others in its IOMMU group: address, class, driver.
private func machine(
    _ driver: String?, others: [(String, String, String)] = []
) throws -> (MachineTree, MachineFacts) {
    let pci = "sys/bus/pci/devices"
    let devices = [("0000:3b:00.0", "0x020000", driver)] + others.map { ($0, $1, $2) }
    var files: [String: String] = [:]
    for (address, code, driver) in devices {
        files["\(pci)/\(address)/class"] = code
        files["\(pci)/\(address)/uevent"] =
            (driver.map { "DRIVER=\($0)\n" } ?? "") + "PCI_SLOT_NAME=\(address)"
    }
    let tree = try MachineTree(files)
    for (address, _, _) in devices {
        try FileManager.default.createSymbolicLink(
            atPath: "\(tree.root)/\(pci)/\(address)/iommu_group",
            withDestinationPath: "../../../../kernel/iommu_groups/7")
    }
    return (tree, MachineFacts.read(root: tree.root))
}

private var profile: HardwareProfile {
    var profile = HardwareProfile()
    profile.port = "pci:0000:3b:00.0"
    return profile
}

@Suite struct `The port's card` {
    @Test func `is one thing for check, plan and tuning`() throws {
        let drivers: [String?] =
            PortCard.sharingDrivers + ["vfio-pci", "ice", "pci-stub", nil]
        for driver in drivers {
            let (tree, facts) = try machine(driver)
            let needsBinding = driver != "vfio-pci" && driver.map(isSharing) != true
            let port = try #require(HostCheck(profile, on: facts).portDevice.first)
            #expect((port.remedy == .bind) == needsBinding, "\(driver ?? "none") \(tree.root)")
            let plan = HostPlan(profile, file: "host.yaml", on: facts).text
            #expect(plan.contains("driver_override") == needsBinding, "\(driver ?? "none")")
            #expect(plan.contains("--bind-nic") == (driver.map(isSharing) != true))
            // There is no vfio-pci in this kernel, and only the one that needs it minds.
            #expect(
                (try? HostTuning(profile, on: facts).bindSteps()) == (needsBinding ? nil : []))
        }
    }

    private func isSharing(_ driver: String) -> Bool {
        PortCard.sharingDrivers.contains(driver)
    }

    @Test func `goes with all of its group, of whatever class`() throws {
        let harmless = [
            ("0000:3a:00.0", "0x060400", "pcieport"), ("0000:3b:00.1", "0x020000", "vfio-pci"),
            ("0000:3b:00.2", "0x020000", "pci-stub"),
        ]
        let (tree, alone) = try machine("vfio-pci", others: harmless)
        #expect(HostCheck(profile, on: alone).portDevice.map(\.severity) == [.ok, .ok])
        #expect(FileManager.default.fileExists(atPath: tree.root))

        let usb = ("0000:3b:00.3", "0x0c0330", "xhci_hcd")
        let (other, shared) = try machine("vfio-pci", others: harmless + [usb])
        let finding = try #require(HostCheck(profile, on: shared).portDevice.last)
        #expect(finding.severity == .error, "\(other.root)")
        #expect(finding.found == "0000:3b:00.3 (xhci_hcd) is in group 7 too")
    }

    /// The gateway looks at the same at its start, in C.
    @Test func `is judged by the drivers that the gateway judges it by`() throws {
        let source = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../Sources/CDPDK/host.c").standardizedFileURL,
            encoding: .utf8)
        func list(_ name: String) throws -> [String] {
            let start = try #require(source.range(of: "\(name)[] = {"))
            let rest = source[start.upperBound...]
            let end = try #require(rest.range(of: "NULL};"))
            return rest[..<end.lowerBound].split {
                !($0.isLetter || $0.isNumber || "-_".contains($0))
            }
            .map(String.init)
        }
        #expect(try list("sharing") == PortCard.sharingDrivers)
        #expect(try list("harmless") == PortCard.harmlessDrivers)
    }
}
