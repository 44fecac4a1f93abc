// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Settings

extension HardwareProfile {
    /// The keys of a profile, which may stand in a configuration too.
    public static var keys: [String] {
        [
            "name", "port", "mode", "polling", "cpus", "queues", "packetMemoryMB", "packetBuffers",
            "rings", "hugePages", "kernel", "journalDisk", "rdma", "qualify",
        ]
    }

    /// Reads a profile. Everything that is wrong is in the error, with line and cure.
    public init(yaml: String, file: String) throws(SettingsError) {
        var profile = HardwareProfile()
        try Settings.read(yaml: yaml, file: file) { profile.read(&$0) }
        self = profile
    }

    /// Takes over what the reader has of the profile's keys, and notes what is wrong with them.
    public mutating func read(_ reader: inout SettingsReader) {
        name = reader.string("name") ?? name
        port = reader.string("port") ?? port
        mode = reader.choice("mode", Mode.self) ?? mode
        polling = reader.choice("polling", Polling.self) ?? polling
        packetMemoryMB = reader.integer("packetMemoryMB", in: 0...65_536) ?? packetMemoryMB
        packetBuffers = reader.integer("packetBuffers", in: 1_024...1_048_576) ?? packetBuffers
        journalDisk = reader.string("journalDisk") ?? journalDisk
        readRoles(&reader)
        readQueues(&reader)
        readRings(&reader)
        readHugePages(&reader)
        readKernel(&reader)
        readRDMA(&reader)
        readQualifyLimits(&reader)
    }

    private mutating func readRoles(_ reader: inout SettingsReader) {
        guard reader.has("cpus") else { return }
        var inner = reader.inner("cpus")
        let numbers = 0...1_023
        cpus.gateway = inner.integers("gateway", in: numbers) ?? cpus.gateway
        cpus.engine = inner.integers("engine", in: numbers) ?? cpus.engine
        cpus.journal = inner.integers("journal", in: numbers) ?? cpus.journal
        cpus.mirror = inner.integers("mirror", in: numbers) ?? cpus.mirror
        cpus.housekeeping = inner.integers("housekeeping", in: numbers) ?? cpus.housekeeping
        let owners = [
            ("gateway", cpus.gateway), ("engine", cpus.engine), ("mirror", cpus.mirror),
            ("housekeeping", cpus.housekeeping),
        ].flatMap { role in role.1.map { (name: role.0, cpu: $0) } }
        for (index, owner) in owners.enumerated() {
            guard let other = owners[..<index].first(where: { $0.cpu == owner.cpu }) else {
                continue
            }
            inner.fail(
                owner.name,
                "processor \(owner.cpu) is under \(other.name) already; a polling thread has one "
                    + "to itself")
        }
        reader.absorb(inner)
    }

    private mutating func readQueues(_ reader: inout SettingsReader) {
        guard reader.has("queues") else { return }
        var inner = reader.inner("queues")
        queues.steering = inner.choice("steering", Steering.self) ?? queues.steering
        queues.checksumOffload = inner.boolean("checksumOffload") ?? queues.checksumOffload
        queues.receiveDescriptors =
            inner.integer("receiveDescriptors", in: 64...32_768) ?? queues.receiveDescriptors
        queues.transmitDescriptors =
            inner.integer("transmitDescriptors", in: 64...32_768) ?? queues.transmitDescriptors
        queues.burstFrames = inner.integer("burstFrames", in: 1...256) ?? queues.burstFrames
        reader.absorb(inner)
    }

    private mutating func readRings(_ reader: inout SettingsReader) {
        guard reader.has("rings") else { return }
        var inner = reader.inner("rings")
        rings.logRecords =
            inner.powerOfTwo("logRecords", in: 1_024...16_777_216) ?? rings.logRecords
        rings.events = inner.powerOfTwo("events", in: 4_096...16_777_216) ?? rings.events
        reader.absorb(inner)
    }

    private mutating func readHugePages(_ reader: inout SettingsReader) {
        guard reader.has("hugePages"), let list = reader.list("hugePages") else { return }
        hugePages = []
        for var inner in list {
            var reserve = HugePageReserve()
            reserve.node = .init(rawValue: inner.integer("node", in: 0...1_023) ?? 0)
            reserve.pageMB = inner.integer("pageMB", in: 2...1_024) ?? 2
            reserve.count = inner.integer("count", in: 0...1_048_576) ?? 0
            if reserve.pageMB != 2, reserve.pageMB != 1_024 {
                inner.fail("pageMB", "\(reserve.pageMB) is neither 2 nor 1024")
            }
            if !inner.has("count") { inner.fail("count", "missing; how many pages") }
            if hugePages.contains(where: {
                $0.node == reserve.node && $0.pageMB == reserve.pageMB
            }) {
                inner.fail("node", "pages of \(reserve.pageMB) MB on that node are given twice")
            }
            hugePages.append(reserve)
            reader.absorb(inner)
        }
    }

    private mutating func readKernel(_ reader: inout SettingsReader) {
        guard reader.has("kernel") else { return }
        var inner = reader.inner("kernel")
        kernel.isolatePolling = inner.boolean("isolatePolling")
        kernel.interruptsOnHousekeeping = inner.boolean("interruptsOnHousekeeping")
        kernel.governor = inner.string("governor")
        kernel.idleLatencyMicrosMax = inner.integer("idleLatencyMicrosMax", in: 0...1_000_000)
        kernel.transparentHugePages =
            inner.choices("transparentHugePages", TransparentHugePages.self)?.map(\.rawValue) ?? []
        reader.absorb(inner)
    }

    private enum TransparentHugePages: String, CaseIterable {
        case always, madvise, never
    }

    private mutating func readRDMA(_ reader: inout SettingsReader) {
        guard reader.has("rdma") else { return }
        var inner = reader.inner("rdma")
        if let device = inner.string("device"), !device.isEmpty {
            rdma = RDMA(device: device)
        } else {
            inner.fail("device", "missing; for example `device: mlx5_0`")
        }
        let port = inner.integer("port", in: 1...255) ?? 1
        let gidIndex = inner.integer("gidIndex", in: 0...255) ?? 0
        rdma?.port = port
        rdma?.gidIndex = gidIndex
        reader.absorb(inner)
    }
}
