// SPDX-License-Identifier: Apache-2.0
import Hardware
import CommandLog
import Engine
import Foundation
import NICGateway
import Pipeline
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

/// Two clients that trade with each other, and everything that they and the public were told.
private struct Market {
    var clients = [TestClient(1), TestClient(2)]
    var flow: MessageFlow
    var told: [[[UInt8]]] = [[], []]
    var publicReports: [PublicReport] = []

    init(seed: UInt64) {
        flow = MessageFlow(seed: seed, sessionCount: 2)
        clients[1].flags = 2
    }

    /// Both log on; again after a restart, wanting no old reports.
    mutating func logOn(_ rig: ShardRig) throws {
        for index in clients.indices {
            clients[index].nonce += 100
            rig.inject(clients[index].logonFrame())
        }
        let answers = rig.logonAnswers(2)
        for answer in answers {
            let index = Int(answer.header.session) - 1
            clients[index].epoch = answer.header.epoch
            clients[index].token = answer.accepted.token
            clients[index].next = answer.accepted.expectedSequence
            #expect(Int(answer.accepted.nextReportSequence) == told[index].count + 1)
        }
        try #require(answers.count == 2)
    }

    /// So many messages of each, in datagrams of 20, and all that comes of them.
    mutating func trade(_ rig: ShardRig, messages: Int) {
        for round in 0..<messages / 20 {
            // Calls, which end soon.
            if round % 4 < 2 { rig.set(round % 4 == 0 ? .auction : .open) }
            for index in clients.indices {
                let messages = (0..<20).map { _ in flow.message(session: index) }
                rig.inject(clients[index].frame(messages))
            }
            rig.settle()
            take(rig)
        }
        rig.rest()
        take(rig)
    }

    private mutating func take(_ rig: ShardRig) {
        for frame in rig.sent() {
            guard clients.indices.contains(Int(frame.header.session) - 1) else { continue }
            told[Int(frame.header.session) - 1] += frame.reports
        }
        publicReports += rig.publicFrames.dropFirst(publicFramesSeen).flatMap(\.publicReports)
        publicFramesSeen = rig.publicFrames.count
    }

    private var publicFramesSeen = 0

    /// A new rig has shown nothing yet.
    mutating func moved() { publicFramesSeen = 0 }

    /// All that a session was ever told, asked for once more.
    func everything(_ rig: ShardRig, session index: Int) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for _ in 0..<1_000 where found.count < told[index].count {
            // Right behind another one a session's question is not looked at.
            Nap.micros(5_000)
            rig.inject(clients[index].resendRequest(from: UInt32(found.count + 1)))
            let before = found.count
            Nap.until {
                rig.settle()
                for frame in rig.sent() where frame.header.session == UInt32(index + 1) {
                    guard !frame.reports.isEmpty else { continue }
                    #expect(frame.header.sequence == UInt32(found.count + 1))
                    found += frame.reports
                }
                return found.count > before
            }
            if found.count == before { break }
        }
        return found
    }
}

extension ShardRig {
    /// The word that reports cannot be had, when it comes.
    fileprivate func unavailableNotice() -> SessionNotice? {
        var notice: SessionNotice?
        Nap.until {
            settle()
            notice = sent().first { $0.type == .resendUnavailable }?.notice
            return notice != nil
        }
        return notice
    }

    /// Polls until a snapshot of that sequence or a later one is there.
    func waitForSnapshot(_ sequence: UInt64) -> SnapshotProgress.Made? {
        var made: SnapshotProgress.Made?
        Nap.until {
            settle()
            made = shard.history?.snapshots.last
            return made.map { $0.sequence >= sequence } ?? false
        }
        return made.flatMap { $0.sequence >= sequence ? $0 : nil }
    }
}

@Suite struct `A shard's history` {
    private func small(_ configuration: inout Configuration, every: UInt64) {
        configuration.journal?.snapshotEvery = every
        configuration.host.rings.events = 4_096
        configuration.host.rings.logRecords = 1_024
        configuration.publicGroup = 0xEF4D_0001
    }

    @Test func `makes snapshots that a start goes on from, and nobody can tell`() throws {
        let seed = TestSeed.run
        let folder = JournalFolder()
        var market = Market(seed: seed)
        var rig: ShardRig! = try folder.rig { small(&$0, every: 1_500) }
        try market.logOn(rig)
        market.trade(rig, messages: 3_000)
        let made = try #require(rig.waitForSnapshot(4_500))
        #expect(rig.shard.history?.snapshots.failures == [])
        market.trade(rig, messages: 2_400)
        let hash = rig.stateHash
        let records = rig.logged
        rig = nil
        market.moved()

        rig = try folder.rig { small(&$0, every: 1_500) }
        #expect(rig.shard.recoveredFrom > 0 && rig.shard.recoveredFrom <= records)
        #expect(made.sequence <= records)
        #expect(rig.shard.recovered?.lastSequence == records)
        #expect(rig.shard.loop.engine.checkInvariants() == nil)
        // The same as folding everything, and as before the end.
        rig.rest()
        let fold = LogFold(shard: 0)
        let found = try scan(folder) { fold.fold($0, continuation: $1) }
        #expect(fold.problem == nil && found.lastSequence >= records)
        #expect(fold.stateHash == rig.stateHash)
        let again = LogFold(shard: 0)
        _ = try scan(folder) { record, next in
            if record.sequence <= records { again.fold(record, continuation: next) }
        }
        #expect(again.stateHash == hash)
        #expect(again.position.publicReportCount == UInt64(market.publicReports.count))

        // Every report from the first on, most of them from long before the window.
        try market.logOn(rig)
        for index in 0..<2 {
            #expect(market.everything(rig, session: index) == market.told[index])
        }
        #expect(rig[.resendsFromHistory] > 0 && rig[.resendsUnavailable] == 0)

        // The public stream goes on with the next number.
        market.trade(rig, messages: 40)
        let first = try #require(
            rig.publicFrames.first { !$0.publicReports.isEmpty && $0.header.flags == 0 })
        #expect(first.header.publicSequence == again.position.publicReportCount + 1)
        withExtendedLifetime(folder) {}
    }

    @Test func `gives reports of long ago while it runs, without a snapshot too`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig { small(&$0, every: 0) }
        var market = Market(seed: TestSeed.run)
        try market.logOn(rig)
        market.trade(rig, messages: 3_000)
        #expect(market.told[0].count > 2_500)
        for index in [0, 1, 0] {
            #expect(market.everything(rig, session: index) == market.told[index])
        }
        #expect(rig[.resendsFromHistory] > 0 && rig[.resendsUnavailable] == 0)
        withExtendedLifetime(folder) {}
    }

    @Test(arguments: [Configuration.Journal.OldSegments.delete, .archive])
    func `lets old segments go when enough snapshots cover them`(
        way: Configuration.Journal.OldSegments
    ) throws {
        let folder = JournalFolder()
        let archive = JournalFolder()
        func change(_ configuration: inout Configuration) {
            small(&configuration, every: 6_000)
            configuration.journal?.snapshotsKept = 2
            configuration.journal?.oldSegments = way
            configuration.journal?.archiveFolder = archive.path
        }
        var market = Market(seed: TestSeed.run)
        var rig: ShardRig! = try folder.rig(change)
        let first = try #require(folder.segments.first)
        try market.logOn(rig)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: first))
        #expect(bytes.count == 1 << 20)
        market.trade(rig, messages: 14_000)
        _ = try #require(rig.waitForSnapshot(23_900))
        #expect(rig.shard.history?.snapshots.failures == [])
        Nap.until {
            rig.settle()
            return rig.shard.history?.snapshots.retired != []
        }
        #expect(
            rig.shard.history?.snapshots.retired.count == 1,
            "16,319 records are in the first segment")
        #expect(!FileManager.default.fileExists(atPath: first))
        let archived = archive.path + "/shard-0/00000000000000000001.log"
        let times = archived.replacing(".log", with: ".times")
        for path in [archived, times] {
            #expect(FileManager.default.fileExists(atPath: path) == (way == .archive))
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/shard-0")
        #expect(left.allSatisfy { !$0.hasPrefix("00000000000000000001.") })
        let hash = rig.stateHash
        let told = market.told[0].count
        rig = nil
        market.moved()

        rig = try folder.rig(change)
        #expect(rig.shard.recoveredFrom > 0)
        try market.logOn(rig)
        // What no snapshot reaches is told, with the first that is there.
        rig.inject(market.clients[0].resendRequest(from: 1))
        let notice = rig.unavailableNotice()
        let firstThere = Int(try #require(notice).first)
        #expect(firstThere > 1_000 && firstThere < told)
        rig = nil
        // Without the snapshots the log has no beginning.
        let snapshots = folder.path + "/shard-0/snapshots"
        try FileManager.default.moveItem(atPath: snapshots, toPath: snapshots + ".away")
        let error = #expect(throws: JournalError.self) { try folder.rig(change) }
        let text = "\(try #require(error))"
        #expect(
            text.contains("shard-0/00000000000000000001.log") && text.contains("no snapshot of"))
        guard way == .archive else { return }
        // Put back from the archive, all is there again.
        try FileManager.default.copyItem(atPath: archived, toPath: first)
        rig = try folder.rig(change)
        #expect(rig.shard.recoveredFrom == 0)
        let again = LogFold(shard: 0)
        var hashes: Set<UInt64> = []
        _ = try scan(folder) {
            again.fold($0, continuation: $1)
            hashes.insert(again.stateHash)
        }
        #expect(hashes.contains(hash))
    }

    @Test func `refuses a log that ends before a snapshot that was made of it`() throws {
        let folder = JournalFolder()
        var market = Market(seed: 3)
        var rig: ShardRig! = try folder.rig { small(&$0, every: 0) }
        try market.logOn(rig)
        market.trade(rig, messages: 200)
        rig = nil
        let early = try folder.copy()
        rig = try folder.rig { small(&$0, every: 0) }
        try market.logOn(rig)
        market.trade(rig, messages: 200)
        rig.shard.history?.snapshots.request()
        let made = try #require(rig.waitForSnapshot(1))
        rig = nil
        try FileManager.default.copyItem(
            atPath: folder.path + "/shard-0/snapshots", toPath: early.path + "/shard-0/snapshots")
        let error = #expect(throws: JournalError.self) { try early.rig() }
        #expect("\(try #require(error))".contains("went to \(made.sequence) at least"))
    }

    @Test func `passes over a damaged snapshot and one of another log, and says so`() throws {
        let folder = JournalFolder()
        let other = JournalFolder()
        for (place, seed) in [(folder, UInt64(3)), (other, 4)] {
            var market = Market(seed: seed)
            let rig = try place.rig { small(&$0, every: 150) }
            try market.logOn(rig)
            market.trade(rig, messages: 400)
            _ = try #require(rig.waitForSnapshot(600))
        }
        let store = SnapshotStore(path: folder.path + "/shard-0/snapshots", shard: 0)
        let foreign = SnapshotStore(path: other.path + "/shard-0/snapshots", shard: 0)
        for sequence in try store.sequences().dropFirst() {
            try FileManager.default.removeItem(atPath: store.path(sequence: sequence))
        }
        let damaged = try #require(try store.sequences().first)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: store.path(sequence: damaged)))
        let copied = try #require(try foreign.sequences().first { $0 != damaged })
        try FileManager.default.copyItem(
            atPath: foreign.path(sequence: copied), toPath: store.path(sequence: copied))
        let rig = try folder.rig { small(&$0, every: 0) }
        #expect(rig.shard.recoveredFrom == 0)
        let warnings = rig.shard.warnings.filter { $0.contains("snapshot passed over") }
        #expect(warnings.count == 2 && warnings.contains { $0.contains("not of this log") })
        rig.rest()
        let fold = LogFold(shard: 0)
        _ = try scan(folder) { fold.fold($0, continuation: $1) }
        #expect(fold.stateHash == rig.stateHash)
    }

    @Test func `lets nothing go on the word of snapshots that cannot be used`() throws {
        let folder = JournalFolder()
        func change(_ configuration: inout Configuration, every: UInt64) {
            small(&configuration, every: every)
            configuration.journal?.snapshotsKept = 1
            configuration.journal?.oldSegments = every == 0 ? .keep : .delete
        }
        var market = Market(seed: 11)
        var rig: ShardRig! = try folder.rig { change(&$0, every: 0) }
        try market.logOn(rig)
        market.trade(rig, messages: 10_000)
        rig.shard.history?.snapshots.request()
        let made = try #require(rig.waitForSnapshot(19_000))
        rig = nil
        market.moved()
        // The only one is damaged, and another is nothing but a name.
        let store = SnapshotStore(path: folder.path + "/shard-0/snapshots", shard: 0)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: store.path(sequence: made.sequence)))
        bytes[bytes.count - 5] ^= 1
        try bytes.write(to: URL(fileURLWithPath: store.path(sequence: made.sequence)))
        let empty = store.path(sequence: 99_999_999)
        try Data().write(to: URL(fileURLWithPath: empty))

        rig = try folder.rig { change(&$0, every: 8_000) }
        #expect(rig.shard.recoveredFrom == 0)
        #expect(rig.shard.warnings.count { $0.contains("set aside as .cut") } == 2)
        #expect(FileManager.default.fileExists(atPath: empty + ".cut"))
        try market.logOn(rig)
        market.trade(rig, messages: 2_000)
        _ = try #require(rig.waitForSnapshot(23_000))
        for _ in 0..<300 {
            rig.settle()
            Nap.micros(500)
        }
        let live = rig.stateHash
        #expect(rig.shard.history?.snapshots.failures == [])
        rig.rest()
        rig = nil
        rig = try folder.rig { change(&$0, every: 8_000) }
        #expect(rig.shard.recoveredFrom > 0)
        let fold = try LogFold.restore(store, sequence: rig.shard.recoveredFrom)
        let storage = try FileStorage(path: folder.path + "/shard-0", mode: .reading)
        let found = try JournalRecovery.scan(storage, shard: 0, from: .max)
        var hashes: Set<UInt64> = []
        try JournalRecovery.forEachCommand(storage, found, from: fold.lastSequence + 1) {
            fold.fold($0, continuation: $1)
            hashes.insert(fold.stateHash)
        }
        #expect(hashes.contains(live))
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `makes a snapshot however often it is told to`(every: UInt64) throws {
        let folder = JournalFolder()
        let rig = try folder.rig { small(&$0, every: every) }
        // Asked before anything is durable.
        rig.shard.history?.snapshots.request()
        var market = Market(seed: 5)
        try market.logOn(rig)
        market.trade(rig, messages: 20)
        _ = try #require(rig.waitForSnapshot(rig.logged - every))
        #expect(rig.shard.history?.snapshots.failures == [])
        withExtendedLifetime(folder) {}
    }

    @Test func `answers a question for a report that there never was, and goes on`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig { small(&$0, every: 0) }
        var market = Market(seed: TestSeed.run)
        try market.logOn(rig)
        market.trade(rig, messages: 3_000)
        rig.inject(market.clients[0].resendRequest(from: 0))
        let notice = rig.unavailableNotice()
        #expect(notice?.first == 1 && notice?.second == 0)
        #expect(market.everything(rig, session: 1) == market.told[1])
        withExtendedLifetime(folder) {}
    }

    @Test func `does not give reports up that cannot be had just now`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig { small(&$0, every: 1_000) }
        var market = Market(seed: TestSeed.run)
        try market.logOn(rig)
        market.trade(rig, messages: 3_000)
        _ = try #require(rig.waitForSnapshot(2_000))
        let segment = try #require(folder.segments.first)
        try FileManager.default.moveItem(atPath: segment, toPath: segment + ".away")
        let snapshots = folder.path + "/shard-0/snapshots"
        try FileManager.default.moveItem(atPath: snapshots, toPath: snapshots + ".away")
        try Data().write(to: URL(fileURLWithPath: snapshots))
        rig.inject(market.clients[0].resendRequest(from: 1))
        let isSaid = Nap.until {
            rig.settle()
            let failures = rig.shard.history?.snapshots.failures ?? []
            return failures.contains { $0.contains("old reports cannot be had") }
        }
        #expect(isSaid)
        #expect(rig.sent().allSatisfy { $0.type != .resendUnavailable })
        try FileManager.default.removeItem(atPath: snapshots)
        try FileManager.default.moveItem(atPath: snapshots + ".away", toPath: snapshots)
        try FileManager.default.moveItem(atPath: segment + ".away", toPath: segment)
        #expect(market.everything(rig, session: 0) == market.told[0])
    }

    private func scan(
        _ folder: JournalFolder, visit: (LogRecord, LogRecord?) -> Void
    ) throws -> RecoveredLog {
        let storage = try FileStorage(path: folder.path + "/shard-0", mode: .reading)
        return try JournalRecovery.scan(storage, shard: 0, visit: visit)
    }
}

extension JournalFolder {
    fileprivate func rig(_ change: (inout Configuration) -> Void) throws -> ShardRig {
        try rig(.durable, change)
    }
}
