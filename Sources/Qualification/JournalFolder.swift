// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel fills a structure of the caller; the path is lent for one call.
internal import Glibc
internal import Hardware
internal import Pipeline

extension Qualification {
    /// A folder on the disk that the journal will be on: the configuration's, the nearest above it
    /// that is there, or where the profile's disk is mounted.
    var journalFolder: Result<String, JournalProbeError> {
        if var folder = configuration.journal?.folder {
            while !Self.isFolder(folder), let slash = folder.lastIndex(of: "/") {
                folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
            }
            return .success(folder)
        }
        guard let disk = configuration.host.journalDisk else {
            return .failure(
                JournalProbeError(
                    description: "neither a configuration (journal.folder) nor the profile "
                        + "(journalDisk) says where the journal is"))
        }
        guard let folder = MachineFacts.read().folder(ofDisk: disk) else {
            return .failure(
                JournalProbeError(
                    description: "no file system of \(disk) is mounted to be written; name the "
                        + "journal's folder in a configuration (--config)"))
        }
        return .success(folder)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
