// SPDX-License-Identifier: Apache-2.0
import Wire

/// The public stream of a shard: by multicast, numbered without gaps from 1.
@safe struct PublicStream {
    let isOn: Bool
    /// Number of the next public report of the log, sent already or not: one more than have gone
    /// through.
    var nextSequence: UInt64 = 1
    /// What is published again; nil when there is nothing.
    var tail: PublicTail?
    /// The datagram being filled.
    var datagram: Packet?
    var datagramFirstSequence: UInt64 = 0
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
        unsafe publish(
            Self.publicReport(
                event, kind, commandSequence: commandSequence,
                timestampNanos: commandTimestampNanos))
    }

    /// What a trade means to the public.
    @inline(__always)
    mutating func publish(
        _ resting: UnsafePointer<Event>, aggressor: UnsafePointer<Event>
    ) {
        guard publicStream.isOn else { return }
        unsafe publish(
            Self.publicTrade(
                resting, aggressor, commandSequence: commandSequence,
                timestampNanos: commandTimestampNanos))
    }

    /// Numbers one public report, and writes it unless others must go first, or nobody hears.
    /// `hasBuffers` has seen to its buffer: the stream has no gaps.
    @inline(__always)
    private mutating func publish(_ report: PublicReport) {
        let sequence = publicStream.nextSequence
        publicStream.nextSequence &+= 1
        guard !isRecovering, publicStream.tail == nil else { return }
        append(report, sequence)
        counters.add(.publicReports)
    }

    /// The bytes of a public report that is no trade: a function of the event and its command.
    @inline(__always)
    static func publicReport(
        _ event: UnsafePointer<Event>, _ kind: PublicKind, commandSequence: UInt64,
        timestampNanos: UInt64
    ) -> PublicReport {
        let quantityLots: UInt64
        switch unsafe event.pointee.kind {
        case .accepted, .rested, .reduced, .prevented:
            quantityLots = unsafe event.pointee.leavesLots
        case .displayed where kind != .deleted: quantityLots = unsafe event.pointee.leavesLots
        case .replaced:
            quantityLots = unsafe event.pointee.quantityLots &- event.pointee.executedLots
        case .tradingStateSet: quantityLots = unsafe UInt64(event.pointee.detail)
        default: quantityLots = unsafe event.pointee.quantityLots
        }
        let reference: UInt64
        switch kind {
        case .auctionPriced, .auctionIndicated: reference = unsafe event.pointee.leavesLots
        case .busted: reference = unsafe event.pointee.executedLots
        default: reference = unsafe event.pointee.reference
        }
        return unsafe PublicReport(
            kind: kind, side: event.pointee.attributes.side,
            instrument: event.pointee.instrument, commandSequence: commandSequence,
            reference: reference, priceTicks: event.pointee.priceTicks,
            quantityLots: quantityLots, timestampNanos: timestampNanos,
            tradeIndex: kind == .busted ? event.pointee.detail : 0)
    }

    /// The same of a trade, which is two events.
    @inline(__always)
    static func publicTrade(
        _ resting: UnsafePointer<Event>, _ aggressor: UnsafePointer<Event>,
        commandSequence: UInt64, timestampNanos: UInt64
    ) -> PublicReport {
        unsafe PublicReport(
            kind: resting.pointee.tradeKind,
            side: resting.pointee.attributes.side,
            instrument: resting.pointee.instrument, commandSequence: commandSequence,
            reference: resting.pointee.disclosedReference,
            aggressorReference: aggressor.pointee.disclosedReference,
            priceTicks: resting.pointee.priceTicks,
            quantityLots: resting.pointee.quantityLots, timestampNanos: timestampNanos,
            tradeIndex: resting.pointee.detail)
    }

    /// Writes one public report, the one after those of the open datagram. A buffer must be there.
    @inline(__always)
    mutating func append(_ report: PublicReport, _ sequence: UInt64, flags: UInt16 = 0) {
        if publicStream.datagramByteCount &+ PublicReport.byteCount
            > Self.frameByteCountMax &+ FrameFields.ethernetByteCount
        {
            sealPublicDatagram(flags: flags)
        }
        if publicStream.datagram == nil {
            let hasBegun = beginPublicDatagram(sequence)
            precondition(hasBegun, "an event is told when all its buffers are there")
        }
        let place = unsafe publicStream.datagram!.start + publicStream.datagramByteCount
        unsafe place.storeBytes(of: report, as: PublicReport.self)
        publicStream.datagramByteCount &+= PublicReport.byteCount
        publicStream.datagramMessageCount &+= 1
    }

    @inline(never)
    private mutating func beginPublicDatagram(_ sequence: UInt64) -> Bool {
        guard let packet = queue.allocate() else { return false }
        unsafe packet.start.copyMemory(from: publicHead, byteCount: SessionTable.headByteCount)
        publicStream.datagram = packet
        publicStream.datagramFirstSequence = sequence
        publicStream.datagramByteCount =
            FrameFields.ethernetByteCount + IPv4Head.byteCount + OrderEntryHeader.byteCount
        publicStream.datagramMessageCount = 0
        return true
    }

    /// Completes the open public datagram, if there is one.
    @inline(__always)
    mutating func sealPublicDatagram(flags: UInt16 = 0) {
        guard let packet = publicStream.datagram else { return }
        var header = OrderEntryHeader(
            channel: .publicReports, messageCount: publicStream.datagramMessageCount,
            session: configuration.shard, epoch: configuration.epoch, sequence: 0, flags: flags)
        header.publicSequence = publicStream.datagramFirstSequence
        finish(
            packet, header, linkByteCount: FrameFields.ethernetByteCount,
            byteCount: publicStream.datagramByteCount)
        publicStream.datagram = nil
        publicStream.lastSentNanos = nowNanos
    }

    /// Once a second without news, an empty datagram tells listeners what comes next. Not while
    /// others go first: it would tell of a gap that is none.
    mutating func sendPublicHeartbeat() {
        guard publicStream.isOn, publicStream.tail == nil,
            nowNanos &- publicStream.lastSentNanos > 1_000_000_000, canTransmit,
            publicStream.datagram == nil, beginPublicDatagram(publicStream.nextSequence)
        else { return }
        sealPublicDatagram()
    }
}
