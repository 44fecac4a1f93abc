// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import NICGateway
public import Pipeline
public import RDMAReplica

//  What a host is asked before it goes live, one question after the other:
//
//    memory      huge pages and nodes as the gateway takes them ──────────┐
//    jitter      JitterRun on the polling cores ──────────────────────────┤
//    receive     FrameGenerator ─▶ wire ─▶ ReceiveProbe, at rising rates ─┼─▶ QualificationReport
//    microburst  the same, 65,536 frames at once ─────────────────────────┤
//    journal     JournalProbe: writes and syncs as the journal does ──────┤
//    mirror      writes into a standby's memory, fencing ─────────────────┘
//
//  Who runs it: one control thread, which sleeps while threads on the profile's cores measure. A
//  question that cannot be asked is reported as not run, with the reason, and the next one comes.
//  It never runs beside a gateway on the same port, and leaves nothing behind.

/// A question of the qualification.
public enum QualificationCheck: String, CaseIterable, Sendable {
    /// Huge pages and NUMA placement.
    case memory
    /// Stolen time on the polling cores.
    case jitter
    /// The highest rate that is received without a loss.
    case receive
    /// 65,536 frames at line rate.
    case microburst
    /// How long a write of the journal takes until it is durable.
    case journal
    /// Writes into a standby's memory, and fencing.
    case mirror
}

/// Who waits for the outcome: is shown how far it is, and may end it.
public protocol QualificationWatch: AnyObject {
    /// One line for a person, which replaces the one before it.
    func show(_ text: String)
    /// Waits so long; true once it shall end.
    func pause(milliseconds: Int) -> Bool
}

/// The questions for one host.
public struct Qualification {
    /// What runs there: the gateway's configuration, the host's profile in it, with everything
    /// chosen that it left open.
    public var configuration: Configuration
    /// The port that frames are sent from, such as `af_packet:eth2`; nil = none.
    public var generator: String?
    /// A standby that listens (`needletail-lab mirror-receive`); nil = there is none.
    public var peer: MirrorSettings?
    /// How long each measurement lasts, about.
    public var seconds: Double
    /// Which questions are asked.
    public var checks: [QualificationCheck]
    /// Whether a question that cannot be asked has failed.
    public var needsAll = false

    /// All questions, ten seconds each.
    public init(_ configuration: Configuration) {
        self.configuration = configuration
        seconds = 10
        checks = QualificationCheck.allCases
    }

    /// Asks them. Once in a process, for DPDK starts once. Takes the ports and closes them again.
    public func run(_ watch: any QualificationWatch) -> QualificationReport {
        var report = QualificationReport(needsAll: needsAll)
        let sticky = StickyWatch(watch)
        let ports = QualificationPorts(configuration, generator: generator)
        for check in checks {
            guard !sticky.isStopped else {
                report.note(check, notRun: "it was stopped before")
                continue
            }
            switch check {
            case .memory: checkMemory(ports, &report, sticky)
            case .jitter: checkJitter(&report, sticky)
            case .receive, .microburst: checkTraffic(check, ports, &report, sticky)
            case .journal: checkJournal(&report, sticky)
            case .mirror: checkMirror(&report, sticky)
            }
        }
        // Before DPDK ends, which must find no port open.
        ports.close()
        EAL.stop()
        return report
    }

    /// For lines about what is measured for one shard only.
    var scope: String {
        configuration.shards > 1 ? " (shard 0 of \(configuration.shards) only)" : ""
    }

    /// The limits of the profile.
    var limits: HardwareProfile.QualifyLimits { configuration.host.qualify }
}

/// A watch that remembers that it was told to end.
final class StickyWatch {
    private let watch: any QualificationWatch
    private(set) var isStopped = false

    init(_ watch: any QualificationWatch) { self.watch = watch }

    func show(_ text: String) { watch.show(text) }

    /// True once it shall end.
    func pause(milliseconds: Int) -> Bool {
        if !isStopped { isStopped = watch.pause(milliseconds: milliseconds) }
        return isStopped
    }
}
