// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the arguments are those that this process was started with, which live as long as it.
import CommandLog
import Foundation
import Pipeline
import Platform

/// How a host that was replaced comes back as a standby: the records that nobody carried over are
/// cut off, and the program begins anew in this process. So nothing of the old state is left, and
/// whoever supervises the process sees the same one.
struct ComeBack {
    private let cuts: [Int: RecordChain]
    private let journalFolder: String

    init(_ cluster: ClusterMembership, _ configuration: Configuration) {
        cuts = cluster.cuts
        journalFolder = configuration.journal?.folder ?? ""
    }

    /// Returns only when it cannot be done, by throwing why.
    func perform() throws {
        for line in try ClusterMembership.cut(cuts, journalFolder: journalFolder) {
            StandardError.write("\(line)\n")
        }
        StandardError.write("starting anew, as a standby\n")
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw StorageError("start the program anew", file: "/proc/self/exe", errno: errno)
    }
}
