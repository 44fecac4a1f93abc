// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

@testable import Hardware

/// A profile beside a recorded machine: "fits" or "wrong".
func recordedProfile(_ machine: String, _ which: String) throws -> HardwareProfile {
    let file = recordedMachines.appendingPathComponent("\(machine).\(which).yaml")
    return try HardwareProfile(
        yaml: try String(contentsOf: file, encoding: .utf8), file: file.lastPathComponent)
}

/// Compares with a golden file; with UPDATE_GOLDEN=1 writes it.
func expectGolden(_ text: String, _ name: String, _ place: SourceLocation = #_sourceLocation)
    throws
{
    let file = recordedMachines.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
        try Data(text.utf8).write(to: file)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    #expect(
        text == golden, "if \(name) should differ: UPDATE_GOLDEN=1 swift test --filter Hardware",
        sourceLocation: place)
}

@Suite struct `A profile held against a recorded machine` {
    @Test(arguments: ["fits", "wrong"])
    func `gives the findings beside it`(which: String) throws {
        for name in try recordedNames() {
            let machine = MachineFacts.read(root: recordedTree(name))
            let profile = try recordedProfile(name, which)
            let report = CheckReport(HostCheck(profile, on: machine).findings)
            try expectGolden(report.table(isColoured: false), "\(name).\(which).check")
            #expect((report.count(.error) == 0) == (which == "fits"), "\(name)")
            let text = HostPlan(profile, file: "host.yaml", on: machine).text
            try expectGolden(text, "\(name).\(which).plan")
        }
    }

    /// What a reboot, `apply` or `apply --bind-nic` changes is left to them.
    @Test(arguments: [1, 2, 3])
    func `has no error when it was derived from it`(shards: Int) throws {
        for name in try recordedNames() {
            let machine = MachineFacts.read(root: recordedTree(name))
            let cards = machine.pciDevices.filter { $0.kind == .network && $0.iommuGroup != nil }
            let ports: [String?] =
                [nil, "udp:10.0.0.1:7000"] + cards.map { "pci:\($0.address)" }
                + machine.interfaces.filter { $0.isUp == true }.map { "af_xdp:\($0.name)" }
            // What the host talks through is refused, by a test of its own.
            let hosts = machine.interfaces.filter { $0.carriesHostTraffic == true }.map(\.name)
            let refused =
                hosts.map { "af_xdp:\($0)" }
                + machine.networkDevices.filter { hosts.contains($0.interface ?? "") }
                .map { "pci:\($0.pciAddress ?? "")" }
            for port in ports where !refused.contains(port ?? "") {
                let profile = HardwareProfile.derived(
                    for: machine, name: name, port: port, shards: shards)
                let findings = HostCheck(profile, on: machine, shards: shards).findings
                let left = findings.filter {
                    $0.severity == .error && ![.apply, .bind, .boot].contains($0.remedy)
                }
                #expect(left.isEmpty, "\(name), \(port ?? "no port"), \(shards) shards: \(left)")
            }
        }
    }

    @Test func `is JSON that another reader reads`() throws {
        let machine = MachineFacts.read(root: recordedTree("vm-two-sockets"))
        let check = HostCheck(try recordedProfile("vm-two-sockets", "wrong"), on: machine)
        let report = CheckReport(check.findings)
        let object = try JSONSerialization.jsonObject(with: Data(report.json.utf8))
        let top = try #require(object as? [String: Any])
        let findings = try #require(top["findings"] as? [[String: Any]])
        #expect(findings.count == check.findings.count)
        #expect(findings[0]["severity"] as? String == "error")
        #expect((top["counts"] as? [String: Int])?["error"] == report.count(.error))
    }
}

@Suite struct `A check` {
    private static let machine: MachineFacts? = try? {
        let tree = try MachineTree(twoSockets())
        return withExtendedLifetime(tree) { MachineFacts.read(root: tree.root) }
    }()

    private func findings(_ yaml: String, shards: Int? = nil) throws -> [Finding] {
        let profile = try HardwareProfile(yaml: yaml, file: "host.yaml")
        return HostCheck(profile, on: try #require(Self.machine), shards: shards).findings
    }

    /// Of a machine with two sockets: a profile, and what is to be found.
    @Test(arguments: [
        ("port: pci:0000:3b:00.1", "port", Finding.Severity.ok, Finding.Remedy.none),
        ("port: pci:0000:3b:00.0", "port", .error, .bind),
        ("port: pci:0000:3b:00.7", "port", .error, .profile),
        ("port: pci:0000:02:00.0", "port", .error, .profile),
        ("port: pci:0000:03:00.0", "port", .error, .profile),
        ("port: pci:0000:3b:00.1", "IOMMU", .error, .boot),
        ("port: af_xdp:eth2", "port", .unknown, .none),
        ("port: af_xdp:eth2", "link", .ok, .none),
        ("port: af_xdp:eth10", "link", .warning, .hand),
        ("port: af_xdp:eth2", "bus of the port", .warning, .hand),
        ("port: pci:0000:3b:00.1", "bus of the port", .ok, .none),
        ("cpus: {gateway: [2]}", "heat", .warning, .hand),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {isolatePolling: true}}",
            "memory statistics", .warning, .apply
        ),
        ("port: af_xdp:eth3", "port", .error, .profile),
        ("{}", "port", .unknown, .none),
        ("cpus: {gateway: [9]}", "processors", .error, .profile),
        ("cpus: {gateway: [2], engine: [4, 6]}", "processors", .error, .profile),
        ("cpus: {gateway: [2], engine: [6]}", "shared cores", .warning, .profile),
        ("cpus: {gateway: [2], housekeeping: [6]}", "shared cores", .warning, .profile),
        ("cpus: {gateway: [2], engine: [0]}", "shared cores", .ok, .none),
        ("cpus: {gateway: [2], engine: [3]}", "cores of a shard", .warning, .profile),
        ("cpus: {gateway: [1], engine: [3]}", "cores of a shard", .ok, .none),
        ("{port: 'af_xdp:eth2', cpus: {gateway: [2]}}", "node of the port", .warning, .profile),
        ("{port: 'af_xdp:eth2', cpus: {gateway: [3]}}", "node of the port", .ok, .none),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {isolatePolling: true}}",
            "isolcpus",
            .ok, .none
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 2}, kernel: {isolatePolling: true}}",
            "isolcpus",
            .warning, .boot
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {isolatePolling: true}}",
            "nohz_full",
            .warning, .boot
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {isolatePolling: true}}",
            "rcu_nocbs",
            .warning, .boot
        ),
        ("cpus: {gateway: [2], housekeeping: [3]}", "housekeeping", .warning, .boot),
        ("cpus: {gateway: [3], housekeeping: [2]}", "housekeeping", .ok, .none),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {interruptsOnHousekeeping: true}}",
            "new interrupts", .warning, .apply
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 2}, kernel: {interruptsOnHousekeeping: true}}",
            "interrupts", .ok, .none
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 1}, kernel: {interruptsOnHousekeeping: true}}",
            "interrupts", .warning, .apply
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {governor: performance}}",
            "governor",
            .ok, .none
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 2}, kernel: {governor: performance}}",
            "governor",
            .warning, .apply
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 3}, kernel: {idleLatencyMicrosMax: 5}}",
            "idle states",
            .ok, .none
        ),
        (
            "{mode: runToCompletion, cpus: {gateway: 2}, kernel: {idleLatencyMicrosMax: 5}}",
            "idle states", .warning,
            .apply
        ),
        ("{port: 'pci:0000:3b:00.1', packetMemoryMB: 8192}", "packet memory", .error, .hand),
        ("{port: 'pci:0000:3b:00.1', packetMemoryMB: 3072}", "packet memory", .warning, .hand),
        ("{port: 'pci:0000:3b:00.1', packetMemoryMB: 512}", "packet memory", .ok, .none),
        ("{cpus: {gateway: [3]}, rings: {events: 16777216}}", "ring memory", .warning, .hand),
        ("cpus: {gateway: [3]}", "ring memory", .ok, .none),
        ("hugePages: [{node: 1, pageMB: 2, count: 512}]", "huge pages", .ok, .none),
        ("hugePages: [{node: 1, pageMB: 2, count: 513}]", "huge pages", .warning, .apply),
        ("hugePages: [{node: 1, pageMB: 1024, count: 5}]", "huge pages", .warning, .boot),
        ("hugePages: [{node: 2, count: 1}]", "huge pages", .error, .profile),
        ("kernel: {transparentHugePages: never}", "transparent huge pages", .warning, .apply),
        ("kernel: {transparentHugePages: always}", "transparent huge pages", .ok, .none),
        ("{}", "clock source", .unknown, .none),
        ("{}", "autogroup", .unknown, .none),
        ("rdma: {device: mlx5_0}", "RDMA", .ok, .none),
        ("rdma: {device: mlx5_0, port: 2}", "RDMA", .error, .hand),
        ("rdma: {device: mlx5_0, port: 3}", "RDMA", .error, .profile),
        ("rdma: {device: mlx5_1}", "RDMA", .error, .profile),
        ("rdma: {device: mlx5_0}", "RDMA address", .unknown, .none),
        ("journalDisk: nvme0n1", "journal disk", .unknown, .none),
    ])
    func `finds`(
        yaml: String, topic: String, severity: Finding.Severity, remedy: Finding.Remedy
    ) throws {
        let all = try findings(yaml)
        let found = all.filter { $0.topic == topic }
        #expect(
            found.contains { $0.severity == severity && $0.remedy == remedy },
            "\(yaml): \(topic): \(found)")
    }

    @Test func `tells what is wrong with why and how to fix it, and what is well in one line`()
        throws
    {
        for name in try recordedNames() {
            let machine = MachineFacts.read(root: recordedTree(name))
            for finding in HostCheck(try recordedProfile(name, "wrong"), on: machine).findings {
                let isBad = finding.severity == .error || finding.severity == .warning
                #expect(isBad == !finding.reason.isEmpty, "\(finding)")
                #expect(isBad == !finding.fix.isEmpty || finding.severity == .unknown)
                #expect((finding.severity == .ok) == finding.wanted.isEmpty, "\(finding)")
                #expect(!finding.found.isEmpty)
            }
        }
    }

    @Test func `knows nothing of an empty machine, and calls nothing there well`() throws {
        let tree = try MachineTree([:])
        let profile = try recordedProfile("vm-two-sockets", "fits")
        let findings = HostCheck(profile, on: MachineFacts.read(root: tree.root)).findings
        #expect(findings.allSatisfy { $0.severity == .unknown }, "\(findings)")
    }

    /// 4,096 MB of packets and the rings need more than the profile reserves.
    @Test(arguments: [(600, Finding.Remedy.profile), (4_000, .apply)])
    func `has one fix for all that wants huge pages`(
        count: Int, remedy: Finding.Remedy
    ) throws {
        let all = try findings(
            """
            port: pci:0000:3b:00.1
            packetMemoryMB: 4096
            cpus: {gateway: [3]}
            hugePages: [{node: 1, pageMB: 2, count: \(count)}]
            """)
        let topics = ["packet memory", "ring memory", "huge pages"]
        let lacking = all.filter { topics.contains($0.topic) && $0.remedy == remedy }
        #expect(lacking.count >= 2 && Set(lacking.map(\.fix)).count == 1, "\(all)")
        if remedy == .profile {
            #expect(lacking[0].fix.contains("{node: 1, pageMB: 2, count: 2058}"), "\(lacking)")
        }
    }

    @Test func `says of each role once what is not there, and nothing well beside it`() throws {
        let all = try findings("cpus: {gateway: [9], housekeeping: [0, 70, 71]}")
        let lost = all.filter { $0.topic == "processors" && $0.severity == .error }.map(\.found)
        #expect(
            lost == [
                "processor 9 (gateway) is not there",
                "processors 70-71 (housekeeping) are not there",
            ])
        #expect(!all.contains { ["polling", "housekeeping"].contains($0.topic) }, "\(all)")
    }

    /// The host talks through eth2, which is 0000:3b:00.0; 0000:3b:00.1 is free.
    @Test func `keeps the host's own card away from the gateway`() throws {
        var files = twoSockets()
        files["proc/net/route"] = "Iface\tDestination\neth2\t00000000"
        let tree = try MachineTree(files)
        let machine = MachineFacts.read(root: tree.root)
        for port in ["pci:0000:3b:00.0", "af_xdp:eth2"] {
            let profile = try HardwareProfile(yaml: "port: '\(port)'", file: "host.yaml")
            let findings = HostCheck(profile, on: machine).findings.filter { $0.topic == "port" }
            #expect(findings.map(\.found) == ["eth2 carries this host's own traffic"])
            #expect(findings.map(\.severity) == [.error])
            #expect(findings.map(\.fix) == ["use another card: port: pci:0000:3b:00.1"])
            let plan = HostPlan(profile, file: "host.yaml", on: machine).text
            #expect(!plan.contains("\necho 0000:3b:00.0") && !plan.contains("--bind-nic"))
        }
        let shared = try HardwareProfile(yaml: "port: 'af_packet:eth2'", file: "host.yaml")
        let found = HostCheck(shared, on: machine).findings.filter { $0.severity == .error }
        #expect(found.allSatisfy { $0.topic != "port" }, "\(found)")
        #expect(machine.cardsNotFree.contains("eth2 0000:3b:00.0: the host talks through it"))
    }

    @Test func `sorts the worst first`() throws {
        let all = try findings("{port: 'pci:0000:3b:00.0', rdma: {device: mlx5_0}}")
        let ranks = all.map { Finding.Severity.allCases.firstIndex(of: $0.severity) ?? 0 }
        #expect(ranks == ranks.sorted())
    }
}
