// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

private typealias Log = LogFixture

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `The export and the replay of a log without its oldest segments` {
    @Test func `begin at the oldest snapshot, whatever is asked for`() throws {
        let log = try Log.pruned()
        for sequence in [Log.second - 1, Log.last] {
            try Log.snapshot(sequence, into: log.shard + "/snapshots")
        }
        let all = try logTool("export", log.shard)
        #expect(all.status == 0 && all.rows().first?["sequence"] == "\(Log.second)")
        #expect(all.errors.contains("from sequence \(Log.second) on only"), "\(all.errors)")
        let part = try logTool("export", log.shard, "--from", "\(Log.third)")
        #expect(part.status == 0 && part.errors == "", "\(part.errors)")
        #expect(part.rows().first?["sequence"] == "\(Log.third)")
        let early = try logTool("export", log.shard, "--from", "5", "--until", "\(Log.third)")
        #expect(early.status == 0 && early.rows().first?["sequence"] == "\(Log.second)")
        #expect(early.errors.contains("from sequence \(Log.second) on only"), "\(early.errors)")
        let gone = try logTool("export", log.shard, "--until", "5")
        #expect(gone.status == 66 && gone.output == "", "\(gone.output)")
        #expect(!gone.errors.contains("no snapshot"), "\(gone.errors)")
        let whole = try Log.original.get()
        let until = ["--until", "\(Log.third + 2)", "--state-hash"]
        let here = try logTool("replay", log.shard, until[0], until[1], until[2])
        let there = try logTool("replay", whole.shard, until[0], until[1], until[2])
        #expect(here.status == 0 && here.output == there.output, "\(here.errors)")
    }

    @Test func `say from where on they can be had when the snapshot is late`() throws {
        let log = try Log.pruned()
        try Log.snapshot(Log.third + 1, into: log.shard + "/snapshots")
        let replay = try logTool("replay", log.shard, "--until", "\(Log.third - 1)")
        #expect(replay.status == 66 && replay.output == "")
        #expect(replay.errors.contains("ask for \(Log.third + 1) or later"), "\(replay.errors)")
        let export = try logTool("export", log.shard, "--from", "\(Log.second)")
        #expect(export.status == 0 && export.rows().first?["sequence"] == "\(Log.third + 2)")
        #expect(export.errors.contains("from sequence \(Log.third + 2) on only"))
    }

    @Test func `refuse when there is none, or none that can be used`() throws {
        let log = try Log.pruned()
        for command in ["export", "replay", "snapshot"] {
            let end = try logTool(command, log.shard)
            #expect(end.status == 66 && end.output == "")
            #expect(end.errors.contains("there is no snapshot in"), "\(end.errors)")
        }
        try Log.snapshot(Log.second - 1, into: log.shard + "/snapshots")
        let path = "\(log.shard)/snapshots/\(Log.snapshotName(Log.second - 1))"
        try Log.flip(path, at: 4_100)
        let end = try logTool("export", log.shard)
        #expect(end.status == 66 && end.errors.contains("no snapshot can be used"))
    }

    @Test func `make a snapshot elsewhere from the one that is here`() throws {
        let log = try Log.pruned()
        try Log.snapshot(Log.second - 1, into: log.shard + "/snapshots")
        let end = try logTool("snapshot", log.shard, "--into", log.folder.path + "/mine")
        #expect(end.status == 0, "\(end.errors)")
        #expect(
            FileManager.default.fileExists(
                atPath: "\(log.folder.path)/mine/\(Log.snapshotName(Log.last))"))
    }

    @Test func `begin at the newest snapshot that is not behind the range, if asked to`() throws {
        let log = try Log.copy()
        for sequence in [6, Log.second - 1, Log.last] {
            try Log.snapshot(sequence, into: log.shard + "/snapshots")
        }
        let replay = try logTool(
            "replay", log.shard, "--from-snapshot", "--until", "\(Log.third)", "--json")
        #expect(try replay.objects()[0]["firstSequence"] as? Int == Log.second)
        let export = try logTool("export", log.shard, "--from-snapshot", "--from", "10")
        let plain = try logTool("export", log.shard, "--from", "10")
        #expect(export.status == 0 && export.output == plain.output && export.errors == "")
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `Comparing two logs` {
    @Test func `finds a copy equal`() throws {
        let copy = try Log.copy()
        let end = try logTool("diff", try Log.original.get().shard, copy.shard)
        #expect(end.status == 0)
        #expect(end.output == "equal: sequences 1 to \(Log.last)\n", "\(end.output)")
    }

    @Test(arguments: [false, true])
    func `aligns a copy without its oldest segment by sequence`(isSwapped: Bool) throws {
        let whole = try Log.original.get().shard
        let pruned = try Log.pruned()
        let folders = isSwapped ? [pruned.shard, whole] : [whole, pruned.shard]
        let end = try logTool("diff", folders[0], folders[1])
        #expect(end.status == 1)
        #expect(
            end.lines == [
                "equal: sequences \(Log.second) to \(Log.last)",
                "only in \(whole): sequences 1 to \(Log.second - 1)",
            ], "\(end.output)")
        let object = try logTool("diff", folders[0], folders[1], "--json").objects()[0]
        #expect(object["equal"] as? Bool == false)
        let only = object[isSwapped ? "onlyInRight" : "onlyInLeft"] as? [[Int]]
        #expect(only == [[1, Log.second - 1]])
    }

    @Test func `names the first record that differs`() throws {
        let other = try Log.other()
        let end = try logTool("diff", try Log.original.get().shard, other.shard)
        #expect(end.status == 1)
        #expect(end.lines.first == "differ at sequence 1", "\(end.output)")
        #expect(end.output.contains("\"kind\":\"epochStart\""))
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `A range of a log` {
    @Test func `is told where it is not all there`() throws {
        let log = try Log.original.get().shard
        for command in ["dump", "export"] {
            let behind = try logTool(command, log, "--until", "999")
            #expect(behind.status == 0 && behind.lines.count > Log.last / 2)
            #expect(behind.errors.contains("ends at sequence \(Log.last)"), "\(behind.errors)")
            for range in [["--from", "999"], ["--until", "0"]] {
                let none = try logTool(command, log, range[0], range[1])
                #expect(none.status == 66 && none.output == "", "\(none.output)")
                #expect(none.errors.contains("sequences 1 to \(Log.last)"), "\(none.errors)")
            }
            // 2 is the second record of the command that begins at 1.
            let half = try logTool(command, log, "--from", "2", "--until", "2")
            #expect(half.status == 66 && half.output == "", "\(half.output)")
            let pair = try logTool(command, log, "--until", "1")
            #expect(pair.status == 0 && pair.lines.count == 2, "\(pair.errors)")
        }
        let replay = try logTool("replay", log, "--until", "999")
        #expect(replay.status == 0 && replay.errors.contains("ends at sequence \(Log.last)"))
        #expect(try logTool("replay", log, "--until", "1").status == 66)
        let pruned = try Log.pruned()
        let dump = try logTool("dump", pruned.shard, "--from", "5", "--count", "1")
        #expect(dump.status == 0 && dump.errors.contains("begins at sequence \(Log.second)"))
        #expect(try logTool("dump", pruned.shard, "--until", "5").status == 66)
    }

    @Test func `has no default of twenty digits in the help`() throws {
        for command in ["inspect", "verify", "dump", "replay", "snapshot", "diff", "export"] {
            let help = try run([Machine.needletail, "log", command, "--help"])
            #expect(help.status == 0 && !help.output.contains("18446744073709551615"))
        }
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `Checking a log` {
    @Test func `tells what each file is`() throws {
        let log = try Log.copy()
        try Log.snapshot(6, into: log.shard + "/snapshots")
        try Log.snapshot(9, into: log.shard + "/snapshots")
        try Log.flip("\(log.shard)/snapshots/\(Log.snapshotName(6))", at: 40)
        let end = try logTool("inspect", log.shard)
        #expect(end.status == 0)
        #expect(end.lines.contains { $0.contains("made ahead, holds nothing yet") })
        #expect(!end.output.contains("to be removed"), "\(end.output)")
        #expect(end.lines.contains { $0.hasPrefix("snapshot of 9 ") && $0.contains("is whole") })
        #expect(end.lines.contains { $0.hasPrefix("snapshot of 6 ") && $0.contains("checksum") })
        let items = try logTool("inspect", log.shard, "--json").objects()
        #expect(items.filter { $0["item"] as? String == "segment" }.count == 3)
        #expect(items.filter { $0["headerWhole"] as? Bool == false }.count == 1)
        #expect(items.last?["lastSequence"] as? Int == Log.last)
        #expect((items.last?["bytes"] as? Int ?? 0) > 4 << 20)
    }

    @Test func `counts a broken snapshot, and one of another log, as damage`() throws {
        let log = try Log.copy()
        let folder = log.shard + "/snapshots"
        try Log.snapshot(9, into: folder)
        #expect(try logTool("verify", log.shard).status == 0)
        let other = try Log.other()
        // Not by a slip: it would keep this log from being started.
        let slip = try logTool("snapshot", other.shard, "--until", "10", "--into", folder)
        #expect(slip.status == 66 && slip.errors.contains("the folder of another journal"))
        try Log.snapshot(10, of: other, into: folder)
        let foreign = try logTool("verify", log.shard)
        #expect(foreign.status == 65 && foreign.errors.contains("not of this log"))
        try FileManager.default.removeItem(atPath: "\(folder)/\(Log.snapshotName(10))")
        try Log.flip("\(folder)/\(Log.snapshotName(9))", at: 4_100)
        let broken = try logTool("verify", log.shard, "--json")
        #expect(broken.status == 65 && broken.errors.contains(Log.snapshotName(9)))
        let object = try broken.objects()[0]
        #expect(object["whole"] as? Bool == false && object["snapshotsUsable"] as? Int == 0)
    }

    @Test func `finds a log without beginning and without snapshot no place to start`() throws {
        let log = try Log.pruned()
        let end = try logTool("verify", log.shard)
        #expect(end.status == 65 && end.errors.contains("no gateway can start"), "\(end.errors)")
        try Log.snapshot(Log.second - 1, into: log.shard + "/snapshots")
        let covered = try logTool("verify", log.shard)
        #expect(covered.status == 0 && covered.output.contains("whole from sequence"))
    }

    @Test func `reads an archive, which has no tail`() throws {
        let log = try Log.copy { shard in
            for name in ["tail", Log.segmentName(Log.third)] {
                try FileManager.default.removeItem(atPath: "\(shard)/\(name)")
            }
            let ahead = try FileManager.default.contentsOfDirectory(atPath: shard)
                .filter { $0.hasSuffix(".log") && $0 > Log.segmentName(Log.third) }
            for name in ahead { try FileManager.default.removeItem(atPath: "\(shard)/\(name)") }
        }
        let end = try logTool("verify", log.shard)
        #expect(end.status == 0 && end.output.contains("an archive"), "\(end.errors)")
        let rows = try logTool("export", log.shard).rows()
        #expect(rows.last?["sequence"] == "\(Log.third - 1)")
    }

    @Test func `mentions a footer that is not valid`() throws {
        let log = try Log.copy { shard in
            // The last segment has none yet; what is there is not one.
            try Log.flip("\(shard)/\(Log.segmentName(Log.third))", at: 1 << 20 - 4096 + 100)
        }
        let end = try logTool("verify", log.shard)
        #expect(end.status == 0 && end.output.contains("its footer is not valid"), "\(end.output)")
        #expect(try !logTool("verify", Log.original.get().shard).output.contains("footer"))
    }

    @Test func `leaves all snapshots that are there, unless told how many to keep`() throws {
        let log = try Log.copy()
        for sequence in 6...10 {
            _ = try logTool("snapshot", log.shard, "--until", "\(sequence)")
        }
        func count() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: log.shard + "/snapshots").count
        }
        #expect(try count() == 5)
        _ = try logTool("snapshot", log.shard, "--keep", "2")
        #expect(try count() == 2)
    }
}
