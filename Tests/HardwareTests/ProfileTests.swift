// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Hardware
internal import Settings
internal import Testing

@Suite struct `A profile` {
    private func read(_ text: String) throws -> HardwareProfile {
        try HardwareProfile(yaml: text, file: "host.yaml")
    }

    @Test func `has the usual values for what it leaves out`() throws {
        #expect(try read("port: pci:0000:3b:00.0").port == "pci:0000:3b:00.0")
        var empty = HardwareProfile()
        empty.name = "x"
        #expect(try read("name: x") == empty)
    }

    @Test func `is read key by key`() throws {
        let profile = try read(
            """
            name: host
            port: pci:0000:3b:00.0
            mode: pipeline
            polling: busy
            cpus: {gateway: [2], engine: 3, journal: [4], mirror: [5], housekeeping: [0, 1]}
            queues: {steering: flow, checksumOffload: false, receiveDescriptors: 512, burstFrames: 64}
            packetMemoryMB: 128
            packetBuffers: 32_768
            rings: {logRecords: 131_072, events: 524_288}
            hugePages: [{node: 1, count: 512}, {node: 1, pageMB: 1024, count: 2}]
            kernel:
              isolatePolling: true
              governor: performance
              idleLatencyMicrosMax: 2
              transparentHugePages: [never, madvise]
            journalDisk: nvme0n1
            rdma: {device: mlx5_0, gidIndex: 3}
            """)
        #expect(profile.pciAddress == "0000:3b:00.0" && profile.interface == nil)
        #expect(profile.cpus.engine == [3] && profile.cpus.polling == [2, 3, 5])
        #expect(profile.queues.steering == .flow && !profile.queues.checksumOffload)
        #expect(profile.queues.receiveDescriptors == 512)
        #expect(profile.queues.transmitDescriptors == 1_024)
        #expect(profile.hugePages.map(\.pageMB) == [2, 1_024])
        #expect(profile.kernel.isolatePolling == true)
        #expect(profile.kernel.interruptsOnHousekeeping == nil)
        #expect(profile.kernel.transparentHugePages == ["never", "madvise"])
        #expect(profile.rdma?.gidIndex == 3 && profile.rdma?.port == 1)
    }

    @Test(arguments: [
        ("cpus: {gateway: [1], engine: [1]}", "cpus.engine: processor 1 is under gateway already"),
        ("cpus: {gateway: [1], housekeeping: [0, 1]}", "processor 1 is under gateway already"),
        ("cpus: {gateways: [1]}", "unknown key"),
        ("hugePages: [{node: 0}]", "hugePages[0].count: missing"),
        ("hugePages: [{count: 1, pageMB: 4}]", "4 is neither 2 nor 1024"),
        ("hugePages: [{count: 1}, {count: 2}]", "given twice"),
        ("hugePages: 12", "expected a list"),
        ("rings: {logRecords: 1000_000}", "524288 and 1048576 are"),
        ("kernel: {transparentHugePages: off}", "none of always, madvise, never"),
        ("rdma: {port: 1}", "rdma.device: missing"),
        ("queues: {burstFrames: 0}", "from 1 to 256"),
        ("instruments: []", "unknown key"),
    ])
    func `is refused with line, key and cure`(text: String, words: String) throws {
        let error = #expect(throws: SettingsError.self) { try read(text) }
        let told = "\(try #require(error))"
        #expect(told.hasPrefix("host.yaml:1: ") && told.contains(words), "\(told)")
    }
}

/// What a profile leaves open, chosen on a machine that is written by hand.
@Suite struct `The choice of processors` {
    /// Sockets of cores of threads, numbered as Linux does: first all first threads.
    private func machine(
        sockets: Int, cores: Int, threads: Int, isolated: String = "", portNode: Int? = nil
    ) throws -> MachineFacts {
        var files: [String: String] = [:]
        let count = sockets * cores
        files["sys/devices/system/cpu/online"] = "0-\(count * threads - 1)"
        files["sys/devices/system/cpu/isolated"] = isolated
        files["sys/devices/system/node/online"] = "0-\(sockets - 1)"
        for socket in 0..<sockets {
            let cpus = (0..<threads).flatMap { thread in
                (0..<cores).map { "\(thread * count + socket * cores + $0)" }
            }
            files["sys/devices/system/node/node\(socket)/cpulist"] = cpus.joined(separator: ",")
        }
        for cpu in 0..<count * threads {
            let siblings = (0..<threads).map { "\($0 * count + cpu % count)" }
            files["sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"] =
                siblings.joined(separator: ",")
        }
        if let portNode {
            let device = "sys/bus/pci/devices/0000:3b:00.0"
            files["\(device)/class"] = "0x020000"
            files["\(device)/uevent"] = "PCI_SLOT_NAME=0000:3b:00.0"
            files["\(device)/numa_node"] = "\(portNode)"
        }
        let tree = try MachineTree(files)
        return MachineFacts.read(root: tree.root)
    }

    private func chosen(
        _ machine: MachineFacts, allowed: ClosedRange<Int>, shards: Int = 1, journal: Bool = false,
        _ change: (inout HardwareProfile) -> Void = { _ in }
    ) -> HardwareProfile {
        var profile = HardwareProfile()
        profile.port = "pci:0000:3b:00.0"
        change(&profile)
        return profile.completed(
            for: machine, cpus: Array(allowed), shards: shards, hasJournal: journal)
    }

    @Test func `gives each polling thread a core of its own, from the top`() throws {
        let small = try machine(sockets: 1, cores: 4, threads: 1)
        let profile = chosen(small, allowed: 0...3)
        #expect(profile.mode == .pipeline && profile.polling == .busy)
        #expect(profile.cpus.gateway == [3] && profile.cpus.engine == [2])
        #expect(profile.cpus.housekeeping == [0, 1])
    }

    @Test func `counts cores, not their threads`() throws {
        let laptop = try machine(sockets: 1, cores: 2, threads: 2)
        let profile = chosen(laptop, allowed: 0...3)
        #expect(profile.mode == .runToCompletion && profile.polling == .busy)
        #expect(profile.cpus.gateway == [1] && profile.cpus.engine == [])
        #expect(profile.cpus.housekeeping == [0, 2], "the sibling of a polling core stays idle")
        #expect(chosen(laptop, allowed: 0...3, journal: true).polling == .adaptive)
    }

    @Test func `stays near the port`() throws {
        let server = try machine(sockets: 2, cores: 4, threads: 2, portNode: 0)
        let profile = chosen(server, allowed: 0...15)
        #expect(profile.cpus.gateway == [3] && profile.cpus.engine == [2])
        let other = try machine(sockets: 2, cores: 4, threads: 2, portNode: 1)
        #expect(chosen(other, allowed: 0...15).cpus.gateway == [7])
    }

    @Test func `takes isolated cores first, and leaves them out of housekeeping`() throws {
        let server = try machine(sockets: 1, cores: 8, threads: 1, isolated: "2-4")
        let profile = chosen(server, allowed: 0...7)
        #expect(profile.cpus.gateway == [4] && profile.cpus.engine == [3])
        #expect(profile.cpus.housekeeping == [0, 1, 5, 6, 7])
    }

    @Test func `pins nothing where there are not cores enough`() throws {
        let small = try machine(sockets: 1, cores: 2, threads: 1)
        let profile = chosen(small, allowed: 0...1, shards: 2)
        #expect(profile.mode == .runToCompletion && profile.polling == .adaptive)
        #expect(profile.cpus == HardwareProfile.Roles())
    }

    @Test func `leaves alone what was named`() throws {
        let server = try machine(sockets: 1, cores: 8, threads: 1)
        let profile = chosen(server, allowed: 0...7) { $0.cpus.gateway = [7] }
        #expect(profile.cpus.gateway == [7] && profile.cpus.engine == [6])
        let all = chosen(server, allowed: 0...7) {
            $0.cpus.gateway = [1]
            $0.cpus.engine = [2]
        }
        #expect(all.cpus.gateway == [1] && all.cpus.engine == [2] && all.cpus.housekeeping == [])
    }

    @Test func `stands what a kernel cannot say: a processor that is not its own sibling`() throws {
        let tree = try MachineTree([
            "sys/devices/system/cpu/online": "0-1",
            "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "99",
            "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "",
        ])
        let profile = chosen(MachineFacts.read(root: tree.root), allowed: 0...1)
        #expect(profile.cpus.gateway == [1])
    }
}
