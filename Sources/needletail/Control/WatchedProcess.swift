// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import Pipeline
import Platform
import RDMAReplica

/// The watchdog of a gateway in a cluster.
enum WatchedProcess {
    /// Forks it: by the main thread, before any other is there and before memory is taken. Nil
    /// where there is no cluster.
    static func begin(_ configuration: Configuration) throws -> Watchdog? {
        guard let mirror = configuration.cluster?.mirror else { return nil }
        guard let watchdog = Watchdog(address: mirror.peerAddress, port: mirror.peerPort) else {
            throw StorageError("start the watchdog process", file: "of this gateway", errno: errno)
        }
        return watchdog
    }
}
