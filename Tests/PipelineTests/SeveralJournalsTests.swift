// SPDX-License-Identifier: Apache-2.0
import Settings
import CommandLog
import Engine
import Foundation
import NICGateway
import Pipeline
import Platform
import ShardRig
import Testing
import Wire

@Suite struct `Several shards with journals` {
    private func configuration(
        _ folder: JournalFolder, shards: Int = 2, policies: [CommitPolicy] = [.durable]
    ) -> Configuration {
        ShardRig.configuration {
            $0.shards = shards
            $0.journal = .init(folder: folder.path)
            $0.journal?.segmentByteCount = 1 << 20
            $0.commitPolicies = policies
            $0.instruments[1].shard = UInt32(shards - 1)
        }
    }

    private func run(_ configuration: Configuration, _ body: (Pipeline) throws -> Void) throws {
        let port = try ShardRig.port(buffers: 2_047, queues: 2)
        defer { port.close() }
        try body(try Pipeline(configuration, port: port))
    }

    /// Names and sizes of a shard's files.
    private func files(_ folder: JournalFolder, shard: Int) throws -> [String: Int] {
        let path = "\(folder.path)/shard-\(shard)"
        var found: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
            found[name] = (attributes[.size] as? Int) ?? 0
        }
        return found
    }

    @Test func `start all or none: damage in the last leaves the first as it was`() throws {
        let folder = JournalFolder()
        try run(configuration(folder)) { pipeline in
            try pipeline.start()
            pipeline.stop()
        }
        let second = folder.path + "/shard-1/00000000000000000001.log"
        var content = try Data(contentsOf: URL(fileURLWithPath: second))
        content[0] ^= 1
        try content.write(to: URL(fileURLWithPath: second))
        let before = try files(folder, shard: 0)
        let error = #expect(throws: JournalError.self) {
            try run(configuration(folder)) { _ in }
        }
        let text = "\(try #require(error))"
        #expect(text.contains("shard-1/00000000000000000001.log") && text.contains("shard 1"))
        #expect(try files(folder, shard: 0) == before)
    }

    @Test func `are not left behind when there are to be fewer`() throws {
        let folder = JournalFolder()
        try run(configuration(folder)) { _ in }
        let error = #expect(throws: SettingsError.self) {
            try run(configuration(folder, shards: 1)) { _ in }
        }
        let text = "\(try #require(error))"
        #expect(text.contains("shard-1") && text.contains("put `shards` back"))
    }

    @Test func `wait for the disk each by its own policy`() throws {
        let folder = JournalFolder()
        let port = try ShardRig.port(buffers: 4_095, queues: 2)
        defer { port.close() }
        let settings = configuration(folder, policies: [.none, .durable])
        let rigs = try (0..<2).map {
            try ShardRig(settings, port: port, number: $0, steering: nil)
        }
        for (number, rig) in rigs.enumerated() {
            var client = TestClient(1)
            client.builder.destinationPort = settings.udpPort + UInt16(number)
            rig.inject(client.logonFrame())
            // The journal stands still.
            for _ in 0..<50 {
                _ = rig.shard.core.pollIntake()
                _ = rig.shard.loop.poll()
                _ = rig.shard.core.pollOutput()
            }
            let isAnswered = rig.sent().contains { $0.type == .logonAccepted }
            #expect(isAnswered == (number == 0))
            #expect(rig.session(1).isLoggedOn)
        }
        #expect(rigs[1].isAccepted())
    }
}
