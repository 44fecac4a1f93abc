// SPDX-License-Identifier: Apache-2.0

/// A ring of 64-byte records on huge pages: one writer, many readers, each with its own cursor.
///
/// Sequences are dense from `firstSequence` (1 unless a log is continued); the record of sequence
/// s lies in slot `s & (capacity - 1)`. Two cursors belong to the writer, one to each gating
/// reader:
///
///     claimed    the writer may be storing into slots up to here   read by observers
///     published  records up to here are whole                      read by everyone
///     released   a reader wants nothing up to here any more        read by the writer
///
///     released <= published <= claimed <= min(released) + capacity
///
/// Threading: the composition root makes the ring, the writer and all readers but those that join
/// later, and only then starts their threads. A writer, reader or observer belongs to one thread at
/// a time.
/// SAFETY: both regions live as long as the ring, and its writer, readers and observers keep it.
@safe public final class LogRing<Record: BitwiseCopyable>: @unchecked Sendable {
    /// The most gating readers that a ring takes.
    public static var gatingReaderLimit: Int { 16 }

    internal let records: HugePages
    internal let control: RingControl

    /// Records in the ring: a power of two.
    public let capacity: Int
    /// The sequence of the first record that the writer will publish.
    public let firstSequence: UInt64

    /// A ring of `capacity` records (a power of two, 2 or more), from `node` if given.
    /// Throws as `HugePages` does.
    public init(
        capacity: Int, node: NUMANode? = nil, firstSequence: UInt64 = 1
    ) throws(PlatformError) {
        precondition(
            MemoryLayout<Record>.stride == 64 && MemoryLayout<Record>.alignment <= 64,
            "a record of a ring is one cache line of 64 bytes")
        precondition(
            capacity >= 2 && capacity & (capacity - 1) == 0, "a capacity is a power of two")
        precondition(firstSequence >= 1, "sequences start at 1")
        records = try HugePages(byteCount: capacity * 64, node: node)
        control = try RingControl(
            gateLimit: Self.gatingReaderLimit, node: node, published: firstSequence - 1)
        self.capacity = capacity
        self.firstSequence = firstSequence
    }

    /// The records' memory, slot 0 first: to register with a device or to write to disk from.
    /// Valid as long as the ring.
    public var recordsBase: UnsafeMutableRawPointer { unsafe records.base }
    /// What the records' memory is made of.
    public var pageSize: PageSize { records.pageSize }
    /// The records' memory, for the report of where everything is.
    public func region(_ name: String) -> MemoryRegion { MemoryRegion(name: name, records) }
    /// The last whole record's sequence; any thread.
    public var publishedSequence: UInt64 { control.published.load() }

    /// Every gating reader's name and the sequence up to which it has let go; any thread.
    public var gatingReaders: [(name: String, releasedSequence: UInt64)] {
        control.gates
    }

    /// The one writer. Traps when asked for a second one.
    public func writer() -> RingWriter<Record> {
        control.takeWriter()
        return RingWriter(ring: self)
    }

    /// A reader that holds the writer back. All of them are made before the writer first asks for
    /// room: traps when it is too late, or when there are too many.
    public func gatingReader(_ name: String) -> RingReader<Record> {
        RingReader(ring: self, released: control.addGate(name), after: firstSequence - 1)
    }

    /// A reader that holds the writer back from now on: it begins behind what is published. May be
    /// made at any time, on any thread, and again by the same name when that reader has left. Traps
    /// when there are too many.
    public func joiningReader(_ name: String) -> RingReader<Record> {
        let (gate, joined) = control.joinGate(name)
        return RingReader(ring: self, released: gate, after: joined)
    }

    /// A reader that never holds the writer back, from `sequence` on (`firstSequence` unless
    /// given). May be made at any time, on any thread.
    public func observer(from sequence: UInt64? = nil) -> RingObserver<Record> {
        RingObserver(ring: self, next: sequence ?? firstSequence)
    }
}
