// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

//  Real processes over a real (virtual) wire. Each test has namespaces of its own, so they disturb
//  neither each other nor the machine; each wait has an end.

@Suite(
    .serialized,
    .enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"),
    .enabled(if: Machine.hasNamespaces, "needs root, iproute2 and network namespaces"))
struct `A gateway on a veth pair` {
    static let drivers = ["af_packet", "af_xdp"]

    private func start(_ driver: String, _ bench: VethBench) throws -> RunningGateway {
        let gateway = try RunningGateway(port: "\(driver):gw0", prefix: bench.gatewayPrefix)
        try #require(gateway.listens(), "\(gateway.output)")
        return gateway
    }

    @Test(arguments: drivers)
    func `answers ping and orders, and ends in order when asked to`(driver: String) throws {
        let bench = try VethBench()
        let gateway = try start(driver, bench)
        #expect(bench.gatewayAnswersPing())
        let sent = try bench.client(["send", "--buy", "5@8500000", "--sell", "3@8500000"])
        #expect(sent.status == 0, "\(sent.output)")
        #expect(sent.output.contains("traded"), "\(sent.output)")
        let end = try gateway.stop()
        #expect(end.status == 0, "\(end.output)")
        #expect(end.stateHash != nil, "\(end.output)")
        #expect(end.output.contains("arpReplies") && end.output.contains("echoReplies"))
    }

    @Test(.enabled(if: Machine.hasVLAN, "this kernel has no VLAN interfaces"), arguments: drivers)
    func `takes a session whose frames carry a VLAN tag`(driver: String) throws {
        let bench = try VethBench(vlan: 77)
        let gateway = try start(driver, bench)
        #expect(bench.gatewayAnswersPing())
        let sent = try bench.client(["send", "--buy", "5@8500000"])
        #expect(sent.status == 0 && sent.output.contains("accepted"), "\(sent.output)")
        _ = try gateway.stop()
    }

    @Test(arguments: drivers)
    func `starts again where another one was killed`(driver: String) throws {
        let bench = try VethBench()
        for _ in 0..<2 {
            let gateway = try start(driver, bench)
            #expect(bench.gatewayAnswersPing())
            gateway.kill()
        }
        let gateway = try start(driver, bench)
        let sent = try bench.client(["send", "--buy", "5@8500000"])
        #expect(sent.status == 0, "\(sent.output)")
        let end = try gateway.stop()
        #expect(end.status == 0, "\(end.output)")
    }

    @Test func `refuses an interface that another gateway has`() throws {
        let bench = try VethBench()
        let first = try start("af_packet", bench)
        let second = try RunningGateway(port: "af_packet:gw0", prefix: bench.gatewayPrefix)
        let end = try second.wait()
        #expect(end.status == 74, "\(end.output)")
        #expect(end.output.contains("gw0 is in use by another gateway"), "\(end.output)")
        #expect(bench.gatewayAnswersPing(), "the first one goes on")
        #expect(try first.stop().status == 0)
    }

    @Test(.enabled(if: Machine.goldenSet != nil, "the golden set is not here"), arguments: drivers)
    func `trades the golden set as it is recorded`(driver: String) throws {
        let folder = try #require(Machine.goldenSet)
        let bench = try VethBench()
        let gateway = try start(driver, bench)
        let replay = try bench.client(["replay", "--golden", folder], withinSeconds: 120)
        #expect(replay.status == 0, "\(replay.output)")
        #expect(
            replay.output.contains("616/616 trades · 260/260 resting orders · match OK"),
            "\(replay.output)")
        _ = try gateway.stop()
    }

    @Test func `ends in the same state when the network loses, doubles and reorders`() throws {
        var arguments = ["send", "--id", "1", "--wait", "1000"]
        for step in 0..<300 {
            // Prices that cross now and then: orders that rest, trade in part, trade in full.
            let side = step % 2 == 0 ? "--buy" : "--sell"
            arguments += [side, "\(1 + step % 7)@\(8_500_000 + (step * 37) % 11 - step % 2 * 4)"]
        }
        for id in stride(from: 3, to: 300, by: 9) { arguments += ["--cancel", "\(id)"] }
        let quiet = try stateHash(arguments)
        let seed =
            ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0, radix: 16) }
            ?? UInt64.random(in: 1...UInt64.max)
        print("re-run with: SEED=\(String(seed, radix: 16)) swift test --filter EndToEndTests")
        let drill = ["--loss", "5", "--duplicate", "5", "--reorder", "5", "--seed", "\(seed)"]
        #expect(try stateHash(arguments + drill) == quiet)
    }

    /// What a fresh gateway's state is after one client did its work.
    private func stateHash(_ arguments: [String]) throws -> String {
        let bench = try VethBench()
        let gateway = try start("af_packet", bench)
        let sent = try bench.client(arguments)
        // 1: there are rejects among the answers, as there should be.
        #expect(sent.status == 1, "\(sent.output)")
        return try #require(try gateway.stop().stateHash)
    }
}

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `The gateway command` {
    @Test(arguments: [
        ("sessions:\n  capacity: lots", ":2: sessions.capacity: `lots` is not a whole number"),
        ("adress: 10.0.0.1", ":1: adress: unknown key"),
        ("port: [", "not YAML"),
        ("mode: fast", ":1: mode: `fast` is none of pipeline, runToCompletion, auto"),
    ])
    func `says where a configuration is wrong and what would be right`(
        text: String, expected: String
    ) throws {
        let gateway = try RunningGateway(port: "", configuration: text)
        let end = try gateway.wait()
        #expect(end.status == 78, "\(end.output)")
        #expect(end.output.contains(expected), "\(end.output)")
        #expect(end.output.contains("gateway.yaml"), "\(end.output)")
    }

    @Test func `names the file that is not there`() throws {
        let end = try run([Machine.needletail, "gateway", "--config", "/nowhere/gateway.yaml"])
        #expect(end.status == 78, "\(end.output)")
        #expect(end.output.contains("/nowhere/gateway.yaml"), "\(end.output)")
    }

    @Test func `refuses a range of the log that ends before it begins`() throws {
        for command in ["dump", "export"] {
            let end = try run([
                Machine.needletail, "log", command, "/nowhere", "--from", "10", "--until", "5",
            ])
            #expect(end.status == 64 && end.output.contains("--from 10"), "\(end.output)")
        }
    }

    @Test func `names the interface that is not there`() throws {
        let gateway = try RunningGateway(port: "af_packet:nt-none")
        let end = try gateway.wait()
        #expect(end.status == 74, "\(end.output)")
        #expect(end.output.contains("nt-none"), "\(end.output)")
    }

    @Test func `accepts the example profile, and says which of its files this host lacks`() throws {
        let profile = Machine.packageRoot.appendingPathComponent("hw/profiles/example.yaml").path
        let end = try run([Machine.needletail, "gateway", "--config", profile, "--check"])
        #expect(end.status == 74, "78 is a configuration that is wrong: \(end.output)")
        #expect(end.output.contains("/etc/needletail/mirror.key"), "\(end.output)")
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `A gateway with a journal` {
    @Test func `loses and doubles nothing when it is killed under load, three times`() throws {
        let script = Machine.packageRoot.appendingPathComponent("hw/scripts/crash-rounds").path
        let result = try run(
            [
                "env", "ROUNDS=3", "RATE=2000",
                "NEEDLETAIL_BIN=\(Machine.executables.path)", script,
            ], withinSeconds: 200)
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("state hash recovered = live"))
    }
}

@Suite(
    .enabled(if: Machine.hasExecutables),
    .enabled(if: Machine.areOptimised, "a debug build allocates all over"))
struct `The order path` {
    @Test(arguments: [["--cpus", "0"], ["--cpus", "0", "--packed", "20"]])
    func `allocates nothing once it runs`(options: [String]) throws {
        let lab = Machine.executables.appendingPathComponent("needletail-lab").path
        let end = try run([lab, "bench", "path", "--orders", "60000"] + options)
        #expect(end.status == 0, "\(end.output)")
        #expect(
            end.output.contains("calls of malloc after a tenth of the orders: none"),
            "\(end.output)")
    }

    @Test func `allocates for the next segment only when it journals`() throws {
        let folder = try ScratchFolder()
        let lab = Machine.executables.appendingPathComponent("needletail-lab").path
        let end = try run(
            [lab, "bench", "path", "--orders", "60000", "--pairs", "1", "--journal", folder.path])
        #expect(end.status == 0, "\(end.output)")
        let line = try #require(end.output.split(separator: "\n").first { $0.contains("malloc") })
        #expect(line.contains("calls of malloc: none, with it: "), "\(end.output)")
        #expect(!line.contains("nt-journal") && !line.contains("nt-gateway"), "\(end.output)")
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `The engine alone` {
    @Test(
        .enabled(
            if: !Machine.yardstickFiles.isEmpty,
            "NEEDLETAIL_YARDSTICK names no folder with a.bin, b.bin or c.bin"),
        arguments: Machine.yardstickFiles)
    func `comes to the same state live, replayed, and from snapshots`(file: String) throws {
        let lab = Machine.executables.appendingPathComponent("needletail-lab").path
        let end = try run(
            [lab, "bench", "book", "--commands", file, "--check-snapshots", "--sessions", "20"],
            withinSeconds: 600)
        #expect(end.status == 0 && end.output.contains("snapshots OK"), "\(end.output)")
    }
}

@Suite struct `The page about the configuration` {
    /// Keys as the source reads them: `reader.integer("udpPort", …)`.
    private func keys() throws -> [String] {
        let source = try [
            "Sources/Pipeline/Configuration+YAML.swift",
            "Sources/Hardware/Profile/HardwareProfile+YAML.swift",
        ].map {
            try String(
                contentsOf: Machine.packageRoot.appendingPathComponent($0), encoding: .utf8)
        }.joined()
        let call =
            /(?:reader|inner)\.(?:list|string|integer|integers|powerOfTwo|boolean|choices?|ipv4Address|inner)\(\s*"([A-Za-z]+)"/
        return Set(source.matches(of: call).map { String($0.1) }).sorted()
    }

    @Test func `tells of each key, and so does the example profile`() throws {
        let keys = try keys()
        #expect(keys.count > 25, "the pattern still finds them")
        let root = Machine.packageRoot
        let page = try String(
            contentsOf: root.appendingPathComponent("docs/operations/configuration.md"),
            encoding: .utf8)
        let example = try String(
            contentsOf: root.appendingPathComponent("hw/profiles/example.yaml"), encoding: .utf8)
        for key in keys {
            #expect(
                ["`\(key)`", ".\(key)`", "`\(key)."].contains { page.contains($0) },
                "\(key) in the page")
            #expect(example.contains("\(key):"), "\(key) in the example")
        }
    }
}
