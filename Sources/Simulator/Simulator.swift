// SPDX-License-Identifier: Apache-2.0
//
//  Two hosts of a pair, their arbiter, network, disks, clients and operators in one thread, under
//  faults; a seed says all of it.
//
//    operators ──▶ AdminControl ──▶ either host
//    clients ──▶ datagrams ──▶ host 1 (ClusterHost) ──▶ MirrorNetwork ──▶ host 2 (ClusterHost)
//       ▲          lossy          │    ▲    │                              │
//       └─────────────────────────┘    │    └──▶ SimulatedDisk             └──▶ SimulatedDisk
//                                SimulatedArbiter
//
//    World picks a piece of a host, sets the time, gives it a turn, and looks: Ledger, Invariants.
//
//  What runs in the hosts is the product's own code, `Pipeline.ClusterHost`; models are only what
//  is around them. One thread, no clock of the system; the files are on a tmpfs.
internal import Glibc
internal import Platform

/// Counts of what happened in one or more runs, by name, in the order in which they are shown.
public struct SimulationFigures: Sendable {
    /// Names of what is counted.
    public enum Count: String, CaseIterable, Sendable {
        /// Runs.
        case seeds
        /// Turns of pieces.
        case steps
        /// Milliseconds of simulated time.
        case milliseconds
        /// Records that were acknowledged.
        case acknowledged
        /// Of these, those that told the time because an order expired.
        case timesTold = "times told"
        /// Reports that clients were given.
        case reports
        /// Decisions that a new primary takes over.
        case promotions
        /// Planned hand-overs that came about.
        case handOvers = "hand-overs"
        /// Decisions to go on alone.
        case solos
        /// Decisions that a standby is in sync.
        case admissions
        /// Logs that were cut back.
        case cuts
        /// Snapshots of the primary that took the place of a log.
        case landings
        /// Hosts that caught up after a start.
        case catchUps = "catch-ups"
        /// Snapshots that were made.
        case snapshots
        /// Processes killed.
        case kills
        /// Hosts that lost their power.
        case powerLosses = "power losses"
        /// Pauses of a process.
        case pauses
        /// Ways cut: hosts' two, and four to and from the arbiter.
        case partitions
        /// Times that the arbiter went away.
        case arbiterOutages = "arbiter outages"
        /// Swaps whose outcome was not known.
        case unknownSwaps = "unknown swaps"
        /// Datagrams lost, sent twice, or late.
        case badDatagrams = "bad datagrams"
        /// Frames that no client sent.
        case foreignFrames = "foreign frames"
        /// Primaries that stood still until the other was to speak.
        case wokenReplaced = "woken replaced"
        /// Completions that were lost or came twice.
        case badCompletions = "bad completions"
        /// Cache lines placed, in any order.
        case lines
        /// Lines with a bit that was wrong.
        case damagedLines = "damaged lines"
        /// Times that a disk stood still.
        case diskStalls = "disk stalls"
        /// Faults right behind a decision, or a change of a role.
        case strikes
        /// Errors of a disk: writes, syncs, short writes, no space.
        case diskErrors = "disk errors"
        /// Bits flipped in what was durable.
        case bitFlips = "bit flips"
        /// Disks given up and emptied by an operator.
        case wipes
        /// Jumps of a host's UTC.
        case clockJumps = "clock jumps"
        /// Times that nobody did anything for up to a second.
        case lulls
        /// What operators asked for.
        case requests
        /// Of these, changes that they were told are done.
        case requestsDone = "changes done"
        /// Auctions that had a price.
        case auctions
        /// Auctions that an order set off.
        case volatilityAuctions = "set off by bands"
        /// Stops that were triggered.
        case triggers
        /// Trades that were declared void.
        case busts
        /// Commands that cancelled more orders than one may, and so went on behind others.
        case longCommands = "left over"
        /// Business days that ended.
        case rolls
    }

    private var counts: [UInt64] = Array(repeating: 0, count: Count.allCases.count)

    /// All zero.
    public init() {}

    /// One of them.
    public subscript(count: Count) -> UInt64 {
        get { counts[Self.index(count)] }
        set { counts[Self.index(count)] = newValue }
    }

    /// Adds those of another run.
    public mutating func add(_ other: SimulationFigures) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    private static func index(_ count: Count) -> Int { Count.allCases.firstIndex(of: count) ?? 0 }
}

/// What came of a run.
public struct SimulationOutcome: Sendable {
    /// Its seed.
    public var seed: UInt64
    /// The first invariant that did not hold; nil when all did.
    public var violation: Violation?
    /// What happened.
    public var figures: SimulationFigures
    /// The last events, one in a line.
    public var lastEvents: [String]
}

/// One run of the whole pair.
public struct SimulationRun: Sendable {
    /// What a run is like unless it is told.
    public static var stepCountDefault: Int { 20_000 }

    /// Says everything that happens in it.
    public var seed: UInt64
    /// Without what a market has besides plain orders, whatever the seed says.
    public var isPlain = false
    /// Turns of pieces under faults; as many as it takes follow without.
    public var stepCount = SimulationRun.stepCountDefault
    /// Gets each event as it happens.
    public var tell: (@Sendable (String) -> Void)?
    /// A folder on a tmpfs for the disks: emptied at the end.
    public var folder: String

    /// A run of a seed.
    public init(seed: UInt64) {
        self.seed = seed
        folder = "/dev/shm/needletail-simulate-\(getpid())"
    }

    /// Runs it on the calling thread.
    public func run() -> SimulationOutcome {
        Simulation.begin(seed: seed)
        defer {
            Simulation.end()
            FolderTree.remove(folder)
        }
        FolderTree.remove(folder)
        let world = World(seed: seed, isPlain: isPlain, folder: folder, tell: tell)
        world.run(stepCount: stepCount)
        return SimulationOutcome(
            seed: seed, violation: world.ledger.violation, figures: world.figures,
            lastEvents: world.lastEvents)
    }
}
