// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

private func hint(_ seed: UInt64) -> String { "SEED=\(String(seed, radix: 16))" }

/// Everything that a start asks of a storage.
private let everyCall: Set<String> = [
    "list", "stat", "read", "create", "open", "write", "sync", "rename", "remove", "syncFolder",
]

@Suite struct `A start behind a kill` {
    @Test func `builds on nothing that a killed process has left in memory alone`() throws {
        for round in 0..<150 as Range<UInt64> {
            let seed = TestSeed.run &+ round
            let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
            rig.segmentByteCount = 4096 * 3
            try rig.start("seed \(seed)")
            for _ in 0..<20 + rig.random.below(60) { rig.step() }
            // Of the process alone: what the kernel has taken is there for the next one.
            rig.storage.settle()
            rig.kill()
            try rig.start("seed \(seed), after a kill")
            for _ in 0..<rig.random.below(60) { rig.step() }
            rig.crash()
            try rig.scan("seed \(seed), after a kill and a loss of power")
        }
    }
}

@Suite struct `A tail that holds no slot` {
    @Test(arguments: [1, 30, 150] as [UInt64])
    func `is damage once the log has begun`(records: UInt64) throws {
        let rig = JournalRig(FaultyStorage(seed: 5), seed: 5)
        try rig.start("first")
        while rig.lastSequence < records { rig.publish(upTo: 9) }
        rig.rest()
        rig.kill()
        let tail = try #require(rig.storage.names["tail"])
        tail.live = [UInt8](repeating: 0, count: tail.live.count)
        let error = #expect(throws: JournalError.self) { try rig.scan("zeroed tail") }
        guard case .damaged(let damage) = error else { return }
        #expect(damage.file == "tail")
        #expect(damage.what.contains("no valid slot"))
    }

    @Test func `is what a start that was cut off may leave, and is mended by the next`() throws {
        let rig = JournalRig(FaultyStorage(seed: 5), seed: 5)
        rig.storage.names["tail"] = FaultyStorage.Inode(byteCount: 65_536)
        rig.storage.durableNames = rig.storage.names
        try rig.start("over an empty tail")
        rig.crash()
        try rig.start("once more")
        rig.rest()
        #expect(rig.acknowledged == rig.lastSequence && rig.lastSequence > 0)
    }
}

@Suite struct `A start that is cut off` {
    /// The k-th call of a start fails, and then the power goes; twice in a row.
    @Test(arguments: 0..<4)
    func `can be repeated, after whichever of its steps`(lives: Int) throws {
        let seed = TestSeed.run &+ UInt64(lives)
        for count in 1...60 {
            let rig = JournalRig(FaultyStorage(seed: seed &+ UInt64(count)), seed: seed)
            rig.segmentByteCount = 4096 * 3
            for _ in 0..<lives {
                try rig.start(hint(seed))
                for _ in 0..<30 { rig.step(burst: 20) }
                if rig.random.below(2) == 0 { rig.rest() }
                rig.crash()
            }
            let before = try rig.scan(hint(seed))
            for again in 0..<2 {
                rig.storage.fault = .error(EIO)
                rig.storage.faultyCalls = everyCall
                rig.storage.faultCountdown = count - again
                do { try rig.start("cut off") } catch is JournalError {
                    // What is not there any more holds no file of the process that goes on.
                    rig.kill()
                    #expect(rig.storage.openNames == [], "\(count) \(hint(seed))")
                }
                rig.storage.faultCountdown = 0
                rig.crash()
                let after = try rig.scan("\(count) \(hint(seed))")
                #expect(after.lastSequence >= before.lastSequence, "\(count) \(hint(seed))")
            }
            try rig.start("\(count) \(hint(seed))")
            rig.rest()
            #expect(rig.acknowledged == rig.lastSequence, "\(count) \(hint(seed))")
        }
    }
}

@Suite struct `A journal's files` {
    @Test func `are all let go of once, whenever it ends`() throws {
        let seed = TestSeed.run
        for steps in 0..<60 {
            let rig = JournalRig(FaultyStorage(seed: seed &+ UInt64(steps)), seed: seed)
            rig.segmentByteCount = 4096 * 3
            try rig.start(hint(seed))
            for _ in 0..<steps { rig.step(burst: 30) }
            rig.kill()
            #expect(rig.storage.openNames == [], "\(steps) \(hint(seed))")
            #expect(rig.storage.closedTwice == [], "\(steps) \(hint(seed))")
        }
    }
}

@Suite struct `A folder that others use too` {
    private static let foreign = [
        "notes.tmp", "probe.tmp", "1.log.tmp", "0000000000000000000x.log.tmp", "tail.bak",
        "00000000000000000001.log.gz", "00000000000000000001.log.cut",
    ]
    private static let unfinished = ["tail.tmp", "00000000000000000777.log.tmp"]
    private static let strange = "00000000000000099999.log"

    private func begun() throws -> JournalRig<FaultyStorage> {
        let rig = JournalRig(FaultyStorage(seed: 4), seed: 4)
        try rig.start("first")
        for _ in 0..<40 { rig.step() }
        rig.rest()
        rig.kill()
        for name in Self.foreign + Self.unfinished {
            rig.storage.names[name] = FaultyStorage.Inode(byteCount: 64)
        }
        let file = FaultyStorage.Inode(byteCount: 12_288)
        file.live = (0..<12_288).map { _ in 0x5A }
        rig.storage.names[Self.strange] = file
        return rig
    }

    @Test func `keeps theirs, and loses what a start was making`() throws {
        let rig = try begun()
        let log = try rig.scan("with others")
        #expect(Set(Self.unfinished).isSubset(of: log.cutFiles))
        #expect(Set(Self.foreign).isDisjoint(with: log.cutFiles))
        try rig.start("second")
        #expect(Set(Self.foreign).isSubset(of: rig.storage.names.keys))
        #expect(Set(Self.unfinished).isDisjoint(with: rig.storage.names.keys))
    }

    @Test func `has what only looks like a segment set aside, not removed`() throws {
        let rig = try begun()
        #expect(Self.foreign.filter { JournalFormat.isSetAside($0) } == [Self.foreign[6]])
        for ending in [".cut", ".cut2"] {
            let file = try #require(rig.storage.names[Self.strange])
            #expect(try rig.scan("with others").asideFiles == [Self.strange])
            try rig.start("life \(ending)")
            #expect(rig.storage.names[Self.strange] == nil)
            let kept = try #require(rig.storage.names[Self.strange + ending])
            #expect(kept === file && kept.live.allSatisfy { $0 == 0x5A })
            rig.kill()
            let next = FaultyStorage.Inode(byteCount: 12_288)
            next.live = (0..<12_288).map { _ in 0x5A }
            rig.storage.names[Self.strange] = next
        }
    }

    @Test func `may hold folders of any name`() throws {
        let folder = try TemporaryFolder()
        let names = ["old.tmp", "tail.tmp", "00000000000000000064.log.tmp", "probe.tmp"]
        for name in names { #expect(unsafe mkdir("\(folder.path)/\(name)", 0o700) == 0) }
        defer { for name in names { unsafe rmdir("\(folder.path)/\(name)") } }
        let rig = JournalRig(try FileStorage(path: folder.path), seed: 4)
        // The tail is made under that name: so this start is refused, in words.
        let error = #expect(throws: JournalError.self) { try rig.start("first") }
        #expect(error?.description.contains("\(folder.path)/tail.tmp") == true)
        // And holds nothing open but the folder.
        #expect(openFiles(under: folder.path) == [folder.path])
        unsafe rmdir("\(folder.path)/tail.tmp")
        try rig.start("second")
        rig.rest()
        #expect(rig.acknowledged == rig.lastSequence)
        rig.kill()
        for name in names where name != "tail.tmp" {
            #expect(unsafe access("\(folder.path)/\(name)", F_OK) == 0, "\(name)")
        }
    }

    private func openFiles(under path: String) -> [String] {
        (0..<1024).compactMap { number -> String? in
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = unsafe readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
            guard count > 0 else { return nil }
            let name = String(decoding: buffer.prefix(count), as: UTF8.self)
            return name.hasPrefix(path) ? name : nil
        }
    }
}
