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

    init(_ cluster: ClusterMembership, _ configuration: Configuration) {
        cuts = cluster.cuts
        landings = cluster.landings.sorted { $0.key < $1.key }.map(\.value)
        journalFolder = configuration.journal?.folder ?? ""
    }

    /// Returns only when it cannot be done, by throwing why.
    func perform() throws {
        for line in try ClusterMembership.cut(cuts, journalFolder: journalFolder) {
            StandardError.write("\(line)\n")
        }
        for (successor, sequence) in landings { try land(successor, sequence) }
        StandardError.write("starting anew, as a standby\n")
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw StorageError("start the program anew", file: "/proc/self/exe", errno: errno)
    }

    private func land(_ successor: JournalSuccessor, _ sequence: UInt64) throws {
        // What no start could use must not take the place of what one can.
        _ = try LogFold.restore(successor.store, sequence: sequence)
        let kept = try successor.takePlace(sequence: sequence)
        StandardError.write(
            "\(successor.folder) goes on behind the primary's snapshot of \(sequence): what was "
                + "there before is kept in \(kept)\n")
    }
}
