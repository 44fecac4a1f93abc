// SPDX-License-Identifier: Apache-2.0
import Hardware
import Settings
import CommandLog
import Engine
import Foundation
import NICGateway
import Platform
import Pipeline
import ShardRig
import Testing
import Wire

/// A journal folder that is gone with its last user.
final class JournalFolder: Sendable {
    let path = NSTemporaryDirectory() + "needletail-journal-\(UUID().uuidString.prefix(8))"
    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A rig that journals here.
    func rig(
        _ policy: CommitPolicy = .durable, _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> ShardRig {
        try ShardRig {
            $0.journal = .init(folder: path)
            $0.journal?.segmentByteCount = 1 << 20
            $0.commitPolicies = [policy]
            change(&$0)
        }
    }

    /// The folder as a crash at this moment would leave it.
    func copy() throws -> JournalFolder {
        let other = JournalFolder()
        try FileManager.default.copyItem(atPath: path, toPath: other.path)
        return other
    }

    /// The files of the shard's log, oldest first.
    var segments: [String] {
        let folder = path + "/shard-0"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted().map { folder + "/" + $0 }
    }
}

extension ShardRig {
    private var isQuiet: Bool {
        shard.journal?.status.durable.load() == logged && !shard.poll()
    }

    /// Polls until all is on the disk.
    func rest() {
        Nap.until {
            settle()
            return isQuiet
        }
    }

    /// Whether a logon is answered well, once the disk has it.
    func isAccepted() -> Bool { !logonAnswers(1).isEmpty }

    /// The good answers to so many logons, once the disk has them.
    func logonAnswers(_ count: Int) -> [SentFrame] {
        var answers: [SentFrame] = []
        Nap.until {
            settle()
            answers += sent().filter { $0.type == .logonAccepted }
            return answers.count >= count
        }
        return answers
    }

    /// The same for frames.
    func exchangeDurably(_ frames: [[UInt8]], reports: Int) -> [SentFrame] {
        var found: [SentFrame] = []
        for frame in frames { inject(frame) }
        Nap.until {
            settle()
            found += sent()
            return found.flatMap(\.reports).count >= reports
        }
        return found
    }
}

@Suite struct `A shard with a journal` {
    /// 40 resting orders of one session, a sweep by another, and what both were told.
    private func trade(
        _ rig: ShardRig, _ maker: inout TestClient, _ taker: inout TestClient
    ) -> [[[UInt8]]] {
        rig.inject(maker.logonFrame())
        rig.inject(taker.logonFrame())
        let answers = rig.logonAnswers(2)
        for answer in answers {
            if answer.header.session == 1 {
                maker.epoch = answer.header.epoch
                maker.token = answer.accepted.token
            } else {
                taker.epoch = answer.header.epoch
                taker.token = answer.accepted.token
            }
        }
        var sent = rig.exchangeDurably(
            [
                maker.frame((1...30).map { bytes(order($0, .sell)) }),
                maker.frame((31...40).map { bytes(order($0, .sell)) }),
            ], reports: 40)
        sent += rig.exchangeDurably([taker.frame(order(1, .buy, 100, lots: 25))], reports: 51)
        return [UInt32(1), 2].map { session in
            sent.filter { $0.header.session == session }.flatMap(\.reports)
        }
    }

    @Test func `comes back with the same log, state and reports, in a new epoch`() throws {
        let folder = JournalFolder()
        var maker = TestClient(1)
        var taker = TestClient(2)
        var rig: ShardRig? = try folder.rig()
        let told = trade(rig!, &maker, &taker)
        #expect(told.map(\.count) == [65, 26])
        let before = rig!.records()
        rig = nil

        let again = try folder.rig()
        let records = again.records()
        let kept = records.prefix(before.count)
        #expect(kept.map { bytes($0) } == before.map { bytes($0) })
        #expect(records.count == before.count + 2)
        #expect(records[before.count].kind == .epochStart && records[before.count].session == 8)
        #expect(records[before.count].orderID == UInt64(before.count))
        #expect(try Refold(again.configuration, records).stateHash == again.stateHash)
        #expect(again.shard.loop.engine.checkInvariants() == nil)

        // Nothing is taken in a dead epoch; with a new logon everything goes on where it was.
        _ = again.exchange(maker.frame(order(41, .sell)))
        #expect(again[.wrongEpoch] == 1 && again.records().count == records.count)
        again.wait(millis: 2)
        maker.next -= 1
        maker.nonce += 1
        maker.nextReportSequence = 1
        let sent = again.exchangeDurably([maker.logonFrame()], reports: 65)
        let accepted = try #require(sent.first { $0.type == .logonAccepted })
        #expect(accepted.header.epoch == 8)
        #expect(accepted.accepted.expectedSequence == 41)
        #expect(accepted.accepted.nextReportSequence == 66)
        #expect(sent.flatMap(\.reports) == told[0])
        maker.epoch = accepted.header.epoch
        maker.token = accepted.accepted.token
        let next = again.exchangeDurably([maker.frame(order(41, .sell))], reports: 1)
        #expect(next.flatMap(\.reports).count == 1)
    }

    @Test func `shows nothing before it is durable`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig()
        rig.inject(TestClient(1).logonFrame())
        for _ in 0..<100 {
            _ = rig.shard.core.pollIntake()
            _ = rig.shard.loop.poll()
            _ = rig.shard.core.pollOutput()
        }
        #expect(rig.sent().isEmpty)
        #expect(rig.session(1).isLoggedOn)
        #expect(rig.isAccepted())
        withExtendedLifetime(folder) {}
    }

    @Test func `gives a session its whole grace when the disk was slow to take its logon`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig()
        var client = TestClient(1)
        client.heartbeatMillis = 20
        rig.inject(client.logonFrame())
        for _ in 0..<60 {
            _ = rig.shard.core.pollIntake()
            _ = rig.shard.loop.poll()
            _ = rig.shard.core.pollOutput()
            Nap.micros(2_000)
        }
        #expect(rig.isAccepted())
        #expect(rig.session(1).isLoggedOn && rig[.timeouts] == 0)
        withExtendedLifetime(folder) {}
    }

    @Test func `gives up sessions that do not come back, and cancels their orders if asked`() throws
    {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig(.none)
        var client = TestClient(1)
        client.flags = 1
        client.heartbeatMillis = 200
        client.logOn(rig!)
        _ = rig!.exchange(client.frame(order(1)))
        #expect(rig!.session(1).openOrders == 1)
        rig!.rest()
        rig = nil
        let again = try folder.rig(.none)
        #expect(again.session(1).isLoggedOn && again.session(1).openOrders == 1)
        again.wait(millis: 30)
        #expect(again.session(1).isLoggedOn)
        Nap.until {
            again.wait(millis: 20)
            return !again.session(1).isLoggedOn
        }
        #expect(!again.session(1).isLoggedOn && again.session(1).openOrders == 0)
        #expect(again[.timeouts] == 1)
    }

    @Test func `keeps all that was acknowledged, whenever it is cut off`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig()
        var client = TestClient(1)
        rig.inject(client.logonFrame())
        let answers = rig.logonAnswers(1)
        client.epoch = answers[0].header.epoch
        client.token = answers[0].accepted.token
        var told: [[UInt8]] = []
        var identifier: UInt64 = 0
        for _ in 0..<30 {
            for _ in 0..<3 {
                rig.inject(
                    client.frame(
                        (0..<7).map { _ in
                            identifier += 1
                            return bytes(order(identifier))
                        }))
                rig.poll(3)
            }
            told += rig.sent().flatMap(\.reports)
            let crashed = try folder.copy()
            let recovered = try crashed.rig()
            #expect(recovered.session(1).reportSequence >= UInt64(told.count))
            let log = rig.records()
            let kept = recovered.records().dropLast(2)
            #expect(zip(kept, log).allSatisfy { bytes($0) == bytes($1) })
            #expect(kept.count <= log.count)
        }
        #expect(told.count > 100)
    }

    @Test func `refuses to start on damage, and changes nothing`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig()
        var maker = TestClient(1)
        var taker = TestClient(2)
        _ = trade(rig!, &maker, &taker)
        _ = rig!.exchangeDurably([maker.frame((41...70).map { bytes(order($0)) })], reports: 30)
        // At rest the journal says twice how far it is durable: then a hole is damage for certain.
        rig!.rest()
        rig!.wait(millis: 50)
        rig = nil
        let file = try #require(folder.segments.first)
        var content = try Data(contentsOf: URL(fileURLWithPath: file))
        content[4_096 + 64 * 20 + 24] ^= 4
        try content.write(to: URL(fileURLWithPath: file))
        let error = #expect(throws: JournalError.self) { try folder.rig() }
        let text = "\(try #require(error))"
        #expect(text.contains("Nothing was changed") && text.contains("00000000000000000001.log"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == content)
    }

    @Test func `refuses other limits and other instruments than the log's`() throws {
        let folder = JournalFolder()
        _ = try folder.rig().settle()
        let limits = #expect(throws: SettingsError.self) {
            try folder.rig { $0.orderCapacity = 8_192 }
        }
        let limitsText = "\(try #require(limits))"
        #expect(limitsText.contains("engine.orderCapacity 16384 there, 8192 here"))
        let instrument = #expect(throws: SettingsError.self) {
            try folder.rig { $0.instruments[0].highestPriceTicks = 900 }
        }
        #expect("\(try #require(instrument))".contains("defines number 1"))
        _ = try folder.rig { $0.instruments.removeLast() }
        let moved = #expect(throws: SettingsError.self) {
            try folder.rig {
                $0.shards = 2
                $0.instruments[0].shard = 1
            }
        }
        #expect("\(try #require(moved))".contains("which is on shard 1 here"))
    }

    @Test func `refuses an instrument that the log has no room for, and writes nothing`() throws {
        let folder = JournalFolder()
        // Since 3 there is room for any range.
        let rules = RulesRange(oldest: 1, newest: 2)
        _ = try folder.rig { $0.rules = rules }.settle()
        let before = try folder.copy()
        let error = #expect(throws: SettingsError.self) {
            try folder.rig {
                $0.rules = rules
                $0.instruments.append(
                    .init(
                        number: 3, symbol: "WIDE", lowestPriceTicks: 1, highestPriceTicks: 100_000))
            }
        }
        #expect("\(try #require(error))".contains("WIDE has 100000 prices"))
        for (ours, theirs) in zip(folder.segments, before.segments) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: ours))
            #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: theirs)))
        }
        #expect(folder.segments.count == before.segments.count)
        // What the configuration does not name any more is told.
        let rig = try folder.rig { $0.instruments.removeLast() }
        #expect(rig.shard.warnings.contains { $0.contains("does not name (2)") })
    }

    @Test func `says that an old tail may have been put back`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig()
        var client = TestClient(1)
        rig!.inject(client.logonFrame())
        let answers = rig!.logonAnswers(1)
        let early = try folder.copy()
        client.epoch = answers[0].header.epoch
        client.token = answers[0].accepted.token
        _ = rig!.exchangeDurably([client.frame((1...9).map { bytes(order($0)) })], reports: 9)
        rig!.rest()
        rig!.wait(millis: 200)
        rig = nil
        let tail = folder.path + "/shard-0/tail"
        try FileManager.default.removeItem(atPath: tail)
        try FileManager.default.copyItem(atPath: early.path + "/shard-0/tail", toPath: tail)
        let again = try folder.rig()
        #expect(again.shard.warnings.contains { $0.contains("was an old tail put back?") })
    }

    @Test func `refuses to go on behind the last epoch that there is`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig { $0.epoch = .max }
        rig.settle()
        withExtendedLifetime(rig) {}
        let other = try folder.copy()
        let error = #expect(throws: SettingsError.self) { try other.rig() }
        #expect("\(try #require(error))".contains("the last epoch, 4294967295"))
    }

    @Test func `says in the system's words why the folder cannot be made`() throws {
        let error = #expect(throws: StorageError.self) {
            try ShardRig { $0.journal = .init(folder: "/dev/null/journal") }
        }
        #expect(error?.errno == ENOTDIR && error?.file == "/dev/null/journal")
    }

    @Test func `gives up no session that it could not listen to for a full log`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig(.none) { $0.host.rings.logRecords = 1_024 }
        var client = TestClient(1)
        client.heartbeatMillis = 20
        client.logOn(rig)
        // The disk stands still: the log fills, and the client goes on.
        var identifier: UInt64 = 0
        for _ in 0..<90 {
            for _ in 0..<4 {
                identifier += 20
                let orders = (identifier - 19...identifier).map { bytes(order($0)) }
                rig.inject(client.frame(orders))
            }
            _ = rig.shard.core.pollIntake()
            _ = rig.shard.loop.poll()
            _ = rig.shard.core.pollOutput()
            Nap.micros(2_000)
        }
        #expect(rig[.logFull] > 0, "the log was full")
        #expect(rig[.timeouts] == 0 && rig.session(1).isLoggedOn)
    }
}
