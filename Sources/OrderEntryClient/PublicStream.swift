// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The public report stream of one shard, with its gaps found. No I/O; one thread.
///
/// The stream is multicast and this version does not ask for what is lost: a gap is counted, and
/// the stream goes on behind it.
public struct PublicStream: Sendable {
    /// The sequence expected next; 0 before the first datagram.
    public private(set) var nextSequence: UInt64 = 0
    /// Reports delivered.
    public private(set) var delivered: UInt64 = 0
    /// Reports that never came.
    public private(set) var lost: UInt64 = 0
    /// Times that some were missing.
    public private(set) var gaps: UInt64 = 0
    /// Reports that came again, or too late.
    public private(set) var duplicated: UInt64 = 0
    /// Datagrams that were not of this stream, or of a gateway that another has replaced.
    public private(set) var ignored: UInt64 = 0
    /// The gateway's epoch, the highest so far: the numbering goes on over its changes.
    public private(set) var epoch: UInt32 = 0
    private let shard: UInt32?

    /// For one shard, or for whichever comes.
    public init(shard: UInt32? = nil) { self.shard = shard }

    /// Takes a datagram. `onGap` gets the first sequence missing and how many; `deliver` gets each
    /// report with its sequence.
    public mutating func receive(
        _ datagram: RawSpan, onGap: (UInt64, UInt64) -> Void,
        deliver: (UInt64, PublicReport) -> Void
    ) {
        let headerBytes = OrderEntryHeader.byteCount
        guard datagram.byteCount >= headerBytes else { return ignored &+= 1 }
        let header = datagram.value(at: 0, as: OrderEntryHeader.self)
        let count = Int(header.messageCount)
        guard header.version == OrderEntryHeader.currentVersion, header.channel == .publicReports,
            shard == nil || shard == header.session,
            datagram.byteCount == headerBytes + count * PublicReport.byteCount,
            header.epoch >= epoch
        else { return ignored &+= 1 }
        epoch = header.epoch
        let first = header.publicSequence
        if nextSequence == 0 { nextSequence = first }
        if first > nextSequence {
            onGap(nextSequence, first - nextSequence)
            gaps &+= 1
            lost &+= first - nextSequence
            nextSequence = first
        }
        for index in 0..<count {
            guard first &+ UInt64(index) == nextSequence else {
                duplicated &+= 1
                continue
            }
            let offset = headerBytes + index * PublicReport.byteCount
            nextSequence &+= 1
            delivered &+= 1
            deliver(nextSequence - 1, datagram.value(at: offset, as: PublicReport.self))
        }
    }
}
