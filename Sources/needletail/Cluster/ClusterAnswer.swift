// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What a gateway says over its control socket: docs/formats/control.md.
struct ControlAnswer: Decodable {
    let ok: Bool
    let why: String?
    let error: String?
    let gateway: String?
    let host: UInt32?
    let process: Int32?
    let cluster: ClusterAnswer?
    let rules: Activation?
    let kill: Kill?

    /// What has come of an activation of rules.
    struct Activation: Decodable {
        let inForce: UInt32
        let isNew: Bool
    }

    /// What has come of a kill switch.
    struct Kill: Decodable {
        let ordersCancelled: UInt64
    }

    init(_ line: String) throws {
        self = try JSONDecoder().decode(ControlAnswer.self, from: Data(line.utf8))
    }
}

/// How a host of a pair stands.
struct ClusterAnswer: Decodable {
    struct Decision: Decodable {
        let epoch: UInt32
        let primary: UInt32
        let inSync: [String]
        let phase: String
        let revision: UInt64

        var text: String {
            "epoch \(epoch), host \(primary) is the primary, \(phase); in sync: "
                + "\(inSync.joined(separator: " ")); revision \(revision)"
        }
    }

    struct Rules: Decodable {
        let inForce: UInt32
        let folded: String
        let foldedByStandby: String?

        var text: String {
            (inForce == 0 ? "none yet" : "\(inForce) in force")
                + "; this build folds \(folded)"
                + (foldedByStandby.map { ", the standby's \($0)" } ?? "")
        }
    }

    struct Refused: Decodable {
        let unauthenticated: UInt64
        let malformed: UInt64
        let refused: UInt64
        let notices: UInt64

        var text: String {
            "\(refused) told why, \(unauthenticated) without the key, \(malformed) that spoke "
                + "nonsense, \(notices) false notices"
        }
    }

    struct Shard: Decodable {
        let shard: Int
        let mirror: String
        let transport: String
        let sequence: UInt64
        let durable: UInt64
        let peerSequence: UInt64
        let peerDurable: UInt64?
        let lag: UInt64
        let mismatch: UInt64
        let failure: String?
    }

    let host: UInt32
    let peer: UInt32
    let name: String
    let role: String
    let state: String
    let inSync: Bool
    let link: String
    let decision: Decision?
    let arbiter: String
    let arbiterFailure: String?
    let solo: String
    let peerAddress: String
    let peerDead: Bool
    let handOvers: Int
    let handOversCalledOff: Int
    let lastHandOverNanos: UInt64
    let rules: Rules
    let refused: Refused
    let lastRefusal: String?
    let shards: [Shard]
}
