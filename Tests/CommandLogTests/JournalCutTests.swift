// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Synchronization
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import CommandLog

/// A journal on disk, in a folder with room for what a cut puts beside it.
private final class CutRig {
    let parent: String
    var shard: String { parent + "/shard-3" }
    let rig: JournalRig<FileStorage>

    /// Several lives of it; the last one ends in the middle of its work.
    init(seed: UInt64, lives: Int = 3, steps: Int = 60) throws {
        // In memory: nothing here asks what a power cut leaves, and a sync costs nothing there.
        parent = "/dev/shm/nt-cut-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: false)
        rig = JournalRig(try Self.open(parent + "/shard-3"), seed: seed)
        rig.segmentByteCount = 4096 * Int(3 + rig.random.below(4))
        for life in 0..<lives {
            try rig.start("life \(life)")
            for _ in 0..<steps { rig.step(burst: 20) }
            if rig.random.below(2) == 0 { rig.rest() }
            rig.kill()
        }
        letGo()
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    static func open(_ path: String) throws -> FileStorage {
        try FileStorage(path: path, mode: .journalWithoutUring)
    }

    /// Nobody has the folder any more.
    func letGo() { rig.storage = try! FileStorage(path: "/", mode: .reading) }

    func scan(_ hint: String) throws -> RecoveredLog {
        rig.storage = try FileStorage(path: shard, mode: .reading)
        defer { letGo() }
        rig.acknowledged = 0
        return try rig.scan(hint)
    }

    func cut(_ sequence: UInt64) -> JournalCut {
        JournalCut(folder: shard, lastSequence: sequence, crc32c: rig.chains[sequence] ?? 0)
    }

    /// Names in the parent's folder.
    var folders: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted()
    }

    /// Every file of a folder with its bytes.
    func contents(_ folder: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            guard let data = FileManager.default.contents(atPath: folder + "/" + name) else {
                continue
            }
            found[name] = data
        }
        return found
    }

    /// Goes on behind the cut, and finds all of it again.
    func goOn(_ hint: String) throws {
        for life in 0..<2 {
            rig.storage = try Self.open(shard)
            rig.acknowledged = 0
            try rig.start("\(hint), life \(life)")
            for _ in 0..<20 { rig.step(burst: 20) }
            rig.rest()
            #expect(rig.acknowledged == rig.lastSequence, "\(hint)")
            rig.kill()
            letGo()
        }
        _ = try scan(hint)
    }
}

@Suite struct `A journal that is cut` {
    @Test(arguments: 0..<24)
    func `ends with that record, has the chain of before, and can be written on`(
        run: UInt64
    ) throws {
        let seed = TestSeed.run &+ run
        let cut = try CutRig(seed: seed)
        let hint = "SEED=\(String(seed, radix: 16))"
        let before = try cut.scan(hint)
        let old = try cut.contents(cut.shard)
        let ends = cut.rig.commands.map(\.lastSequence).filter { $0 < before.lastSequence }
        let sequence = ends[Int(cut.rig.random.below(UInt64(ends.count)))]
        let outcome = try cut.cut(sequence).run()
        #expect(outcome.lastSequenceBefore == before.lastSequence)
        #expect(outcome.keptFolder == cut.shard + ".before-cut-\(sequence)-1")
        #expect(cut.folders == ["shard-3", "shard-3.before-cut-\(sequence)-1"], "\(hint)")
        #expect(try cut.contents(outcome.keptFolder ?? "") == old, "kept as it was; \(hint)")
        let after = try cut.scan("after \(sequence); \(hint)")
        #expect(after.lastSequence == sequence && after.durableSequence == sequence, "\(hint)")
        #expect(after.chain == cut.rig.chains[sequence] && after.notedSequence == 0, "\(hint)")
        #expect(after.cutFiles.isEmpty && after.asideFiles.isEmpty, "\(hint)")
        cut.rig.commands.removeAll { $0.lastSequence > sequence }
        try cut.goOn("cut behind \(sequence); \(hint)")
        #expect(try cut.contents(outcome.keptFolder ?? "") == old, "kept as it was; \(hint)")
    }

    @Test func `is the old or the cut one after a stop at any change, and the next one ends it`()
        throws
    {
        let seed = TestSeed.run
        var isOver = false
        var count = 0
        var states: Set<Bool> = []
        while !isOver {
            let cut = try CutRig(seed: seed)
            let hint = "change \(count), SEED=\(String(seed, radix: 16))"
            let before = try cut.scan(hint)
            let sequence = cut.rig.commands[cut.rig.commands.count / 2].lastSequence
            var stopped = cut.cut(sequence)
            let left = Atomic<Int>(count)
            stopped.willChange = { _ throws(JournalCutError) in
                if left.subtract(1, ordering: .relaxed).oldValue == 0 { throw .stopped }
            }
            do {
                _ = try stopped.run()
                isOver = true
            } catch { #expect(error == .stopped, "\(hint)") }
            let found = try cut.scan(hint)
            #expect([sequence, before.lastSequence].contains(found.lastSequence), "\(hint)")
            states.insert(found.lastSequence == sequence)
            // A start ends it, whichever way.
            let storage = try CutRig.open(cut.shard)
            try JournalCut.finish(storage)
            #expect(try storage.list().allSatisfy { !$0.hasSuffix(".cutting") }, "\(hint)")
            #expect(!cut.folders.contains("shard-3.cut"), "\(hint)")
            #expect(cut.folders.count == (found.lastSequence == sequence ? 2 : 1), "\(hint)")
            count += 1
        }
        #expect(states == [true, false] && count > 10)
    }

    @Test func `is undone and done again where the undoing was stopped too`() throws {
        let cut = try CutRig(seed: 3)
        let sequence = cut.rig.commands[cut.rig.commands.count / 2].lastSequence
        var random = SeededRandom(seed: 4)
        for _ in 0..<30 {
            var stopped = cut.cut(sequence)
            let left = Atomic<Int>(Int(random.below(12)))
            stopped.willChange = { what throws(JournalCutError) in
                if what == "exchange" || left.subtract(1, ordering: .relaxed).oldValue == 0 {
                    throw .stopped
                }
            }
            #expect(throws: JournalCutError.stopped) { _ = try stopped.run() }
        }
        _ = try cut.cut(sequence).run()
        #expect(try cut.scan("").lastSequence == sequence)
        #expect(cut.folders == ["shard-3", "shard-3.before-cut-\(sequence)-1"])
    }

    @Test func `stays as it is when the cut is not right, and one sentence says why`() throws {
        let cut = try CutRig(seed: 9)
        let log = try cut.scan("")
        let old = try cut.contents(cut.shard)
        let pair = try #require(cut.rig.commands.last { $0.second != nil })
        func refusal(_ sequence: UInt64, crc32c: UInt32? = nil) -> String {
            let wanted = JournalCut(
                folder: cut.shard, lastSequence: sequence,
                crc32c: crc32c ?? cut.rig.chains[sequence] ?? 0)
            return #expect(throws: JournalCutError.self) { _ = try wanted.run() }?.description
                ?? ""
        }
        let whole = pair.sequence - 1
        #expect(refusal(whole, crc32c: 1).contains("and 00000001 is asked for"))
        #expect(refusal(log.lastSequence + 1).contains("there is nothing to cut"))
        #expect(refusal(0).contains("is before that"))
        let storage = try FileStorage(path: cut.shard, mode: .reading)
        let half = try #require(try log.crc32c(of: pair.sequence, in: storage))
        #expect(refusal(pair.sequence, crc32c: half).contains("the first of a pair: cut behind"))
        do {
            let holder = try CutRig.open(cut.shard)
            #expect(refusal(whole).contains("process \(getpid()) ("))
            withExtendedLifetime(holder) {}
        }
        #expect(try cut.contents(cut.shard) == old && cut.folders == ["shard-3"])
        let end = try cut.cut(log.lastSequence).run()
        #expect(end.keptFolder == nil && end.lastSequenceBefore == log.lastSequence)
        #expect(try cut.contents(cut.shard) == old && cut.folders == ["shard-3"])
    }

    @Test func `takes no folder for its own that somebody else made`() throws {
        let cut = try CutRig(seed: 5)
        try FileManager.default.createDirectory(
            atPath: cut.shard + ".cut/mine", withIntermediateDirectories: true)
        let error = #expect(throws: JournalCutError.self) { _ = try cut.cut(1).check() }
        #expect("\(try #require(error))".contains("is in the way"))
        #expect(FileManager.default.fileExists(atPath: cut.shard + ".cut/mine"))
        let nowhere = JournalCut(folder: cut.parent + "/none", lastSequence: 1, crc32c: 1)
        #expect(throws: JournalCutError.self) { _ = try nowhere.run() }
        #expect(!cut.folders.contains("none"))
    }
}

@Suite struct `The CRC of a record` {
    @Test(arguments: 0..<12)
    func `is found wherever it lies, while the log runs and when it does not`(
        run: UInt64
    ) throws {
        let seed = TestSeed.run &+ run
        let hint = "SEED=\(String(seed, radix: 16))"
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
        for life in 0..<2 {
            try rig.start("life \(life) \(hint)")
            for _ in 0..<200 { rig.step() }
            let ring = try #require(rig.ring)
            for (sequence, chain) in rig.chains {
                let found = try rig.storage.crc32c(of: sequence, ring: ring)
                #expect(found == chain, "\(sequence) \(hint)")
            }
            #expect(try rig.storage.crc32c(of: rig.lastSequence + 1, ring: ring) == nil)
            if life == 0 { rig.rest() }
            rig.crash()
            let log = try rig.scan(hint, from: .max)
            for (sequence, chain) in rig.chains {
                let wanted = sequence <= log.lastSequence ? chain : nil
                #expect(
                    try log.crc32c(of: sequence, in: rig.storage) == wanted, "\(sequence) \(hint)")
            }
            #expect(try log.crc32c(of: 0, in: rig.storage) == 0)
        }
    }

    @Test func `is not there any more when its segment was let go, but for the last`() throws {
        let rig = JournalRig(FaultyStorage(seed: 2), seed: 2)
        try rig.start("")
        while rig.acknowledged < 700 { rig.step() }
        rig.rest()
        rig.kill()
        let names = rig.storage.names.keys.filter { $0.hasSuffix(".log") }.sorted()
        rig.storage.names[names[0]] = nil
        let log = try JournalRecovery.scan(rig.storage, shard: rig.shard)
        let before = log.firstSequence - 1
        let storage = rig.storage
        #expect(try log.crc32c(of: before, in: storage) == log.segments[0].chainBefore)
        #expect(try log.crc32c(of: before - 1, in: storage) == nil)
        #expect(try log.crc32c(of: 0, in: storage) == nil)
    }

    @Test func `tells the last epoch of the log, in whichever segment it began`() throws {
        let rig = JournalRig(FaultyStorage(seed: 11), seed: 11)
        var opened: UInt64 = 0
        for life in 1...3 as ClosedRange<UInt32> {
            try rig.start("")
            opened = try #require(rig.recovered).lastSequence
            rig.rest()
            while rig.lastSequence < opened + 100 * UInt64(life) { rig.fillAndRest() }
            rig.kill()
            let log = try rig.scan("", from: .max)
            let last = try JournalRecovery.lastEpoch(rig.storage, log)
            #expect(last == LastEpoch(epoch: life, carriedSequence: opened))
        }
        let log = try rig.scan("", from: .max)
        var place = SnapshotPosition.start(shard: rig.shard)
        place.sequence = opened + 2
        place.epoch = 3
        let behind = try JournalRecovery.lastEpoch(rig.storage, log, behind: place)
        #expect(behind == LastEpoch(epoch: 3, carriedSequence: nil))
    }
}

extension JournalRig {
    fileprivate func fillAndRest() {
        fill(through: lastSequence + 30)
        _ = journal?.maker.poll()
        rest()
    }
}
