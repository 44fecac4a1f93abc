// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import Settings
internal import CommandLog
internal import Pipeline
internal import RDMAReplica
internal import Testing

@Suite struct `A configuration` {
    private func read(_ macAddress: String) throws -> Configuration {
        try Configuration(
            yaml: """
                port: memory
                address: 10.77.0.2
                macAddress: "\(macAddress)"
                instruments:
                  - {number: 1, symbol: A, lowestPriceTicks: 1, highestPriceTicks: 100}
                """, file: "test.yaml")
    }

    @Test func `takes an Ethernet address of six octets`() throws {
        #expect(try read("02:4e:54:00:00:01").macAddress == 0x024E_5400_0001)
    }

    @Test(arguments: [
        "02:4e:54:00:00", "02:4e:zz:54:00:00:01", "02:4e::54:00:00:01", "1ff:0:0:0:0:0",
    ])
    func `refuses an Ethernet address with anything else in it`(text: String) {
        #expect(throws: SettingsError.self) { try read(text) }
    }

    private func readCommit(_ lines: String, shards: Int = 3) throws -> Configuration {
        try Configuration(
            yaml: """
                port: memory
                address: 10.77.0.2
                shards: \(shards)
                \(lines)
                instruments:
                  - {number: 1, symbol: A, lowestPriceTicks: 1, highestPriceTicks: 100}
                """, file: "test.yaml")
    }

    /// What is wrong with it, as `line: key: message`.
    private func problems(_ lines: String, shards: Int = 3) -> [String] {
        do {
            _ = try readCommit(lines, shards: shards)
            return []
        } catch {
            return (error as? SettingsError)?.problems.map {
                "\($0.line): \($0.key): \($0.message)"
            } ?? ["\(error)"]
        }
    }

    private static let journal = "journal: {folder: /tmp/never-opened}\n"
    /// A cluster in one line, with other keys in it.
    private func cluster(_ keys: String = "") -> String {
        Self.journal + "commit: mirrored\n"
            + "cluster: {host: 1, peer: 2, peerAddress: \"10.78.0.2:7471\", "
            + "arbiter: {file: /tmp/arbiter}\(keys.isEmpty ? "" : ", ")\(keys)}"
    }

    @Test func `takes a cluster, and the device that the profile names`() throws {
        let plain = try #require(readCommit(cluster()).cluster)
        #expect(plain.host == 1 && plain.peer == 2 && plain.solo == .durable)
        #expect(plain.mirror.peerAddress == 0x0A4E_0002 && plain.mirror.peerPort == 7_471)
        #expect(plain.listenAddress == 0 && plain.listenPort == 7_471)
        let keys = "listen: \"10.78.0.1:1\", takeOverMillis: 2, soloMillis: 1, solo: halt"
        let other = try #require(
            readCommit(cluster(keys) + "\nrdma: {device: mlx5_0, port: 2}").cluster)
        #expect(other.listenAddress == 0x0A4E_0001 && other.listenPort == 1)
        #expect(other.takeOverMillis == 2 && other.soloMillis == 1 && other.solo == .halt)
        #expect(other.mirror.device == .init(name: "mlx5_0", port: 2))
        #expect(try readCommit("").cluster == nil)
    }

    @Test(arguments: [
        ("peerAddress: \"10.9.0.1\"", "is not an address with a port"),
        ("peerAddress: \"10.9.0.1:0\"", "is not an address with a port"),
        ("peerAddress: \"here:7471\"", "is not an address with a port"),
        ("listen: \"1:2:3\"", "is not an address with a port"),
        ("peer: 1", "is this host's own number"), ("host: 0", "host"),
        ("name: ''", "1 to 100 bytes"), (#"name: "a\nb""#, "1 to 100 bytes"),
        ("solo: never", "never"), ("takeOverMillis: 0", "takeOverMillis"),
        ("arbiter: {}", "one of file, manual and etcd"),
        ("arbiter: {file: here}", "path from /"),
        ("arbiter: {file: /a, manual: /b}", "not 2 of them"),
        ("arbiter: {etcd: {endpoints: [nowhere]}}", "is no endpoint"),
    ])
    func `refuses a cluster with a key that is wrong`(key: String, message: String) throws {
        let name = try #require(key.split(separator: ":").first)
        let line = cluster().replacing(
            try Regex("\(name): (\\{.*?\\}|[^,}]+)"), with: key, maxReplacements: 1)
        let text = line.contains(key) ? line : cluster(key)
        let found = problems(text)
        #expect(found.count == 1 && found.contains { $0.contains(message) }, "\(text): \(found)")
    }

    @Test(arguments: [
        ("peerAddress: \"10.78.0.2:7471\", ", "", "peerAddress: missing"),
        ("10.78.0.2", "here", "is not an address with a port"),
        (", arbiter: {file: /tmp/arbiter}", "", "arbiter: missing"),
        ("peer: 2, ", "", "peer: missing"),
    ])
    func `finds one mistake in a cluster, and none beside it`(
        part: String, replacement: String, message: String
    ) {
        let keys =
            "name: a, listen: \"10.78.0.1:1\", transport: tcp, keyFile: /k, takeOverMillis: 2, "
            + "soloMillis: 1, solo: halt"
        let text = cluster(keys).replacing(part, with: replacement)
        let found = problems(text)
        #expect(found.count == 1 && found[0].contains(message), "\(text): \(found)")
    }

    @Test func `refuses what a cluster is nothing without`() {
        let line =
            "cluster: {host: 1, peer: 2, peerAddress: \"10.78.0.2:7471\", "
            + "arbiter: {file: /tmp/arbiter}}"
        #expect(problems(line + "\ncommit: mirrored").contains { $0.contains("needs a journal") })
        #expect(problems(Self.journal + line).contains { $0.contains("waits for no standby") })
        #expect(
            problems(Self.journal + "commit: mirrored").contains { $0.contains("needs a cluster") })
        #expect(
            problems("cluster: {}\ncommit: mirrored\n" + Self.journal).filter {
                $0.contains("missing")
            }.count == 4)
    }

    @Test func `takes one commit policy for all shards, or one for each`() throws {
        let journal = "\njournal: {folder: /tmp/never-opened}"
        let one = try readCommit("commit: durable" + journal)
        #expect((0..<3).map { one.commitPolicy(shard: $0) } == [.durable, .durable, .durable])
        let each = try readCommit("commit: [none, durable, none]" + journal)
        #expect((0..<3).map { each.commitPolicy(shard: $0) } == [.none, .durable, .none])
        #expect(try readCommit("").commitPolicy(shard: 2) == .none)
    }

    @Test func `refuses commit policies of a wrong number or name`() {
        #expect(
            problems("commit: [none, none]") == [
                "4: commit: 2 policies for 3 shards: one word for all, or a list with one for each "
                    + "shard"
            ])
        #expect(problems("commit: []").count == 1)
        #expect(problems("commit: [none]").count == 1)
        #expect(problems("commit: [none]", shards: 1) == [])
        #expect(problems("commit: [none, none]", shards: 2) == [])
        #expect(
            problems("commit: [none, none, sync]") == [
                "4: commit: `sync` is none of none, durable, mirrored, mirrored+durable"
            ])
        #expect(problems("commit: {all: none}") == ["4: commit: expected text"])
    }

    @Test func `refuses durable without a journal, for any shard`() {
        for commit in ["durable", "[none, none, durable]"] {
            let found = problems("commit: \(commit)")
            #expect(found.count == 1 && found[0].contains("durable needs a journal"), "\(found)")
        }
    }

    @Test func `gives no thread a core that another one was given by name`() {
        var configuration = Configuration()
        configuration.host.mode = .pipeline
        configuration.host.polling = .busy
        configuration.host.cpus.gateway = [3]
        let plan = ThreadPlan(
            configuration, machine: .read(root: "/nowhere"), cpus: [0, 1, 2, 3])
        #expect(plan.gateway.map(\.cpu) == [3])
        #expect(plan.engine.map(\.cpu) == [2])
    }

    private func readJournal(_ lines: String) throws -> Configuration.Journal? {
        try readCommit("journal: {folder: /x, \(lines)}").journal
    }

    @Test func `takes what is to become of snapshots and old segments`() throws {
        let usual = try readJournal("segmentMB: 256")
        #expect(usual?.snapshotEvery == 10_000_000 && usual?.snapshotsKept == 3)
        #expect(usual?.oldSegments == .keep)
        let other = try readJournal(
            "snapshotEvery: 0, snapshotsKept: 1, oldSegments: archive, archiveFolder: /y")
        #expect(other?.snapshotEvery == 0 && other?.snapshotsKept == 1)
        #expect(other?.oldSegments == .archive && other?.archiveFolder == "/y")
    }

    @Test(arguments: [
        ("oldSegments: archive", "archiveFolder` needs it"),
        ("oldSegments: archive, archiveFolder: /x", "the same as `folder`"),
        ("oldSegments: away", "none of keep, delete, archive"),
        ("snapshotsKept: 0", "from 1 to 1000"),
    ])
    func `refuses a journal that cannot be kept so`(lines: String, words: String) throws {
        let error = #expect(throws: SettingsError.self) { try readJournal(lines) }
        let text = "\(try #require(error))"
        #expect(text.contains(words) || text.contains("missing"), "\(text)")
    }

    @Test func `says of a journal without a folder just that`() throws {
        let error = #expect(throws: SettingsError.self) {
            try readCommit("journal: {segmentMB: 16}")
        }
        #expect(error?.problems.count == 1)
    }

    @Test func `refuses what plain sockets cannot do`() throws {
        for (lines, words) in [("udpPort: 7000", "bound to 7640"), ("shards: 2", "one socket")] {
            let error = #expect(throws: SettingsError.self) {
                try Configuration(
                    yaml: """
                        port: udp:127.0.0.1:7640
                        address: 127.0.0.1
                        \(lines)
                        instruments:
                          - {number: 1, symbol: A, lowestPriceTicks: 1, highestPriceTicks: 100}
                        """, file: "test.yaml")
            }
            #expect("\(try #require(error))".contains(words))
        }
    }
}
