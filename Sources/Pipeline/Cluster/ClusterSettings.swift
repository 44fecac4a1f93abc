// SPDX-License-Identifier: Apache-2.0
public import RDMAReplica

/// The pair that a gateway belongs to: who the two are, how they reach each other, who decides.
public struct ClusterSettings: Equatable, Sendable {
    /// What both call the pair.
    public var name = "needletail"
    /// This host's number, from 1.
    public var host: UInt32
    /// The other's.
    public var peer: UInt32
    /// Where this host listens for the other, host order; 0 = at every address.
    public var listenAddress: UInt32 = 0
    /// The port there, of the RDMA connection manager and of TCP.
    public var listenPort: UInt16
    /// Where the other listens, and how it is reached.
    public var mirror: MirrorSettings
    /// Who decides which of the two speaks.
    public var arbiter: ArbiterSettings
    /// A primary that makes no progress for so long is replaced.
    public var takeOverMillis: UInt32 = 50
    /// A standby of which nothing is heard for so long is done without.
    public var soloMillis: UInt32 = 50
    /// So long after its start a host only listens: a primary that has its number too tries the
    /// standby's address every tenth of a second.
    public var lookAroundMillis: UInt32 = 250
    /// Whether a primary without a standby goes on by its journal, or halts.
    public var solo = Solo.durable
    /// Whether this host may be the first primary of all; a standby may not.
    public var mayFound = true

    /// What a primary does without its standby.
    public enum Solo: String, CaseIterable, Sendable {
        /// Goes on: what is acknowledged is on its disk.
        case durable
        /// Acknowledges nothing until a person says `needletail cluster solo`.
        case halt
    }

    /// Where hosts listen for each other unless they are told.
    public static var portDefault: UInt16 { 7471 }

    /// With the usual thresholds.
    public init(
        host: UInt32, peer: UInt32, listenPort: UInt16, mirror: MirrorSettings,
        arbiter: ArbiterSettings
    ) {
        self.host = host
        self.peer = peer
        self.listenPort = listenPort
        self.mirror = mirror
        self.arbiter = arbiter
    }

    /// What this host lacks for its cluster, a sentence each; no other host is asked.
    public func hostProblems() -> [String] {
        var problems: [String] = []
        do throws(MirrorError) {
            if let file = mirror.keyFile { _ = try MirrorKey(file: file) }
        } catch {
            problems.append(error.description)
        }
        do throws(ArbiterError) { try arbiter.checkHost(host) } catch {
            problems.append(error.description)
        }
        return problems
    }

    /// Whether a person decides.
    var isManual: Bool { if case .manual = arbiter.kind { true } else { false } }

    var identity: MirrorIdentity {
        MirrorIdentity(
            cluster: name, host: UInt16(truncatingIfNeeded: host),
            peerHost: UInt16(truncatingIfNeeded: peer))
    }

    var hostSettings: HostSettings {
        var settings = HostSettings(
            host: host, peer: peer, mayFound: mayFound, goesSolo: solo == .durable,
            isManual: isManual,
            takeOverNanos: UInt64(takeOverMillis) * 1_000_000,
            soloNanos: UInt64(soloMillis) * 1_000_000)
        settings.lookAroundNanos = UInt64(lookAroundMillis) * 1_000_000
        return settings
    }
}
