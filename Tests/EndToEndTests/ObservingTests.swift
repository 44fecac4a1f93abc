// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: C calls on descriptors and paths of the test's own; nothing escapes.
import Foundation
import Testing

/// A gateway over loopback, and what its counters file is called.
private final class Observed {
    let address: String
    let gateway: RunningGateway

    init() throws {
        let port = Int.random(in: 20_000...29_999)
        address = "127.0.0.1:\(port)"
        gateway = try RunningGateway(
            port: "udp:\(address)",
            configuration: RunningGateway.configuration
                .replacingOccurrences(of: "10.77.0.2", with: "127.0.0.1\nudpPort: \(port)")
                .replacingOccurrences(of: "publicStream:\n  group: 239.77.0.1\n", with: ""))
        guard gateway.listens() else { throw BenchError(description: gateway.output) }
    }

    /// The file, as the start tells it.
    var file: String? {
        gateway.output.split(separator: "\n").first { $0.hasPrefix("counters  ") }
            .map { String($0.dropFirst(10)) }
    }

    func tool(_ arguments: [String]) throws -> Outcome {
        try run([Machine.needletail] + arguments + ["--gateway", address])
    }

    /// One order that rests, and its session's logout.
    func order() throws {
        let sent = try tool(["send", "--sell", "3@8500000"])
        #expect(sent.status == 0, "\(sent.output)")
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `Watching a gateway` {
    @Test func `gives its counters, once and as JSON`() throws {
        let observed = try Observed()
        try observed.order()
        let text = try observed.tool(["stats"])
        #expect(text.status == 0)
        #expect(text.output.contains("gateway \(observed.address)"))
        #expect(text.output.contains("stage match") && text.output.contains("nt-gateway-0"))
        var shard: [String: Any] = [:]
        // Rings are looked at ten times a second.
        let isThere = eventually(withinSeconds: 60) {
            guard let json = try? observed.tool(["stats", "--json"]).output,
                let object = try? JSONSerialization.jsonObject(with: Data(json.utf8))
                    as? [String: Any],
                let shards = object["shards"] as? [[String: Any]], let only = shards.first
            else { return false }
            shard = only
            return (only["log"] as? [String: Any])?["published"] as? Int ?? 0 > 4
        }
        #expect(isThere, "\(shard)")
        func number(_ group: String, _ name: String) -> Int? {
            (shard[group] as? [String: Any])?[name] as? Int
        }
        #expect(number("counters", "logons") == 1)
        #expect(number("engine", "openOrders") == 1)
        #expect(number("log", "capacity") == 16_384)
        let stages = try #require(shard["stages"] as? [String: [String: Any]])
        #expect(
            Set(stages.keys) == ["receive", "decode", "sequence", "match", "encode", "transmit"])
        #expect(stages.values.allSatisfy { $0["samples"] as? Int ?? 0 > 0 }, "\(stages)")
        // The hash as the gateway itself gives it.
        let hash = (shard["engine"] as? [String: Any])?["stateHash"] as? String
        #expect(try observed.gateway.stop().stateHash == hash)
    }

    @Test func `prints lines where there is no terminal`() throws {
        let observed = try Observed()
        let end = try observed.tool(["top", "--interval", "0.2", "--count", "3"])
        let lines = end.output.split(separator: "\n")
        #expect(end.status == 0 && lines.count == 3, "\(end.output)")
        #expect(lines.allSatisfy { $0.hasPrefix("\(observed.address)/0 · orders ") })
    }

    @Test func `draws on a terminal of 80 × 24, and leaves it as it was`() throws {
        let observed = try Observed()
        try observed.order()
        let top = "\(Machine.needletail) top --gateway \(observed.address) --interval 0.3 --count 2"
        let end = try run(
            ["script", "-qec", "stty rows 24 cols 80; \(top); stty -a", "/dev/null"])
        #expect(end.status == 0, "\(end.output)")
        let pictures = end.output.components(separatedBy: "\u{1B}[H").dropFirst()
        #expect(pictures.count == 2)
        for picture in pictures {
            let drawn = picture.components(separatedBy: "\u{1B}[J")[0]
            let lines = drawn.replacing(/\x1B\[[0-9;?]*[A-Za-z]/, with: "")
                .components(separatedBy: "\r\n")
            #expect(lines.count <= 24 && lines.allSatisfy { $0.count <= 80 }, "\(lines)")
            for word in ["needletail \(observed.address)", "match", "commit, none", "q quit"] {
                #expect(lines.contains { $0.contains(word) }, "\(word)")
            }
        }
        let rest = end.output.components(separatedBy: "\u{1B}[?25h\u{1B}[?1049l")
        #expect(rest.count == 2)
        #expect(rest.last?.contains(" icanon") == true && rest.last?.contains(" echo ") == true)
    }

    @Test func `says that it has ended, and finds nobody after it`() throws {
        let observed = try Observed()
        let top = try Child(
            [Machine.needletail, "top", "--interval", "0.2", "--gateway", observed.address])
        #expect(eventually(withinSeconds: 30) { top.output.contains("orders") })
        observed.gateway.kill()
        let end = try top.wait(seconds: 30)
        #expect(end.status == 0 && end.output.contains("HAS ENDED"), "\(end.output)")
        let nobody = try observed.tool(["stats"])
        #expect(nobody.status == 69)
        #expect(nobody.output.contains("No gateway with the address \(observed.address)"))
    }

    @Test func `removes what a killed gateway left`() throws {
        let killed = try Observed()
        let left = try #require(killed.file, "a folder in memory")
        killed.gateway.kill()
        #expect(FileManager.default.fileExists(atPath: left))
        let next = try Observed()
        #expect(!FileManager.default.fileExists(atPath: left))
        let file = try #require(next.file)
        #expect(try next.gateway.stop().status == 0)
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test func `refuses a file of another version and one that is none`() throws {
        let observed = try Observed()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(observed.file)))
        let folder = try ScratchFolder()
        bytes[8] = 9
        try bytes.write(to: URL(fileURLWithPath: folder.path + "/later"))
        let later = try run([Machine.needletail, "stats", "--file", folder.path + "/later"])
        #expect(later.status == 66 && later.output.contains("has version 9"), "\(later.output)")
        try Data("notes".utf8).write(to: URL(fileURLWithPath: folder.path + "/notes"))
        let none = try run([Machine.needletail, "top", "--file", folder.path + "/notes"])
        #expect(none.status == 66 && none.output.contains("is not a counters file"))
        let absent = try run([Machine.needletail, "stats", "--file", "/no/such"])
        #expect(absent.status == 66 && absent.output.contains("is the gateway running"))
    }

    @Test func `goes on when somebody cuts the file that it reads`() throws {
        let observed = try Observed()
        let folder = try ScratchFolder()
        let copy = folder.path + "/copy"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(observed.file)))
        try bytes.write(to: URL(fileURLWithPath: copy))
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: copy))
        try #require(flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        let top = try Child(
            [Machine.needletail, "top", "--interval", "0.2", "--count", "30", "--file", copy])
        #expect(eventually(withinSeconds: 30) { top.output.contains("orders") })
        try handle.truncate(atOffset: 100)
        let end = try top.wait(seconds: 60)
        #expect(end.status == 0 && end.output.contains("FILE IS CUT"), "\(end.output)")
    }

    @Test(.enabled(if: geteuid() == 0))
    func `does not believe another user's file where any user may write`() throws {
        let observed = try Observed()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(observed.file)))
        #expect(try observed.gateway.stop().status == 0)
        let path = "/dev/shm/\(UUID().uuidString).counters"
        try bytes.write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try #require(flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        #expect(try observed.tool(["stats"]).status == 0)
        try #require(unsafe chown(path, 65_534, 65_534) == 0)
        let end = try observed.tool(["stats"])
        #expect(end.status == 69, "\(end.output)")
        #expect(end.output.contains("\(path) belongs to another user"), "\(end.output)")
        #expect(try run([Machine.needletail, "stats", "--file", path]).status == 0)
    }
}
