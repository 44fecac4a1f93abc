// SPDX-License-Identifier: Apache-2.0
public import Platform

/// When a command counts as committed, so that what it caused may be shown to anybody.
public enum CommitPolicy: String, CaseIterable, Sendable {
    /// As soon as it is in the log. A crash may lose what was acknowledged.
    case none
    /// When it is in the journal, and the disk has said so.
    case durable
    /// When the standby holds it in its memory and has validated it; without a standby, `durable`.
    case mirrored
    /// When both hold: for those who may lose power on both hosts at once.
    case mirroredAndDurable = "mirrored+durable"

    /// Whether it needs a cluster.
    public var needsStandby: Bool { self == .mirrored || self == .mirroredAndDurable }
    /// The gate while nothing of a cluster says otherwise.
    public var gateAlone: GateMode {
        switch self {
        case .none: .published
        case .durable, .mirrored, .mirroredAndDurable: .durable
        }
    }
    /// The gate while a standby is in sync.
    public var gateInSync: GateMode { self == .mirroredAndDurable ? .both : .mirrored }
}

/// What a gate waits for at this moment.
public enum GateMode: UInt64, CaseIterable, Sendable {
    /// Nothing leaves.
    case closed = 0
    /// The log's ring.
    case published = 1
    /// The journal's disk.
    case durable = 2
    /// The standby's memory.
    case mirrored = 3
    /// The disk and the standby.
    case both = 4
}

/// The one gate that execution reports, acknowledgements and market data wait at.
///
/// The engine may run ahead of it; nothing that a client can act on does. The gate opens on whole
/// commands, for records are published, made durable and validated in whole commands.
/// Threading: asked by the core that sends.
public struct CommitGate: Sendable {
    /// Where a cluster changes the mode while the gate is in use; nil where it stays as it is.
    @usableFromInline internal let cursors: GateControl.Cursors?
    /// What it waits for now.
    @usableFromInline internal var mode: GateMode
    /// Where the journal says how far it is.
    @usableFromInline internal let durable: Cursor?
    /// Where it says that it has stopped for good.
    @usableFromInline internal let halted: Cursor?
    /// Own these places.
    private let status: JournalStatus?
    private let control: GateControl?

    /// A gate that is always open.
    public init() {
        cursors = nil
        control = nil
        mode = .published
        durable = nil
        halted = nil
        status = nil
    }

    /// A gate with the given policy over a shard's journal; with a control it begins closed.
    public init(policy: CommitPolicy, journal: JournalStatus, control: GateControl? = nil) {
        self.control = control
        cursors = control?.cursors
        mode = control == nil ? policy.gateAlone : .closed
        durable = journal.durable
        halted = journal.halted
        status = journal
    }

    /// Takes up what the control wants, and tells it so. Once a poll, before the gate is asked.
    @inlinable @_noLocks
    public mutating func refresh() {
        guard let cursors else { return }
        let wanted = cursors.wanted.load()
        guard wanted != mode.rawValue else { return }
        mode = GateMode(rawValue: wanted) ?? .closed
        // Release: pairs with the acquire in `GateControl.seenMode`. What left under the mode of
        // before is in `reached` by then.
        cursors.seen.store(mode.rawValue)
    }

    /// Tells a control that all up to here has left.
    @inlinable @_noLocks
    public func tell(toldSequence: UInt64) {
        guard let told = cursors?.told, toldSequence > told.load() else { return }
        told.store(toldSequence)
    }

    /// The last sequence whose effects may leave, of a log published up to `publishedSequence`; 0
    /// once the journal has failed, under every policy: what could not be found again after a
    /// restart is not told any more.
    @inlinable @_noLocks
    public func committedSequence(publishedSequence: UInt64) -> UInt64 {
        // Acquire, all: pair with the releases in the journal's status and in the mirror's.
        if let halted, halted.load() != 0 { return 0 }
        let onDisk = durable?.load() ?? publishedSequence
        let committed =
            switch mode {
            case .closed: 0 as UInt64
            case .published: publishedSequence
            case .durable: onDisk
            case .mirrored: cursors?.validated.load() ?? 0
            case .both: min(onDisk, cursors?.validated.load() ?? 0)
            }
        if let reached = cursors?.reached, committed > reached.load() { reached.store(committed) }
        return committed
    }
}

/// How a cluster turns the gate of one shard while it runs.
///
/// Threading: the cluster's thread calls `set`; `validated` is written by the mirror's, the rest by
/// the core that asks the gate. All may be read by any.
/// SAFETY: the cursors lie in pages that this owns and that live as long as it.
@safe public final class GateControl: Sendable {
    @usableFromInline internal struct Cursors: Sendable {
        @usableFromInline internal let validated: Cursor
        @usableFromInline internal let wanted: Cursor
        @usableFromInline internal let seen: Cursor
        @usableFromInline internal let reached: Cursor
        @usableFromInline internal let told: Cursor
    }

    private let pages: HugePages
    @usableFromInline internal let cursors: Cursors

    /// Closed; nothing validated.
    public init() throws(PlatformError) {
        pages = try HugePages(byteCount: 5 * Cursor.strideByteCount, preferred: .small)
        unsafe cursors = Cursors(
            validated: Cursor(at: pages.base),
            wanted: Cursor(at: pages.base + Cursor.strideByteCount),
            seen: Cursor(at: pages.base + 2 * Cursor.strideByteCount),
            reached: Cursor(at: pages.base + 3 * Cursor.strideByteCount),
            told: Cursor(at: pages.base + 4 * Cursor.strideByteCount))
    }

    /// All up to here is validated in the standby's memory, in whole commands.
    public var validated: Cursor { cursors.validated }
    /// Asks for a mode; `seenMode` says when it is in force.
    public func set(_ mode: GateMode) { cursors.wanted.store(mode.rawValue) }
    /// The mode that was asked for.
    public var wantedMode: GateMode { GateMode(rawValue: cursors.wanted.load()) ?? .closed }
    /// The mode that the core acts on.
    public var seenMode: GateMode { GateMode(rawValue: cursors.seen.load()) ?? .closed }
    /// All up to here may have left the house before: with a process of before, or with the other
    /// host. Said by the core, before it asks its gate in a new epoch.
    public func carry(through sequence: UInt64) {
        if sequence > cursors.reached.load() { cursors.reached.store(sequence) }
    }
    /// Nothing behind this has left the house. Exact once `seenMode` is `closed`.
    public var reachedSequence: UInt64 { cursors.reached.load() }
    /// All up to here has left: what it means to sessions and to the public was given to the port.
    public var toldSequence: UInt64 { cursors.told.load() }
}
