// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: strings are lent for a call.
internal import Glibc
internal import Platform

/// How a folder that was made beside a shard's takes its place: by an exchange of the names, with a
/// mark in the new one that says so. Whoever comes next knows by where the mark lies which of the
/// two is the old one.
enum FolderSuccession: CaseIterable {
    /// A journal without its end.
    case cut
    /// A snapshot of the primary, and a journal that begins behind it.
    case snapshot

    private var besidesEnding: String {
        switch self {
        case .cut: ".cut"
        case .snapshot: ".incoming"
        }
    }

    private var markEnding: String {
        switch self {
        case .cut: ".cutting"
        case .snapshot: ".replacing"
        }
    }

    private var keptWord: String {
        switch self {
        case .cut: "before-cut"
        case .snapshot: "before-snapshot"
        }
    }

    /// Where the new folder is made.
    func besides(_ folder: String) -> String { folder + besidesEnding }

    /// The mark of one that ends, or begins, behind this record.
    func mark(_ sequence: UInt64) -> String { SequenceName.name(sequence, ending: markEnding) }

    /// Under which name the old folder stays.
    func freeName(_ folder: String, sequence: UInt64) -> String {
        let name = "\(folder).\(keptWord)-\(sequence)-"
        var number = 1
        while SnapshotFile.isThere("\(name)\(number)") { number += 1 }
        return "\(name)\(number)"
    }

    /// Behind the exchange what was begun is ended, before it undone. `names` are in the folder.
    func finish(
        _ path: String, _ names: [String],
        _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        if let mark = names.first(where: isMark) {
            let sequence = SequenceName.sequence(mark, ending: markEnding) ?? 0
            try setAside(path, to: freeName(path, sequence: sequence), mark: mark, willChange)
        } else if SnapshotFile.isThere(besides(path)) {
            try discard(path, willChange)
        }
    }

    private func isMark(_ name: String) -> Bool {
        SequenceName.sequence(name, ending: markEnding) != nil
    }

    /// Puts what was made beside the folder in its place; the old one stays under the name `kept`.
    /// What cannot be exchanged is undone, and said.
    func exchange(
        _ storage: FileStorage, keeping kept: String, mark: String,
        _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        let path = storage.folder
        try willChange("exchange")
        let number = FolderExchange.exchange(path, besides(path))
        guard number == 0 else {
            try JournalCut.finish(storage, willChange)
            throw .refused(
                "cannot exchange \(path) with \(besides(path)): \(SystemText.of(number)); move the "
                    + "journal to a file system that can (ext4, XFS, Btrfs), nothing was changed")
        }
        try setAside(path, to: kept, mark: mark, willChange)
    }

    /// Behind the exchange: the old folder gets the name under which it stays.
    private func setAside(
        _ path: String, to kept: String, mark: String,
        _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        // Durable first: or the old journal could come back without its mark's twin.
        try willChange("sync")
        try JournalCut.folder { () throws(SnapshotError) in
            try SnapshotFile.synchronizeFolder(Self.parent(path))
        }
        if SnapshotFile.isThere(besides(path)) {
            try willChange("set aside")
            try JournalCut.folder { () throws(SnapshotError) in
                try SnapshotFile.rename(besides(path), to: kept)
            }
            try willChange("sync")
            try JournalCut.folder { () throws(SnapshotError) in
                try SnapshotFile.synchronizeFolder(Self.parent(path))
            }
        }
        try willChange("remove mark")
        try JournalCut.folder { () throws(SnapshotError) in
            try SnapshotFile.remove(path + "/" + mark)
            try SnapshotFile.synchronizeFolder(path)
        }
    }

    /// Before the exchange: what was made beside the folder goes, its mark at the end.
    func discard(
        _ folder: String, _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        let path = besides(folder)
        var names = try JournalCut.folder { () throws(SnapshotError) in try Self.contents(path) }
        guard names.isEmpty || names.contains(where: isMark) else {
            throw .refused(
                "\(path) is in the way, and nothing that was interrupted has left it: move it away")
        }
        names = names.filter { !isMark($0) } + names.filter(isMark)
        for name in names {
            let file = path + "/" + name
            let isFolder = name == "snapshots"
            let inner = try JournalCut.folder { () throws(SnapshotError) in
                isFolder ? try Self.contents(file) : []
            }
            for snapshot in inner {
                try willChange("discard")
                try JournalCut.folder { () throws(SnapshotError) in
                    try SnapshotFile.remove(file + "/" + snapshot)
                }
            }
            try willChange("discard")
            try JournalCut.folder { () throws(SnapshotError) in
                if isFolder { try Self.removeFolder(file) } else { try SnapshotFile.remove(file) }
            }
        }
        try willChange("discard")
        try JournalCut.folder { () throws(SnapshotError) in try Self.removeFolder(path) }
    }

    private static func contents(_ path: String) throws(SnapshotError) -> [String] {
        try SnapshotFile.names(in: path).filter { $0 != "." && $0 != ".." }
    }

    private static func removeFolder(_ path: String) throws(SnapshotError) {
        guard unsafe rmdir(path) == 0 else {
            throw .system(path: path, action: "remove", number: errno)
        }
    }

    /// The folder above. `path` is absolute, as the kernel says it.
    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
