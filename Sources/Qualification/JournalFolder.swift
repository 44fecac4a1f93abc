// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import Pipeline

extension Qualification {
    /// A folder on the disk that the journal will be on: the configuration's, the nearest above it
    /// that is there, or where the profile's disk is mounted.
    var journalFolder: Result<String, JournalProbeError> {
        if var folder = configuration.journal?.folder {
            while !MountTable.isFolder(folder), let slash = folder.lastIndex(of: "/") {
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
        guard let folder = MountTable.folder(ofDisk: disk) else {
            return .failure(
                JournalProbeError(
                    description: "no file system of \(disk) is mounted to be written; name the "
                        + "journal's folder in a configuration (--config)"))
        }
        return .success(folder)
    }
}
