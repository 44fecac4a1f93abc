// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import RDMAReplica

extension HostObservation.PeerLog {
    /// Of one shard, as the other host's hello says. Logs of one length and of different records
    /// are not the same: neither holds what the other does.
    init(of hello: MirrorHello, beside end: RecordChain) {
        if hello.lastSequence < end.lastSequence {
            self = .shorter
        } else if hello.lastSequence == end.lastSequence, hello.crc32c == end.crc32c {
            self = .same
        } else {
            self = .longer
        }
    }

    /// Of all shards: one host may go on for both only when its log lacks nothing on any of them.
    init(ofShards logs: [Self]) {
        if logs.contains(.unknown) {
            self = .unknown
        } else if logs.contains(.longer) {
            self = .longer
        } else {
            self = logs.contains(.shorter) ? .shorter : .same
        }
    }
}
