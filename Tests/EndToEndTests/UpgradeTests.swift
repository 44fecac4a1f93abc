// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import NICGateway
import Pipeline
import TestSeed
import Testing
import Wire

/// Begins the journal of a configuration as a build from before rules 2 did.
func beginUnderRulesOne(_ yaml: String) throws {
    var configuration = try Configuration(yaml: yaml, file: "test", profile: nil, port: "memory")
    configuration.rules = RulesRange(oldest: 1, newest: 1)
    configuration.cluster = nil
    configuration.commitPolicies = [.durable]
    var settings = PortConfiguration()
    settings.mbufCount = 2_047
    let port = try Port.open(PortSpecification("memory"), configuration: settings)
    let pipeline = try Pipeline(configuration, port: port)
    try pipeline.start()
    pipeline.stop()
    port.close()
}

@Suite(
    .serialized,
    .enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"),
    .enabled(if: Machine.hasNamespaces, "needs root, iproute2 and network namespaces"))
struct `A pair that is upgraded under load` {
    /// The kinds of a log's records that say under which rules it is, with the version, in order.
    private func versions(_ bench: ClusterBench, _ host: Int) throws -> [String] {
        let dump = try logTool("dump", bench.journal(host) + "/shard-0", "--json")
        try #require(dump.status == 0, "\(dump.errors)")
        return try dump.objects().compactMap { command in
            guard let version = command["rulesVersion"] as? Int else { return nil }
            return "\(command["kind"] ?? "") \(version)"
        }
    }

    @Test func `loses and doubles nothing, host by host and from rules to rules`() throws {
        let bench = try ClusterBench()
        try beginUnderRulesOne(bench.configuration(1))
        try bench.start(1, as: "gateway")
        try bench.start(2, as: "standby")
        // A host whose log has a past begins no pair of its own accord.
        #expect(
            eventually(withinSeconds: 60) {
                (try? bench.cluster(1, "promote", "--force").status) == 0
            }, "\(bench.outputs)")
        try #require(bench.becomes(1, "primary", inSync: true), "\(bench.outputs)")
        let load = try bench.load(rate: 300, seconds: 45)
        // The standby first, as its new build.
        _ = try bench.stop(2)
        let alone = try bench.cluster(1, "activate-rules", "2")
        #expect(alone.status == 1 && alone.output.contains("not in sync"), "\(alone.output)")
        try bench.start(2, as: "standby")
        try #require(bench.becomes(2, "standby", inSync: true), "\(bench.outputs)")
        // Then it takes over, and the other one ends and comes back.
        let over = try bench.switchOver(1)
        #expect(over.status == 0, "\(over.output)\n\(bench.outputs)")
        _ = try bench.stop(1)
        try bench.start(1, as: "gateway")
        try #require(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        try #require(bench.becomes(2, "primary", inSync: true), "\(bench.outputs)")
        let status = try bench.cluster(2, "status")
        #expect(
            status.output.contains("1 in force; this build folds 1 to 3, the standby's 1 to 3"),
            "\(status.output)")
        for (host, version) in [(2, "3"), (1, "2")] {
            let refused = try bench.cluster(host, "activate-rules", version)
            #expect(refused.status == 1, "\(refused.output)")
        }
        let activated = try bench.cluster(2, "activate-rules", "2")
        #expect(activated.status == 0, "\(activated.output)\n\(bench.outputs)")
        #expect(activated.output == "rules 2 are in force\n")
        // The primary dies right behind it: the heir goes on under the same rules.
        bench.kill(2)
        #expect(bench.becomes(1, "primary", inSync: false), "\(bench.outputs)")
        try bench.start(2, as: "standby")
        try #require(bench.becomes(2, "standby", inSync: true), "\(bench.outputs)")
        let again = try bench.cluster(1, "activate-rules", "2")
        #expect(again.output == "rules 2 are in force already\n", "\(again.output)")
        let end = try load.wait(seconds: 180)
        #expect(end.output.contains("lost 0 · duplicated 0"), "\(end.output)\n\(bench.outputs)")
        #expect(end.status == 0, "\(end.output)")
        let standby = try bench.stop(2)
        let primary = try bench.stop(1)
        #expect(standby.status == 0 && primary.status == 0, "\(standby.output)\(primary.output)")
        for host in 1...2 {
            let found = try versions(bench, host)
            #expect(found.filter { $0 == "activateRules 2" }.count == 1, "\(found)")
            #expect(found.first == "epochStart 1" && found.last == "epochStart 2", "\(found)")
        }
        try expectSameState(bench)
    }

    /// Both logs, folded as far as both go, have one state.
    private func expectSameState(_ bench: ClusterBench) throws {
        let shards = (1...2).map { bench.journal($0) + "/shard-0" }
        let ends = try shards.map { shard in
            let replay = try logTool("replay", shard, "--json").objects()[0]
            return try #require(replay["lastSequence"] as? Int)
        }
        let states = try shards.map { shard in
            try logTool("replay", shard, "--until", "\(ends.min()!)", "--state-hash").output
        }
        #expect(states[0] == states[1] && states[0].count > 8, "\(ends)")
    }
}

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `A shadow` {
    /// A log under rules 1 in which an order that never traded is reduced to nothing.
    private static let log = Result { try OlderLog() }

    private struct OlderLog {
        let folder: ScratchFolder
        var shard: String { folder.path + "/journal/shard-0" }

        init() throws {
            folder = try ScratchFolder()
            let port = 20_000 + Int.random(in: 0..<20_000)
            let yaml = LogFixture.configuration
                .replacingOccurrences(of: "FOLDER", with: folder.path)
            try beginUnderRulesOne(yaml.replacingOccurrences(of: "PORT", with: "\(port)"))
            let gateway = try RunningGateway(port: "\(port)", configuration: yaml)
            guard gateway.listens() else { throw BenchError(description: gateway.output) }
            let sent = try run(
                [
                    Machine.needletail, "send", "--gateway", "127.0.0.1:\(port)", "--wait", "1",
                    "--id", "10", "--buy", "6@101", "--sell", "2@100", "--buy", "3@90",
                    "--reduce", "11:0", "--reduce", "10:0",
                ] + Array(repeating: ["--buy", "1@50"], count: 200).flatMap(\.self))
            guard sent.status < 2 else { throw BenchError(description: sent.output) }
            _ = try gateway.stop()
        }
    }

    @Test func `of the same build finds no difference, and says how much was equal`() throws {
        let log = try Self.log.get()
        let equal = try logTool("shadow", log.shard, "--candidate", Machine.needletail)
        #expect(equal.status == 0, "\(equal.errors)")
        #expect(equal.output.hasPrefix("equal: "), "\(equal.output)")
        let object = try logTool(
            "shadow", log.shard, "--candidate", Machine.needletail, "--json"
        ).objects()[0]
        let replay = try logTool("replay", log.shard, "--json").objects()[0]
        #expect(object["equalEvents"] as? Int == replay["events"] as? Int)
    }

    @Test func `under the next rules shows the first event that they change`() throws {
        let log = try Self.log.get()
        let dump = try logTool("dump", log.shard, "--json").objects()
        let reduce = try #require(dump.first { $0["kind"] as? String == "reduceOrder" })
        let found = try logTool(
            "shadow", log.shard, "--candidate", Machine.needletail, "--rules", "2", "--json")
        #expect(found.status == 1, "\(found.errors)")
        let object = try found.objects()[0]
        #expect(object["differsAt"] as? Int == reduce["sequence"] as? Int)
        let sides = ["current", "candidate"].map { object[$0] as? [String: Any] }
        #expect(sides.map { $0?["reason"] as? String } == ["totalExecuted", "byClient"])
        let text = try logTool(
            "shadow", log.shard, "--candidate", Machine.needletail, "--rules", "2")
        #expect(text.output.contains("differ at sequence \(reduce["sequence"] ?? "")"))
        #expect(text.lines.count == 4)
    }

    /// A candidate: this build, with its stream, in `events`, as `rest` writes it.
    private func candidate(_ name: String, _ rest: String) throws -> String {
        let path = try Self.log.get().folder.path + "/" + name
        let events = path + ".events"
        let script = "'\(Machine.needletail)' \"$@\" > '\(events)'\n"
        try "#!/bin/sh\nset -e\n\(script)\(rest.replacing("EVENTS", with: "'\(events)'"))\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    @Test func `finds an event too many and one too few at the log's end`() throws {
        let log = try Self.log.get()
        for (name, rest, side, other) in [
            ("more", "cat EVENTS; tail -c 80 EVENTS", "candidate", "current"),
            ("fewer", "head -c -80 EVENTS", "current", "candidate"),
        ] {
            let path = try candidate(name, rest)
            let found = try logTool("shadow", log.shard, "--candidate", path, "--json")
            #expect(found.status == 1, "\(name): \(found.errors)")
            let object = try #require(try found.objects().first)
            #expect(object["equal"] as? Bool == false)
            #expect(object[side] != nil && object[other] == nil, "\(name): \(object)")
            let text = try logTool("shadow", log.shard, "--candidate", path)
            #expect(text.output.contains("no further event"), "\(text.output)")
        }
        // Half an event, and a candidate that fails behind its last event, have not ended in order.
        for (name, rest) in [("half", "head -c -8 EVENTS"), ("fails", "cat EVENTS; exit 3")] {
            let end = try logTool("shadow", log.shard, "--candidate", try candidate(name, rest))
            #expect(end.status == 69 && end.errors.contains("has ended"), "\(name): \(end.errors)")
        }
    }

    @Test func `has the candidate begin at the same snapshot, wherever that is`() throws {
        let log = try Self.log.get()
        let elsewhere = log.folder.path + "/elsewhere"
        let made = try logTool("snapshot", log.shard, "--into", elsewhere, "--until", "100")
        try #require(made.status == 0, "\(made.errors)")
        let found = try logTool(
            "shadow", log.shard, "--candidate", Machine.needletail, "--from-snapshot",
            "--snapshots", elsewhere)
        #expect(found.status == 0 && found.output.hasPrefix("equal: "), "\(found.errors)")
    }

    @Test func `follows a log until it is told to stop`() throws {
        let log = try Self.log.get()
        let child = try Child([
            Machine.needletail, "log", "shadow", log.shard, "--candidate", Machine.needletail,
            "--follow",
        ])
        usleep(3_000_000)
        #expect(child.isRunning, "\(child.output)")
        child.signal(SIGINT)
        let end = try child.wait(seconds: 30)
        #expect(end.status == 0 && end.output.contains("equal: "), "\(end.output)")
    }

    @Test func `says what is wrong with a candidate`() throws {
        let log = try Self.log.get()
        for (candidate, words) in [
            ("/nowhere/needletail", "cannot be run"), ("/bin/true", "writes no event stream"),
        ] {
            let end = try logTool("shadow", log.shard, "--candidate", candidate)
            #expect(end.status == 69 && end.errors.contains(words), "\(end.errors)")
        }
        // One that dies while nothing is written is missed, too.
        let mortal = log.folder.path + "/mortal"
        try "#!/bin/sh\nexec timeout -s KILL 2 '\(Machine.needletail)' \"$@\"\n"
            .write(toFile: mortal, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: mortal)
        let died = try logTool("shadow", log.shard, "--candidate", mortal, "--follow")
        #expect(died.status == 69 && died.errors.contains("has ended"), "\(died.errors)")
        // The stream's bytes are pinned: another build reads them.
        let file = log.folder.path + "/events"
        _ = try run(["sh", "-c", "'\(Machine.needletail)' log events '\(log.shard)' > \(file)"])
        let stream = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(stream.prefix(32) == Data("NTEVENTS".utf8) + [1] + Data(count: 23))
        #expect((stream.count - 32) % 80 == 0)
        // The epoch's start: one event, of kind 19, marked as the last of a pair.
        let first = stream[32..<112]
        #expect(first.prefix(8) == Data([1]) + Data(count: 7))
        #expect(first[32 + 16 + 60] == 19)
        let beyond = try logTool("events", log.shard, "--rules", "4")
        #expect(beyond.status == 64 && beyond.errors.contains("folds rules 1 to 3"))
    }
}
