// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing

@testable import Hardware

@Suite struct `A profile as text` {
    @Test func `is read back as it was, whatever is in it`() throws {
        let seed = TestSeed.run
        var random = SeededRandom(seed: seed)
        for _ in 0..<400 {
            let profile = randomProfile(&random)
            let text = profile.yaml
            let again = try HardwareProfile(yaml: text, file: "host.yaml")
            #expect(again == profile, "SEED=\(String(seed, radix: 16))\n\(text)")
        }
    }

    @Test func `of a recorded machine is read back too, and says what it is`() throws {
        for name in try recordedNames() {
            let profile = HardwareProfile.derived(
                for: MachineFacts.read(root: recordedTree(name)), name: name, port: nil, shards: 1)
            #expect(try HardwareProfile(yaml: profile.yaml, file: name) == profile)
            try expectGolden(profile.yaml, "\(name).derived.yaml")
        }
    }

    private func randomProfile(_ random: inout SeededRandom) -> HardwareProfile {
        var profile = HardwareProfile()
        profile.name = word(&random)
        profile.port = random.below(4) == 0 ? nil : word(&random)
        profile.mode = HardwareProfile.Mode.allCases[Int(random.below(3))]
        profile.polling = HardwareProfile.Polling.allCases[Int(random.below(3))]
        var numbers = Array(0..<40)
        func some() -> [Int] {
            (0..<Int(random.below(4))).map { _ in
                numbers.remove(at: Int(random.below(UInt64(numbers.count))))
            }
        }
        profile.cpus.gateway = some()
        profile.cpus.engine = some()
        profile.cpus.mirror = some()
        profile.cpus.housekeeping = some()
        profile.cpus.journal = some()
        profile.packetMemoryMB = Int(random.below(65_537))
        profile.packetBuffers = 1_024 + Int(random.below(100_000))
        profile.queues.steering = HardwareProfile.Steering.allCases[Int(random.below(3))]
        profile.queues.checksumOffload = random.below(2) == 0
        profile.queues.receiveDescriptors = UInt16(64 + random.below(1_000))
        profile.queues.transmitDescriptors = UInt16(64 + random.below(1_000))
        profile.queues.burstFrames = 1 + Int(random.below(256))
        profile.rings.logRecords = 1_024 << Int(random.below(10))
        profile.rings.events = 4_096 << Int(random.below(10))
        for node in 0..<Int(random.below(3)) {
            var reserve = HardwareProfile.HugePageReserve()
            reserve.node = NUMANode(rawValue: node)
            reserve.pageMB = random.below(2) == 0 ? 2 : 1_024
            reserve.count = Int(random.below(10_000))
            profile.hugePages.append(reserve)
        }
        addRest(&profile, &random)
        return profile
    }

    private func addRest(_ profile: inout HardwareProfile, _ random: inout SeededRandom) {
        func flag() -> Bool? { [nil, true, false][Int(random.below(3))] }
        func limit() -> UInt64? { random.below(2) == 0 ? nil : 1 + random.below(9_999) }
        profile.kernel.isolatePolling = flag()
        profile.kernel.interruptsOnHousekeeping = flag()
        profile.kernel.governor = flag() == nil ? nil : word(&random)
        profile.kernel.idleLatencyMicrosMax = limit().map { Int($0) }
        profile.kernel.transparentHugePages =
            [[], ["never"], ["madvise", "always"]][
                Int(random.below(3))]
        profile.journalDisk = flag() == nil ? nil : word(&random)
        if flag() != nil {
            var rdma = HardwareProfile.RDMA(device: "d" + word(&random))
            rdma.port = 1 + Int(random.below(255))
            rdma.gidIndex = Int(random.below(256))
            profile.rdma = rdma
        }
        profile.qualify.jitterMicrosMax = limit()
        profile.qualify.receiveFramesPerSecondMin = limit()
        profile.qualify.burstFramesLostMax = limit()
        profile.qualify.fsyncMicrosP99Max = limit()
        profile.qualify.writeMicrosP99Max = limit()
        profile.qualify.fenceMicrosMax = limit()
    }

    /// What people write, and what YAML makes something else of.
    private func word(_ random: inout SeededRandom) -> String {
        let words = [
            "host", "pci:0000:3b:00.0", "af_xdp:eth1", "true", "no", "null", "~", "12", "0x1F",
            "1e3", "- a", "a: b", "a:", "# x", "a #b", "{}", "[1]", "\"", "\\", "it's", "\n", "\t",
            "\u{1}", "\u{85}", "\u{2028}", "é", "日本", "😀", " x ", "&a", "*a", "!a", "%a", "@a",
            "`a`", "|", ">", "=", "<<", "2026-01-01",
        ]
        let count = 1 + Int(random.below(2))
        return (0..<count).map { _ in words[Int(random.below(UInt64(words.count)))] }
            .joined()
    }
}

@Suite struct `The profiles that come with it` {
    private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("hw/profiles")

    private func all() throws -> [(name: String, text: String)] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { $0.hasSuffix(".yaml") && $0 != "example.yaml" }.map {
                (
                    $0,
                    try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
                )
            }
    }

    @Test func `are read, named as their files, and say why`() throws {
        let files = try all()
        #expect(
            files.map(\.name) == [
                "cloud-small.yaml", "laptop.yaml", "one-socket-intel-e810.yaml",
                "two-socket-amd-connectx6.yaml",
            ])
        for (name, text) in files {
            let profile = try HardwareProfile(yaml: text, file: name)
            #expect("\(profile.name).yaml" == name)
            let lines = text.split(separator: "\n")
            #expect(lines.count { $0.contains("#") } * 3 > lines.count, "\(name): comments")
            let counts = [profile.cpus.engine, profile.cpus.journal, profile.cpus.mirror]
                .map(\.count).filter { $0 > 0 }
            #expect(counts.allSatisfy { $0 == profile.cpus.gateway.count }, "\(name)")
        }
    }

    /// 16 cores with SMT and one node; 2 × 32 cores with SMT and two nodes, eight cores a cache.
    @Test(arguments: [
        ("one-socket-intel-e810", 1, 16, 16, "0000:17:00.0", 0),
        ("two-socket-amd-connectx6", 2, 32, 8, "0000:c1:00.0", 1),
    ])
    func `fit the machine that they describe`(
        name: String, sockets: Int, cores: Int, coresPerCache: Int, card: String, node: Int
    ) throws {
        let text = try #require(try all().first { $0.name == "\(name).yaml" }).text
        let profile = try HardwareProfile(yaml: text, file: name)
        #expect(profile.pciAddress == card)
        let tree = try MachineTree(
            server(sockets: sockets, cores: cores, coresPerCache: coresPerCache)
                .merging([
                    "sys/bus/pci/devices/\(card)/class": "0x020000",
                    "sys/bus/pci/devices/\(card)/numa_node": "\(node)",
                ]) { $1 })
        let findings = HostCheck(profile, on: MachineFacts.read(root: tree.root)).findings
        let topics = [
            "processors", "shared cores", "cores of a shard", "node of the port", "polling",
        ]
        let placed = findings.filter { topics.contains($0.topic) }
        #expect(placed.allSatisfy { $0.severity == .ok }, "\(placed)")
        #expect(placed.contains { $0.topic == "cores of a shard" })
        let reserves = findings.filter { $0.topic == "huge pages" && $0.remedy == .profile }
        #expect(reserves.isEmpty, "\(reserves)")
    }

    /// Second threads come last, as most firmwares count them.
    private func server(sockets: Int, cores: Int, coresPerCache: Int) -> [String: String] {
        let cpu = "sys/devices/system/cpu"
        let node = "sys/devices/system/node"
        let total = sockets * cores
        var files = [
            "\(cpu)/online": "0-\(2 * total - 1)", "\(node)/online": "0-\(sockets - 1)",
        ]
        for number in 0..<(2 * total) {
            let core = number % total
            let first = core / coresPerCache * coresPerCache
            let last = first + coresPerCache - 1
            let folder = "\(cpu)/cpu\(number)"
            files["\(folder)/topology/thread_siblings_list"] = "\(core),\(core + total)"
            files["\(folder)/cache/index3/level"] = "3"
            files["\(folder)/cache/index3/type"] = "Unified"
            files["\(folder)/cache/index3/shared_cpu_list"] =
                "\(first)-\(last),\(first + total)-\(last + total)"
        }
        for number in 0..<sockets {
            let first = number * cores
            let last = first + cores - 1
            files["\(node)/node\(number)/cpulist"] =
                "\(first)-\(last),\(first + total)-\(last + total)"
            files["\(node)/node\(number)/distance"] = sockets == 1 ? "10" : "10 32"
            for size in ["2048", "1048576"] {
                let pool = "\(node)/node\(number)/hugepages/hugepages-\(size)kB"
                files["\(pool)/nr_hugepages"] = "0"
                files["\(pool)/free_hugepages"] = "0"
            }
        }
        return files
    }
}
