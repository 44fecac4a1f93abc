// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A tool's answer, its two streams apart.
struct ToolAnswer {
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
    /// Each line as a JSON object; at least one.
    func objects() throws -> [[String: Any]] {
        try #require(!lines.isEmpty, "\(errors)")
        return try lines.map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }
    }
    /// Lines of CSV by column, in which no field needs quotes.
    func rows() -> [[String: String]] {
        guard let head = lines.first?.split(separator: ",").map(String.init) else { return [] }
        return lines.dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            return Dictionary(uniqueKeysWithValues: zip(head, fields.map(String.init)))
        }
    }
}

/// Runs `needletail log`.
func logTool(_ arguments: String...) throws -> ToolAnswer {
    let folder = try ScratchFolder()
    let errors = folder.path + "/errors"
    let end = try run(
        ["sh", "-c", "exec \"$@\" 2> \(errors)", "sh", Machine.needletail, "log"] + arguments)
    return ToolAnswer(
        status: end.status, output: end.output,
        errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
}

/// The log of a gateway that ran three times, so of three segments, and had every kind of command
/// that a client can send; and copies of it to spoil.
///
///     1 … 14 | 15 … 19 | 20 … 25      a segment each; snapshots are made by the tests
struct LogFixture {
    let folder: ScratchFolder
    /// The folder of the shard.
    var shard: String { folder.path + "/journal/shard-0" }
    /// Where the second and third segments begin, and where the log ends.
    static let second = 15
    static let third = 20
    static let last = 25

    /// Made once.
    static let original = Result { try LogFixture(runs: commands) }

    /// What the client sends in each run.
    private static let commands = [
        [
            "--id", "10", "--buy", "6@101", "--buy", "1@90", "--sell", "5@100",
            "--cancel", "11", "--cancel", "999", "--replace", "10:20:9@102", "--reduce", "20:8",
            "--replace", "20:0:9@5",
        ],
        ["--id", "18446744073709551000", "--sell", "1099511627776@110", "--post-only"],
        ["--id", "30", "--buy", "1@80", "--stp", "oldest", "--ioc", "--mass-cancel"],
    ]

    private init(runs: [[String]]) throws {
        folder = try ScratchFolder()
        for arguments in runs {
            let port = 20_000 + Int.random(in: 0..<20_000)
            let gateway = try RunningGateway(
                port: "\(port)",
                configuration: Self.configuration.replacingOccurrences(
                    of: "FOLDER", with: folder.path))
            guard gateway.listens() else { throw BenchError(description: gateway.output) }
            let sent = try run(
                [Machine.needletail, "send", "--gateway", "127.0.0.1:\(port)", "--wait", "1"]
                    + arguments)
            guard sent.status < 2 else { throw BenchError(description: sent.output) }
            let end = try gateway.stop()
            guard end.status == 0 else { throw BenchError(description: end.output) }
        }
    }

    /// A log of its own, of one run: another one than the original.
    static func other() throws -> LogFixture { try LogFixture(runs: [commands[0]]) }

    /// A copy of the original; `spoil` gets the shard's folder.
    static func copy(_ spoil: (String) throws -> Void = { _ in }) throws -> LogFixture {
        let copy = try LogFixture(copyOf: original.get())
        try spoil(copy.shard)
        return copy
    }

    /// The same without its first `count` segments.
    static func pruned(_ count: Int = 1) throws -> LogFixture {
        try copy { shard in
            for first in [1, second, third].prefix(count) {
                try FileManager.default.removeItem(atPath: "\(shard)/\(segmentName(first))")
                try FileManager.default.removeItem(
                    atPath: "\(shard)/\(segmentName(first).dropLast(4)).times")
            }
        }
    }

    private init(copyOf other: LogFixture) throws {
        folder = try ScratchFolder()
        try FileManager.default.copyItem(
            atPath: other.folder.path + "/journal", toPath: folder.path + "/journal")
    }

    /// Puts a snapshot of the original's state, or of another log's, into a folder.
    static func snapshot(_ sequence: Int, of log: LogFixture? = nil, into folder: String) throws {
        let aside = NSTemporaryDirectory() + "needletail-snapshot-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: aside) }
        let shard = try log?.shard ?? original.get().shard
        let made = try logTool("snapshot", shard, "--until", "\(sequence)", "--into", aside)
        try #require(made.status == 0, "\(made.errors)")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let name = "/" + snapshotName(sequence)
        try FileManager.default.copyItem(atPath: aside + name, toPath: folder + name)
    }

    static func segmentName(_ first: Int) -> String { digits(first) + ".log" }
    static func snapshotName(_ sequence: Int) -> String { digits(sequence) + ".snapshot" }
    private static func digits(_ number: Int) -> String {
        String(repeating: "0", count: 20 - "\(number)".count) + "\(number)"
    }

    /// Turns one byte over.
    static func flip(_ path: String, at offset: UInt64) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: offset)
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data([~byte]))
        try file.close()
    }

    static let configuration = """
        port: udp:127.0.0.1:PORT
        udpPort: PORT
        address: 127.0.0.1
        packetMemoryMB: 0
        polling: adaptive
        commit: durable
        journal:
          folder: FOLDER/journal
          segmentMB: 1
        sessions:
          capacity: 16
        engine:
          orderCapacity: 1024
        rings:
          logRecords: 1024
          events: 4096
        instruments:
          - number: 1
            symbol: TEST
            lowestPriceTicks: 1
            highestPriceTicks: 1000
        """
}
