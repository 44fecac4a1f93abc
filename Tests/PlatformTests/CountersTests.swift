// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: C calls on descriptors and paths of the test's own; nothing escapes.
internal import Foundation
internal import Testing

@testable internal import Platform

/// A folder in memory that is gone with the object.
private final class MemoryFolder: Sendable {
    let path = "/dev/shm/nt-counters-\(UUID().uuidString)"
    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The plan, the identity and the numbers of the golden file.
private struct Sample {
    var plan = CountersPlan()
    var identity = CountersIdentity()
    let foo: CounterPlace
    let commit: CounterPlace
    let gauge: CounterPlace

    init() {
        foo = plan.add("counter.foo", shard: 0)
        commit = plan.addHistogram("commit.nanos", shard: 1)
        plan.beginWriter()
        gauge = plan.add("g", .gauge, unit: .cycles)
        identity.startedNanos = 123_456_789
        identity.processID = 12_345
        identity.ipv4Address = 0x0A4D_0002
        identity.udpPort = 7_000
        identity.shardCount = 2
        identity.nanosPerCycleQ48 = 1 << 47
        identity.port = "af_xdp:eth1"
        identity.driver = "net_af_xdp"
        identity.mode = "pipeline"
    }

    func fill(_ region: CountersRegion) {
        region.cell(foo).add(7)
        let histogram = LatencyHistogram(region, commit)
        histogram.record(nanos: 5)
        histogram.record(nanos: 40)
        region.cell(gauge).store(0x8000_0000_0000_0001)
    }
}

@Suite struct `A counters file` {
    @Test func `has the golden bytes`() throws {
        let folder = try MemoryFolder()
        let sample = Sample()
        let region = try CountersRegion(
            sample.plan, identity: sample.identity, folder: folder.path)
        sample.fill(region)
        let path = try #require(region.path)
        #expect(path == folder.path + "/needletail-10.77.0.2-7000-12345.counters")
        let found = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/counters-v1.hex")
        var expected = [UInt8](repeating: 0, count: 8_192)
        for line in try String(contentsOf: golden, encoding: .utf8).split(separator: "\n")
        where !line.hasPrefix("#") {
            let cells = line.split(separator: " ", omittingEmptySubsequences: true)
            let digits = Array(cells[1].utf8)
            let offset = try #require(Int(cells[0]))
            for index in stride(from: 0, to: digits.count, by: 2) {
                let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
                expected[offset + index / 2] = try #require(UInt8(pair, radix: 16))
            }
        }
        #expect(found.count == expected.count)
        for (offset, (byte, wanted)) in zip(found, expected).enumerated() where byte != wanted {
            Issue.record("offset \(offset): \(byte), the golden file has \(wanted)")
        }
    }

    @Test func `is read back by name, while it is written`() throws {
        let folder = try MemoryFolder()
        let sample = Sample()
        let region = try CountersRegion(
            sample.plan, identity: sample.identity, folder: folder.path)
        sample.fill(region)
        let view = try CountersView(path: try #require(region.path))
        #expect(view.identity == sample.identity)
        #expect(view.identity.name == "10.77.0.2:7000")
        #expect(view.entries.map(\.name) == ["counter.foo", "commit.nanos", "g"])
        #expect(view.isAlive)
        region.cell(sample.foo).add(1)
        let snapshot = try CountersSnapshot(view)
        #expect(snapshot["counter.foo", 0] == 8)
        #expect(snapshot["counter.foo", 1] == 0 && !snapshot.has("counter.foo", shard: 1))
        #expect(snapshot["g"] == 0x8000_0000_0000_0001)
        let commit = snapshot.distribution("commit.nanos", shard: 1)
        #expect(commit.count == 2 && commit.maxNanos == 40 && commit.quantileNanos(0.5) == 5)
        #expect(try CountersSnapshot(CountersView(region))["counter.foo", 0] == 8)
    }

    @Test func `that is cut while it is read is told`() throws {
        let folder = try MemoryFolder()
        let sample = Sample()
        let region = try CountersRegion(
            sample.plan, identity: sample.identity, folder: folder.path)
        let path = try #require(region.path)
        let copy = folder.path + "/copy"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let view = try CountersView(path: copy)
        #expect(unsafe truncate(copy, 100) == 0)
        let error = #expect(throws: CountersError.self) { try CountersSnapshot(view) }
        #expect(error?.kind == .malformed)
        withExtendedLifetime(region) {}
    }

    @Test(.enabled(if: geteuid() == 0))
    func `of another user is not believed where any user may write`() throws {
        let folder = try MemoryFolder()
        let sample = Sample()
        let region = try CountersRegion(
            sample.plan, identity: sample.identity, folder: folder.path)
        let path = try #require(region.path)
        #expect(unsafe chmod(folder.path, 0o1777) == 0)
        _ = try CountersView(found: path)
        #expect(unsafe chown(path, 65_534, 65_534) == 0)
        let error = #expect(throws: CountersError.self) { try CountersView(found: path) }
        #expect(error?.kind == .stranger)
        _ = try CountersView(path: path)
        // Who may write in the folder is known: a service's group reads this way.
        #expect(unsafe chmod(folder.path, 0o755) == 0)
        _ = try CountersView(found: path)
        withExtendedLifetime(region) {}
    }

    @Test func `is there for its owner and its group, and gone with its gateway`() throws {
        let folder = try MemoryFolder()
        let sample = Sample()
        var path = ""
        do {
            let region = try CountersRegion(
                sample.plan, identity: sample.identity, folder: folder.path)
            path = try #require(region.path)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
            #expect(mode as? Int == 0o640)
            withExtendedLifetime(region) {}
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `that nobody writes any more is stale, and is removed`() throws {
        let folder = try MemoryFolder()
        let sample = Sample()
        let region = try CountersRegion(
            sample.plan, identity: sample.identity, folder: folder.path)
        let path = try #require(region.path)
        let left = folder.path + "/needletail-10.77.0.2-7000-99.counters"
        try FileManager.default.copyItem(atPath: path, toPath: left)
        let other = folder.path + "/notes.counters"
        try FileManager.default.copyItem(atPath: path, toPath: other)
        #expect(try CountersView(path: left).isAlive == false)
        #expect(try CountersView(path: path).isAlive)
        CountersFolders.removeStale(in: folder.path)
        #expect(!FileManager.default.fileExists(atPath: left))
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(FileManager.default.fileExists(atPath: other))
        withExtendedLifetime(region) {}
    }

    @Test func `keeps two gateways apart that differ in address, UDP port or process`() {
        var names: Set<String> = []
        for (address, port, process) in [(1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4)] {
            var identity = CountersIdentity()
            identity.ipv4Address = UInt32(address)
            identity.udpPort = UInt16(port)
            identity.processID = UInt32(process)
            names.insert(identity.fileName)
        }
        #expect(names.count == 4)
    }

    @Test func `cannot be made where there is no folder, and says so`() {
        let sample = Sample()
        let error = #expect(throws: PlatformError.self) {
            try CountersRegion(sample.plan, identity: sample.identity, folder: "/no/folder")
        }
        let text = error?.description ?? ""
        #expect(text.contains("/no/folder") && text.contains("the gateway goes on"))
    }

    @Test func `of a disk's folder is not made: a store could wait`() {
        #expect(!CountersFolders.isFit("/proc"))
        #expect(CountersFolders.isFit("/dev/shm"))
    }
}

@Suite struct `A file that is not a whole counters file` {
    /// Writes `change`d golden content and gives what reading it says.
    private func kind(_ change: (inout [UInt8]) -> Void) throws -> CountersError.Kind? {
        let folder = try MemoryFolder()
        let sample = Sample()
        let region = try CountersRegion(
            sample.plan, identity: sample.identity, folder: folder.path)
        sample.fill(region)
        var bytes = [UInt8](
            try Data(contentsOf: URL(fileURLWithPath: try #require(region.path))))
        change(&bytes)
        let path = folder.path + "/changed.counters"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do throws(CountersError) {
            _ = try CountersView(path: path)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func `is refused, whatever is wrong with it`() throws {
        #expect(try kind { _ in } == nil)
        #expect(try kind { $0[0] = 0 } == .malformed)
        #expect(try kind { $0[8] = 2 } == .version(2))
        #expect(try kind { $0.removeLast() } == .malformed)
        #expect(try kind { $0.removeLast($0.count - 100) } == .malformed)
        #expect(try kind { $0[12] = 255 } == .malformed)
        #expect(try kind { $0[15] = 255 } == .malformed)
        #expect(try kind { $0[268] = 9 } == .malformed)
        #expect(try kind { $0[270] = 9 } == .malformed)
        #expect(try kind { $0[256] = 1 } == .malformed)
        #expect(try kind { $0[263] = 0x80 } == .malformed)
        #expect(try kind { $0[392] = 0 } == .malformed)
        #expect(try kind { $0[513] = 0x20 } == .malformed)
    }

    @Test func `is named with cause and cure`() {
        let absent = #expect(throws: CountersError.self) { try CountersView(path: "/no/file") }
        #expect(absent?.kind == .absent)
        #expect(absent?.description.contains("is the gateway running") == true)
        let version = CountersError(path: "f", .version(9)).description
        #expect(version.contains("version 9") && version.contains("reads 1"))
    }
}
