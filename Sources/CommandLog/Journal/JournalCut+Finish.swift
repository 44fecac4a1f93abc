// SPDX-License-Identifier: Apache-2.0

// What an interrupted cut has left.
extension JournalCut {
    /// Ends a cut of this folder that a crash interrupted, and whatever else was to take its place:
    /// behind the exchange it is finished, before it undone. For every start over the folder, once
    /// that has its lock.
    public static func finish(_ storage: FileStorage) throws(JournalCutError) {
        try finish(storage) { _ throws(JournalCutError) in }
    }

    internal static func finish(
        _ storage: FileStorage, _ willChange: (String) throws(JournalCutError) -> Void
    ) throws(JournalCutError) {
        let names = try journal { () throws(JournalError) in
            do throws(StorageError) { return try storage.list() } catch { throw .storage(error) }
        }
        for succession in FolderSuccession.allCases {
            try succession.finish(storage.folder, names, willChange)
        }
    }
}
