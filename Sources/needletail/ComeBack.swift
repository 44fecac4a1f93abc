// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the arguments are those that this process was started with, which live as long as it.
import CommandLog
import Foundation
import Pipeline
import Platform

/// How a host comes back as a standby: the records that nobody carried over are cut off, or a
/// snapshot of the primary takes the place of a log that is too far behind, and the program begins
/// anew in this process. So nothing of the old state is left, and whoever supervises the process
/// sees the same one.
struct ComeBack {
    private let cuts: [Int: RecordChain]
    private let landings: [(successor: JournalSuccessor, sequence: UInt64)]
    private let journalFolder: String
    /// The journals that are to be set aside.
    private let asides: [String]
    private let watchdog: Watchdog?

    init(_ cluster: ClusterMembership, _ configuration: Configuration, _ watchdog: Watchdog?) {
        self.watchdog = watchdog
        let folder = configuration.journal?.folder ?? ""
        journalFolder = folder
        let startsEmpty = cluster.view.wantsResync
        cuts = startsEmpty ? [:] : cluster.cuts
        asides =
            startsEmpty ? (0..<configuration.shards).map { "\(folder)/shard-\($0)" } : []
        landings =
            startsEmpty ? [] : cluster.landings.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Returns only when it cannot be done, by throwing why.
    func perform() throws {
        for folder in asides { try setAside(folder) }
        for line in try ClusterMembership.cut(cuts, journalFolder: journalFolder) {
            StandardError.write("\(line)\n")
        }
        for landing in landings {
            let kept = try ClusterMembership.land(landing)
            StandardError.write(
                "\(landing.successor.folder) goes on behind the primary's snapshot of "
                    + "\(landing.sequence): what was there before is kept in \(kept)\n")
        }
        StandardError.write("starting anew, as a standby\n")
        // This process does not end, so nothing is to be said of its end.
        watchdog?.callOff()
        Self.letGoOfDescriptors()
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw StorageError("start the program anew", file: "/proc/self/exe", errno: errno)
    }

    /// DPDK leaves descriptors open behind a closed port. With af_xdp that is the socket itself:
    /// the program begun anew would inherit it, and find the queue of its interface busy for good.
    private static func letGoOfDescriptors() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            guard let descriptor = Int32(name), descriptor > STDERR_FILENO else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    /// Nothing is removed: an operator does that, when the host is in sync again.
    private func setAside(_ folder: String) throws {
        for number in 1... {
            let kept = "\(folder).before-resync-\(number)"
            // Renamed over is only what is there and empty.
            guard unsafe rename(folder, kept) != 0 else {
                StandardError.write("\(folder) is set aside, and kept in \(kept)\n")
                return
            }
            guard errno == EEXIST || errno == ENOTEMPTY else {
                throw StorageError("set aside the journal", file: folder, errno: errno)
            }
        }
    }
}
