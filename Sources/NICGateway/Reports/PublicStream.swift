// SPDX-License-Identifier: Apache-2.0
import Wire

/// The public stream of a shard: by multicast, numbered without gaps from 1.
@safe struct PublicStream {
    let isOn: Bool
    /// Sequence of the next public report.
    var nextSequence: UInt64 = 1
    /// The datagram being filled.
    var datagram: Packet?
    var datagramByteCount = 0
    var datagramMessageCount: UInt16 = 0
    var lastSentNanos: UInt64 = 0
}

// SAFETY: the open datagram is ours and has room for a report after `beginPublicDatagram`.
extension GatewayCore {
    /// What an event means to the public, if anything.
    @inline(__always)
    mutating func publish(_ event: UnsafePointer<Event>) {
        guard publicStream.isOn, let kind = unsafe event.pointee.publicKind else { return }
        let quantityLots: UInt64
        switch unsafe event.pointee.kind {
        case .accepted, .rested, .reduced: quantityLots = unsafe event.pointee.leavesLots
        case .replaced:
            quantityLots = unsafe event.pointee.quantityLots &- event.pointee.executedLots
        default: quantityLots = unsafe event.pointee.quantityLots
        }
        unsafe publish(
            PublicReport(
                kind: kind, side: event.pointee.attributes.side,
                instrument: event.pointee.instrument, commandSequence: commandSequence,
                reference: event.pointee.reference, priceTicks: event.pointee.priceTicks,
                quantityLots: quantityLots, timestampNanos: commandTimestampNanos))
    }

    /// Numbers and writes one public report. `hasBuffers` has seen to its buffer: the stream has no
    /// gaps.
    @inline(__always)
    mutating func publish(_ report: PublicReport) {
        if isRecovering {
            publicStream.nextSequence &+= 1
            return
        }
        if publicStream.datagramByteCount &+ PublicReport.byteCount
            > Self.frameByteCountMax &+ FrameFields.ethernetByteCount
        {
            sealPublicDatagram()
        }
        if publicStream.datagram == nil {
            let hasBegun = beginPublicDatagram()
            precondition(hasBegun, "an event is told when all its buffers are there")
        }
        let place = unsafe publicStream.datagram!.start + publicStream.datagramByteCount
        unsafe place.storeBytes(of: report, as: PublicReport.self)
        publicStream.datagramByteCount &+= PublicReport.byteCount
        publicStream.datagramMessageCount &+= 1
        counters.add(.publicReports)
    }

    @inline(never)
    private mutating func beginPublicDatagram() -> Bool {
        guard let packet = queue.allocate() else { return false }
        unsafe packet.start.copyMemory(from: publicHead, byteCount: SessionTable.headByteCount)
        publicStream.datagram = packet
        publicStream.datagramByteCount =
            FrameFields.ethernetByteCount + IPv4Head.byteCount + OrderEntryHeader.byteCount
        publicStream.datagramMessageCount = 0
        return true
    }

    /// Completes the open public datagram, if there is one.
    @inline(__always)
    mutating func sealPublicDatagram() {
        guard let packet = publicStream.datagram else { return }
        var header = OrderEntryHeader(
            channel: .publicReports, messageCount: publicStream.datagramMessageCount,
            session: configuration.shard, epoch: configuration.epoch, sequence: 0)
        header.publicSequence = publicStream.nextSequence
        finish(
            packet, header, linkByteCount: FrameFields.ethernetByteCount,
            byteCount: publicStream.datagramByteCount)
        publicStream.nextSequence &+= UInt64(publicStream.datagramMessageCount)
        publicStream.datagram = nil
        publicStream.lastSentNanos = nowNanos
    }

    /// Once a second without news, an empty datagram tells listeners what comes next.
    mutating func sendPublicHeartbeat() {
        guard publicStream.isOn, nowNanos &- publicStream.lastSentNanos > 1_000_000_000,
            canTransmit,
            publicStream.datagram == nil, beginPublicDatagram()
        else { return }
        sealPublicDatagram()
    }
}
