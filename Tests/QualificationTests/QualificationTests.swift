// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hardware
import NICGateway
import Pipeline
import Platform
import RDMAReplica
import Testing
import Wire

@testable import Qualification

/// A wire that loses what comes faster than `perSecond`, and a generator with an end of its own.
private func step(
    offered: UInt64, lossAbove limit: UInt64, generatorMax: UInt64 = .max
) -> TrafficStep {
    let sent = min(offered, generatorMax)
    let received = min(sent, limit)
    return TrafficStep(
        offeredPerSecond: offered, sentPerSecond: sent, sent: sent, received: received,
        missed: (sent - received) / 2, noBuffer: 0, errors: 0, backlogNanos: 0)
}

private func search(lossAbove limit: UInt64, generatorMax: UInt64 = .max) -> [TrafficStep] {
    var search = RateSearch()
    var steps: [TrafficStep] = []
    while let rate = search.nextPerSecond, steps.count < 100 {
        let one = step(offered: rate, lossAbove: limit, generatorMax: generatorMax)
        search.learn(one)
        steps.append(one)
    }
    return steps
}

@Suite struct `The search for the highest rate without a loss` {
    @Test func `doubles until frames are lost, then goes halfway`() {
        let steps = search(lossAbove: 900_000)
        #expect(
            steps.compactMap(\.offeredPerSecond) == [
                50_000, 100_000, 200_000, 400_000, 800_000, 1_600_000, 1_200_000, 1_000_000,
                900_000,
            ])
        #expect(steps.highestWithoutLoss == 900_000)
    }

    @Test func `looks below the first rate too, and finds nothing where nothing arrives`() {
        #expect(search(lossAbove: 20_000).highestWithoutLoss == 18_750)
        let lost = search(lossAbove: 0)
        #expect(lost.count == 4 && lost.highestWithoutLoss == 0)
    }

    @Test func `ends where the generator does, with what it reached`() {
        let steps = search(lossAbove: .max, generatorMax: 300_000)
        #expect(steps.count == 4 && steps.highestWithoutLoss == 300_000)
    }

    @Test func `tells what the card owns up to from what was lost elsewhere`() {
        let one = step(offered: 1_000, lossAbove: 900)
        #expect(one.lost == 100 && one.missed == 50 && one.elsewhere == 50)
        #expect([one].table.split(separator: "\n").count == 2)
    }
}

@Suite struct `A report` {
    private func report(_ fill: (inout QualificationReport) -> Void) -> QualificationReport {
        var report = QualificationReport()
        fill(&report)
        return report
    }

    @Test func `judges by limits: at most, at least, none`() {
        let report = report {
            $0.note(.jitter, "a", 50, max: 50, .nanos)
            $0.note(.jitter, "b", 51, max: 50, .nanos)
            $0.note(.receive, "c", 9, min: 10, .framesPerSecond)
            $0.note(.receive, "d", 10, min: 10, .framesPerSecond)
            $0.note(.microburst, "e", 10, max: nil, .frames)
        }
        #expect(report.lines.map(\.outcome) == [.pass, .fail(nil), .fail(nil), .pass, .measured])
        #expect(!report.isPassed && report.text.hasSuffix("FAIL\n"))
    }

    @Test func `passes with what was not run, and says how much that is`() {
        let report = report {
            $0.note(.jitter, "a", 50, max: 50, .nanos)
            $0.note(.mirror, notRun: "no standby")
        }
        #expect(report.isPassed && report.notRunCount == 1)
        #expect(
            report.text == """
                jitter  a  50 ns  ≤ 50 ns  pass
                mirror                     not run: no standby
                PASS, 1 of 2 not run

                """)
    }

    @Test func `judges nothing without a limit, and fails with what had to be run`() {
        let open = report { $0.note(.jitter, "a", 50, max: nil, .nanos) }
        #expect(open.verdict == .nothingJudged && !open.isPassed)
        #expect(open.text.hasSuffix("NOTHING JUDGED\n"))
        var strict = QualificationReport(needsAll: true)
        strict.note(.jitter, "a", 50, max: 50, .nanos)
        strict.note(.mirror, notRun: "no standby")
        #expect(strict.verdict == .fail && strict.text.contains("FAIL: not run: no standby"))
    }

    @Test func `fails where no frame arrives, and asks for the cable`() {
        var qualification = Qualification(Configuration())
        qualification.configuration.host.port = "af_packet:eth1"
        let lost = step(offered: 50_000, lossAbove: 0)
        let why = qualification.nothingArrived(lost, from: "af_packet:eth2")
        #expect(
            why == "none of 50,000 frames arrived: is af_packet:eth2 connected to af_packet:eth1?")
        let one = step(offered: 50_000, lossAbove: 1)
        #expect(qualification.nothingArrived(one, from: "af_packet:eth2") == nil)
    }

    @Test func `is JSON that holds the same`() throws {
        let report = report {
            $0.note(.journal, "p99 \"x\"", 7, max: 5, .nanos)
            $0.note(.memory, failed: "no port")
        }
        let parsed = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
        #expect(parsed["isPassed"] as? Bool == false)
        let lines = try #require(parsed["lines"] as? [[String: Any]])
        #expect(lines.map { $0["outcome"] as? String } == ["fail", "fail"])
        #expect(lines[0]["what"] as? String == "p99 \"x\"" && lines[0]["limit"] as? Int == 5)
        #expect(lines[1]["why"] as? String == "no port" && lines[1]["measured"] is NSNull)
    }
}

@Suite struct `A probe behind a port` {
    @Test(arguments: [1, 20])
    func `decodes every order of the traffic, lap after lap`(packed: Int) throws {
        let port = try Port.open(PortSpecification("memory"))
        defer { port.close() }
        var configuration = GatewayConfiguration(ipv4Address: 0x0A4D_0002)
        configuration.verifiesChecksums = true
        let traffic = ProbeTraffic(
            to: 0x0A4D_0002, udpPort: 7_000, macAddress: port.macAddress, sessions: 10,
            packed: packed, count: 64)
        port.load(FrameStore(traffic.frames), laps: 5)
        let probe = try ReceiveProbe(
            port, configuration, traffic, isBusy: false, clock: .calibrated())
        for _ in 0..<2_000 where probe.received < 320 { usleep(5_000) }
        #expect(probe.finish() > 0)
        #expect(probe.received == 320 && probe.counters[.framesReceived] == 320)
        #expect(probe.counters[.commands] == UInt64(320 * packed))
        #expect(
            probe.counters.nonZero.map(\.name) == ["framesReceived", "datagramsTaken", "commands"])
    }

    @Test func `turns away what is not of the traffic`() throws {
        let port = try Port.open(PortSpecification("memory"))
        defer { port.close() }
        let traffic = ProbeTraffic(
            to: 0x0A4D_0003, udpPort: 7_000, macAddress: port.macAddress, sessions: 10, count: 8)
        port.load(FrameStore(traffic.frames))
        let probe = try ReceiveProbe(
            port, GatewayConfiguration(ipv4Address: 0x0A4D_0002), traffic, isBusy: false,
            clock: .calibrated())
        for _ in 0..<2_000 where probe.counters[.framesReceived] < 8 { usleep(5_000) }
        _ = probe.finish()
        #expect(probe.received == 0 && probe.counters[.otherAddress] == 8)
    }
}

/// Somebody who never loses patience, or loses it after so many looks.
private final class Watch: QualificationWatch {
    var shown: [String] = []
    var pausesLeft: Int
    init(pauses: Int = .max) { pausesLeft = pauses }
    func show(_ text: String) { shown.append(text) }
    func pause(milliseconds: Int) -> Bool {
        usleep(UInt32(milliseconds) * 1_000)
        pausesLeft -= 1
        return pausesLeft < 0
    }
}

@Suite struct `The questions` {
    private func qualification(_ checks: [QualificationCheck]) -> Qualification {
        var configuration = Configuration()
        configuration.ipv4Address = 0x0A4D_0002
        configuration.host.port = "memory"
        configuration.orderCapacity = 1_024
        var qualification = Qualification(configuration)
        qualification.checks = checks
        qualification.seconds = 0.2
        return qualification
    }

    @Test func `about traffic and memory are answered over a memory port`() {
        let watch = Watch()
        let report = qualification([.memory, .receive, .microburst, .mirror]).run(watch)
        #expect(report.isPassed && report.notRunCount == 1, "\(report.text)")
        let lost = report.lines.first { $0.check == .microburst }
        #expect(lost?.measured == 0, "\(report.text)")
        #expect(watch.shown.contains { $0.contains("microburst") })
    }

    @Test func `that nobody can answer are not run, each with its reason`() {
        var qualification = qualification([.receive, .jitter, .journal])
        qualification.configuration.host.port = "af_packet:eth7"
        let report = qualification.run(Watch())
        #expect(report.notRunCount == 3 && report.verdict == .nothingJudged)
        #expect(report.text.hasSuffix("NOTHING JUDGED, 3 of 3 not run\n"), "\(report.text)")
        qualification.needsAll = true
        #expect(qualification.run(Watch()).verdict == .fail)
        for word in ["--generator", "cpus", "journalDisk"] {
            #expect(report.text.contains(word), "\(report.text)")
        }
    }

    @Test func `about a standby that is not there fail with the reason`() {
        var qualification = qualification([.mirror])
        qualification.peer = MirrorSettings(peerAddress: 0x7F00_0001, peerPort: 7_471)
        let report = qualification.run(Watch())
        #expect(!report.isPassed && report.text.contains("RDMA"), "\(report.text)")
    }

    /// A host that is looked over does not step between the two that are at work.
    @Test func `about memory leave the cluster alone`() {
        var qualification = qualification([.memory])
        qualification.configuration.cluster = ClusterSettings(
            host: 1, peer: 2, listenPort: 7_471,
            mirror: MirrorSettings(peerAddress: 0x7F00_0001, peerPort: 7_472),
            arbiter: ArbiterSettings(kind: .file(folder: "/nowhere")))
        let report = qualification.run(Watch())
        #expect(report.isPassed, "\(report.text)")
    }

    @Test func `end when they are told to, and the rest is not run`() {
        let report = qualification([.receive, .microburst, .memory]).run(Watch(pauses: 0))
        #expect(report.notRunCount == 3, "\(report.text)")
    }

    @Test func `about a journal in memory fail with the reason`() throws {
        let folder = "/dev/shm/needletail-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var qualification = qualification([.journal])
        qualification.configuration.journal = .init(folder: folder)
        let report = qualification.run(Watch())
        #expect(!report.isPassed && report.text.contains("is memory"), "\(report.text)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func `about a journal's disk leave nothing there, nor a folder that was not`() throws {
        let folder = NSTemporaryDirectory() + "needletail-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var qualification = qualification([.journal])
        qualification.configuration.journal = .init(folder: "\(folder)/not/there")
        qualification.configuration.host.qualify.fsyncMicrosP99Max = 60_000_000
        let report = qualification.run(Watch())
        if !report.text.contains("is memory") {
            #expect(report.isPassed && report.lines[0].measured ?? 0 > 0, "\(report.text)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
}
