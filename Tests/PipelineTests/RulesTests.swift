// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import Foundation
import NICGateway
import Platform
import RDMAReplica
import ShardRig
import Testing
import Wire

@testable import Pipeline

/// A build from before rules 2.
private let older = RulesRange(oldest: 1, newest: 1)
private let newest = RulesRange.build.newest
private let beyond = "this build folds rules \(RulesRange.build), not \(newest + 1)"

@Suite struct `The rules that a log is under` {
    private func refusal(_ version: UInt32) -> String {
        "the log is under rules \(version), this build folds 1: take a build"
    }

    /// The rules of each epoch's start, and those activated, in order.
    private func versions(_ rig: ShardRig) -> [UInt32] {
        rig.records().compactMap(\.rulesPutInForce)
    }

    @Test func `are the newest for a new log, and stay when a newer build goes on with it`()
        throws
    {
        let new = JournalFolder()
        #expect(versions(try new.rig()) == [RulesRange.build.newest])
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig { $0.rules = older }
        #expect(versions(rig!) == [1])
        rig!.settle()
        rig = nil
        rig = try folder.rig()
        #expect(rig!.shard.loop.engine.rulesVersion == 1)
        #expect(versions(rig!).last == 1)
        rig!.settle()
        // And there is a way back.
        rig = nil
        _ = try folder.rig { $0.rules = older }
    }

    @Test func `change by one record that an operator asks for, and older builds refuse it then`()
        throws
    {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig { $0.rules = older }
        rig!.settle()
        rig = nil
        rig = try folder.rig()
        let control = RulesControl(
            desks: [rig!.shard.opening!.desk], journals: [], cluster: nil)
        #expect(control.activate(newest + 1, by: 9).contains(beyond))
        rig!.shard.opening!.desk.commands.ask(
            OperatorCommand(.activateRules(version: 2, operatorID: 9)))
        rig!.settle()
        #expect(rig!.shard.loop.engine.rulesVersion == 2)
        let record = try #require(rig!.records().last)
        #expect(record.kind == .activateRules && record.session == 9 && record.orderID == 2)
        #expect(control.activate(2, by: 9) == #"{"ok":true,"rules":{"inForce":2,"isNew":false}}"#)
        #expect(control.activate(1, by: 9).contains("only the next ones, 3, can be activated"))
        rig!.shard.opening!.desk.commands.ask(
            OperatorCommand(.activateRules(version: 2, operatorID: 9)))
        let logged = rig!.logged
        rig!.settle()
        #expect(rig!.logged == logged, "what is in force is not written again")
        Nap.until {
            rig!.settle()
            return rig!.shard.journal!.status.durable.load() >= logged
        }
        rig = nil
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.segments[0]))
        let error = #expect(throws: (any Error).self) { try folder.rig { $0.rules = older } }
        #expect("\(error!)".contains(refusal(2)), "\(error!)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.segments[0])) == before)
        rig = try folder.rig()
        #expect(versions(rig!).suffix(1) == [2])
    }

    @Test func `are those of a snapshot too, and an older build keeps it as it is`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig()
        rig!.settle()
        rig!.shard.history?.snapshots.request()
        let made = try #require(rig!.waitForSnapshot(1))
        rig = nil
        let file = folder.path + "/shard-0/snapshots"
        let names = try FileManager.default.contentsOfDirectory(atPath: file)
        let error = #expect(throws: (any Error).self) { try folder.rig { $0.rules = older } }
        #expect("\(error!)".contains(refusal(newest)), "\(error!)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: file) == names)
        rig = try folder.rig()
        #expect(rig!.shard.recoveredFrom == made.sequence)
        #expect(rig!.shard.loop.engine.rulesVersion == newest)
        let records = rig!.records(from: made.sequence + 1)
        #expect(records.compactMap(\.rulesPutInForce) == [newest])
    }

    @Test func `are refused by a fold, in its beginning and later`() {
        let limits = EngineLimits(
            orderCapacity: 16, sessionCapacity: 2, instrumentCapacity: 1,
            ladderTickCapacity: 100, sessionOpenOrdersMax: 8)
        var start = LogRecord.epochStart(
            epoch: 1, rulesVersion: newest + 1, lastCarriedSequence: 0, indexSeed: 1, shard: 0,
            host: 0)
        start.sequence = 1
        let fold = LogFold(shard: 0)
        fold.fold(start, continuation: limits.continuation)
        let problem = fold.problem ?? ""
        #expect(
            problem.hasPrefix(
                "the log is under rules \(newest + 1), this build folds \(RulesRange.build)"))
        #expect(fold.lastSequence == 0)
    }
}

/// Two gateways with all their threads, in one process, over TCP.
final class Pair {
    let folder = JournalFolder()
    private let ports = (0..<2).map { _ in UInt16.random(in: 20_000..<60_000) }
    private var open: [(NICGateway.Port, Pipeline)?] = [nil, nil]

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path + "/arbiter", withIntermediateDirectories: true)
    }

    deinit { for host in 1...2 { stop(host) } }

    subscript(host: Int) -> Pipeline { open[host - 1]!.1 }

    func journal(_ host: Int) -> String { "\(folder.path)/journal\(host)" }

    func configuration(_ host: Int, _ rules: RulesRange) -> Configuration {
        ShardRig.configuration {
            $0.rules = rules
            $0.journal = .init(folder: journal(host))
            $0.journal?.segmentByteCount = 1 << 20
            $0.commitPolicies = [.mirrored]
            var mirror = MirrorSettings(
                peerAddress: 0x7F00_0001, peerPort: ports[2 - host], timeoutMillis: 2_000)
            mirror.transport = .tcp
            var cluster = ClusterSettings(
                host: UInt32(host), peer: UInt32(3 - host), listenPort: ports[host - 1],
                mirror: mirror,
                arbiter: ArbiterSettings(kind: .file(folder: folder.path + "/arbiter")))
            cluster.listenAddress = 0x7F00_0001
            cluster.takeOverMillis = 5_000
            cluster.soloMillis = 5_000
            cluster.mayFound = host == 1
            $0.cluster = cluster
        }
    }

    func start(
        _ host: Int, _ rules: RulesRange = .build,
        _ change: (inout Configuration) -> Void = { _ in }
    ) throws {
        let port = try ShardRig.port(buffers: 2_047)
        var configuration = configuration(host, rules)
        change(&configuration)
        let pipeline = try Pipeline(configuration, port: port)
        try pipeline.start()
        open[host - 1] = (port, pipeline)
    }

    func place(_ host: Int) -> LogRules.Place { self[host].cluster!.members[0].duty.rules.place }

    func stop(_ host: Int) {
        guard let (port, pipeline) = open[host - 1] else { return }
        pipeline.stop()
        port.close()
        open[host - 1] = nil
    }

    func waits(_ host: Int, _ role: HostMachine.Role, inSync: Bool = false) -> Bool {
        Nap.until(everyMicros: 5_000) {
            let state = self[host].cluster!.view.current
            return state.role == role && (role != .standby || state.isInSync == inSync)
        }
    }

    /// Whether a host becomes a primary, with its standby or without.
    func speaks(_ host: Int) -> Bool {
        Nap.until(everyMicros: 5_000) {
            self[host].cluster!.view.current.role.name == "primary"
        }
    }

    func becomePair(primary: Int) -> Bool {
        waits(primary, .primary(.mirrored)) && waits(3 - primary, .standby, inSync: true)
    }

    /// Hands over. On a machine with other things to do a hand-over may be called off for its time.
    func switchesOver(from host: Int) -> Bool {
        Nap.until {
            let answer = ask(host, "cluster switchover")
            return answer.hasPrefix(#"{"ok":true"#)
        }
    }

    func ask(_ host: Int, _ request: String) -> String {
        ClusterControl(self[host].cluster!).answer(to: request)
    }
}

@Suite(.serialized) struct `The rules of a pair` {
    @Test func `are activated when both builds fold them, and the heir goes on under them`()
        throws
    {
        let pair = try Pair()
        try pair.start(1, older)
        try pair.start(2, older)
        try #require(pair.becomePair(primary: 1), "\(pair.ask(1, "cluster status"))")
        #expect(pair[1].rules.activate(2, by: 7).contains("this build folds rules 1, not 2"))
        // The standby is upgraded first.
        pair.stop(2)
        try pair.start(2)
        try #require(pair.becomePair(primary: 1), "\(pair.ask(1, "cluster status"))")
        #expect(pair[2].rules.activate(2, by: 7).contains("activated on the primary"))
        #expect(
            pair.ask(1, "cluster status").contains(
                #""rules":{"inForce":1,"folded":"1","foldedByStandby":"1 to 3"}"#))
        // It takes over; the other one comes back as it was.
        try #require(pair.switchesOver(from: 1), "\(pair.ask(1, "cluster status"))")
        pair.stop(1)
        try #require(pair.waits(2, .primary(.solo)))
        #expect(pair[2].rules.activate(2, by: 7).contains("the standby is not in sync"))
        try pair.start(1, older)
        try #require(pair.becomePair(primary: 2), "\(pair.ask(2, "cluster status"))")
        #expect(
            pair[2].rules.activate(2, by: 7).contains(
                "the standby's build folds rules 1, not 2: upgrade that host first"))
        pair.stop(1)
        try pair.start(1)
        try #require(pair.becomePair(primary: 2), "\(pair.ask(2, "cluster status"))")
        #expect(
            pair[2].rules.activate(2, by: 7) == #"{"ok":true,"rules":{"inForce":2,"isNew":true}}"#)
        #expect(
            pair[2].rules.activate(2, by: 7) == #"{"ok":true,"rules":{"inForce":2,"isNew":false}}"#)
        let activated = pair.place(2)
        #expect(pair[2].rules.activate(newest + 1, by: 7).contains(beyond))
        // The primary goes at once. The heir holds the record, and its epoch begins under it.
        pair.stop(2)
        try #require(pair.waits(1, .primary(.solo)))
        Nap.until { pair.place(1).sequence > activated.sequence }
        #expect(pair.place(1).inForce == 2 && pair.place(1).sequence > activated.sequence)
        // An older build is given nothing any more, and is told why.
        let error = #expect(throws: (any Error).self) { try pair.start(2, older) }
        #expect("\(error!)".contains("under rules 2, this build folds 1: take a build"))
        try FileManager.default.removeItem(atPath: pair.journal(2))
        try pair.start(2, older)
        var failure: String?
        Nap.until {
            failure = pair[1].cluster!.mirrors[0].failure?.description
            return failure?.contains("folds 1: start a build there") == true
        }
        #expect(failure?.hasPrefix("the log is under rules 2, the build of 127.0.0.1:") == true)
        #expect(pair[2].logs[0].publishedSequence == 0)
    }
}
