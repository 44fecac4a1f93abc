// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Foundation
internal import Platform

struct LogInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "A table of the segments and snapshots, and where the log ends.",
        discussion: """
            With --json a line for each: `item` is segment, file, snapshot, and at last log.
            """)

    @OptionGroup var source: LogFolderArgument
    @Option(help: "Folder of snapshots; default: snapshots, in FOLDER.") var snapshots: String?
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        let source = try self.source.open()
        let others = OtherFile.all(in: source)
        let folder = snapshots ?? SnapshotFiles.folder(of: source)
        let found: [SnapshotFiles.Found]
        do throws(SnapshotError) {
            found = try SnapshotFiles.all(in: folder, shard: source.log.shard, checksAll: false)
        } catch { throw LogSource.refuse("\(error)") }
        let inFolder = source.files.map { SnapshotFiles.byteCount(source.folder + "/" + $0) }
        let byteCount = inFolder.reduce(0, +) + found.map(\.byteCount).reduce(0, +)
        if json {
            showObjects(source, others, found, byteCount)
        } else {
            showTables(source, others, found, byteCount)
        }
    }

    private func showTables(
        _ source: LogSource, _ others: [OtherFile], _ found: [SnapshotFiles.Found],
        _ byteCount: UInt64
    ) {
        print(
            "segment                           first sequence         last sequence       epoch"
                + "         bytes  sealed")
        for segment in source.log.segments {
            print(
                Figure.padded(segment.name, 26)
                    + Figure.padded(left: "\(segment.geometry.firstSequence)", 22)
                    + Figure.padded(left: "\(segment.lastSequence)", 22)
                    + Figure.padded(left: "\(segment.epoch)", 12)
                    + Figure.padded(left: "\(segment.geometry.byteCount)", 14)
                    + Figure.padded(left: segment.hasFooter ? "yes" : "no", 8))
        }
        print(LogVerify.summary(source.log))
        for file in others { print("\(file.name)  \(file.byteCount) bytes: \(file.what)") }
        for snapshot in found {
            print(
                "snapshot of \(snapshot.sequence)  \(snapshot.byteCount) bytes: "
                    + (snapshot.problem ?? "its header is whole"))
        }
        if found.isEmpty { print("no snapshot") }
        print("bytes of all files: \(byteCount)")
    }

    private func showObjects(
        _ source: LogSource, _ others: [OtherFile], _ found: [SnapshotFiles.Found],
        _ byteCount: UInt64
    ) {
        for segment in source.log.segments {
            var object = JSONObject()
            object.add("item", "segment")
            object.add("name", segment.name)
            object.add("firstSequence", segment.geometry.firstSequence)
            object.add("lastSequence", segment.lastSequence)
            object.add("epoch", segment.epoch)
            object.add("bytes", segment.geometry.byteCount)
            object.add("sealed", segment.hasFooter)
            print(object.text)
        }
        for file in others {
            var object = JSONObject()
            object.add("item", "file")
            object.add("name", file.name)
            object.add("bytes", file.byteCount)
            object.add("is", file.what)
            print(object.text)
        }
        for snapshot in found {
            var object = JSONObject()
            object.add("item", "snapshot")
            object.add("sequence", snapshot.sequence)
            object.add("bytes", snapshot.byteCount)
            object.add("headerWhole", snapshot.problem == nil)
            if let problem = snapshot.problem { object.add("problem", problem) }
            print(object.text)
        }
        var object = LogVerify.object(source.log)
        object.add("bytes", byteCount)
        print(object.text)
    }
}

/// A file beside the segments that hold something.
struct OtherFile {
    let name: String
    let byteCount: UInt64
    /// In words.
    let what: String

    static func all(in source: LogSource) -> [OtherFile] {
        source.files.compactMap { name in
            guard let what = what(name, source) else { return nil }
            return OtherFile(
                name: name, byteCount: SnapshotFiles.byteCount(source.folder + "/" + name),
                what: what)
        }
    }

    private static func what(_ name: String, _ source: LogSource) -> String? {
        if JournalFormat.isSetAside(name) {
            return "set aside by an earlier start, not of this log"
        }
        if source.log.asideFiles.contains(name) {
            return "behind the end without a valid header, to be set aside at the next start"
        }
        if JournalFormat.isTemporary(name) { return "being made, or left behind by a crash" }
        guard source.log.cutFiles.contains(name) else { return nil }
        return isPrepared(source.folder + "/" + name)
            ? "made ahead, holds nothing yet" : "behind the end, to be removed at the next start"
    }

    /// Whether the header, which is known to be valid, says that no record was written: its state,
    /// at offset 6, is 1.
    private static func isPrepared(_ path: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: path),
            let head = try? file.read(upToCount: 8), head.count == 8
        else { return false }
        return head[6] == 1 && head[7] == 0
    }

    /// Whether there is something where a segment's footer belongs, and it is not a valid one.
    static func hasBrokenFooter(_ segment: RecoveredSegment, _ source: LogSource) -> Bool {
        guard !segment.hasFooter,
            let file = FileHandle(forReadingAtPath: source.folder + "/" + segment.name),
            (try? file.seek(toOffset: UInt64(segment.geometry.footerOffset))) != nil,
            let page = try? file.read(upToCount: JournalFormat.pageByteCount)
        else { return false }
        return page.contains { $0 != 0 }
    }
}
