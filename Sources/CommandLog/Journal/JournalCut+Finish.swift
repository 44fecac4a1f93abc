// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: strings are lent for a call.
internal import Glibc

// What an interrupted cut has left.
extension JournalCut {
    /// Ends a cut of this folder that a crash interrupted: behind the exchange it is finished,
    /// before it undone. For every start over the folder, once that has its lock.
    public static func finish(_ storage: FileStorage) throws(JournalCutError) {
        try finish(storage) { _ throws(JournalCutError) in }
    }

    internal static func finish(
        _ storage: FileStorage, _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        let path = storage.folder
        let names = try journal { () throws(JournalError) in
            do throws(StorageError) { return try storage.list() } catch { throw .storage(error) }
        }
        if let mark = names.first(where: isMark) {
            let sequence = SequenceName.sequence(mark, ending: markEnding) ?? 0
            try setAside(path, to: freeName(path, lastSequence: sequence), mark: mark, willChange)
        } else if SnapshotFile.isThere(besides(path)) {
            try discard(besides(path), willChange)
        }
    }

    private static func isMark(_ name: String) -> Bool {
        SequenceName.sequence(name, ending: markEnding) != nil
    }

    /// Behind the exchange: the old journal gets the name under which it stays.
    internal static func setAside(
        _ path: String, to kept: String, mark: String,
        _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        // Durable first: or the old journal could come back without its mark's twin.
        try willChange("sync")
        try folder { () throws(SnapshotError) in try SnapshotFile.synchronizeFolder(parent(path)) }
        if SnapshotFile.isThere(besides(path)) {
            try willChange("set aside")
            try folder { () throws(SnapshotError) in
                try SnapshotFile.rename(besides(path), to: kept)
            }
            try willChange("sync")
            try folder { () throws(SnapshotError) in
                try SnapshotFile.synchronizeFolder(parent(path))
            }
        }
        try willChange("remove mark")
        try folder { () throws(SnapshotError) in
            try SnapshotFile.remove(path + "/" + mark)
            try SnapshotFile.synchronizeFolder(path)
        }
    }

    /// Before the exchange: what was built goes, its mark at the end.
    private static func discard(
        _ path: String, _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        var names = try folder { () throws(SnapshotError) in try contents(path) }
        guard names.isEmpty || names.contains(where: isMark) else {
            throw .refused(
                "\(path) is in the way, and no interrupted cut has left it: move it away")
        }
        names = names.filter { !isMark($0) } + names.filter(isMark)
        for name in names {
            let file = path + "/" + name
            let isFolder = name == "snapshots"
            let inner = try folder { () throws(SnapshotError) in
                isFolder ? try contents(file) : []
            }
            for snapshot in inner {
                try willChange("discard")
                try folder { () throws(SnapshotError) in
                    try SnapshotFile.remove(file + "/" + snapshot)
                }
            }
            try willChange("discard")
            try folder { () throws(SnapshotError) in
                if isFolder { try removeFolder(file) } else { try SnapshotFile.remove(file) }
            }
        }
        try willChange("discard")
        try folder { () throws(SnapshotError) in try removeFolder(path) }
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
    internal static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
