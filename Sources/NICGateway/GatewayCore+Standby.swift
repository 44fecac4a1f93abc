// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Platform

// A core of a host of two: it follows, it takes over, it hands over, it is replaced.
//
//     follows        restore, pollRecovery, discardIntake: nothing is answered, the port is warm
//     takes over     open with its epoch, announceAddress, and from then on poll
//     hands over     takesIntake = false: no new commands, the answers to the old ones go out
//     is replaced    discardIntake and nothing else: nothing leaves any more
//
// The switch is the owning thread's, between two polls. While nothing is taken, sessions do not
// grow silent, and nothing is written to the log.
//
// SAFETY: a received packet is ours until it is freed or kept for output; an allocated one has
// room for an ARP frame.

extension GatewayCore {
    /// Bytes of a frame before its check sequence, at least (IEEE 802.3).
    private static let frameByteCountMin = 60
    private static let fewEvents = 1_024

    /// Where the log ends that this core writes.
    public var logEnd: RecordChain { sequencer.end }

    /// The log's time: what a record would be stamped with, UTC nanoseconds. It goes on with each
    /// `pollIntake` that takes something in, and never back.
    @inline(__always) public var logNanos: UInt64 { sequencer.nowNanos }

    /// Whether so few events wait to be told that what comes now is not held up by them: less than
    /// a millisecond's worth.
    public var hasFewEventsToTell: Bool {
        mutating get { events.available(atLeast: .max) <= Self.fewEvents }
    }

    /// Begins a turn of a core that may be replaced when it stands still: before `pollIntake`, if
    /// anything is to leave. False when the turn before began more than `stillNanosMax` ago: what
    /// that one had in hand by then was kept.
    public mutating func beginTurn() -> Bool {
        let now = clock.nowCycles
        defer { turnCycles = now }
        return isInTime(at: now)
    }

    /// Whether the turn that was begun last has lasted no longer than it may.
    @inline(__always) func isInTime(at cycles: UInt64) -> Bool {
        clock.nanos(cycles &- turnCycles) <= stillNanosMax
    }

    /// Takes what came to the port and gives all of it back: nobody is answered, and the port stays
    /// warm. Instead of `poll`, while another host speaks. False when nothing came.
    public mutating func discardIntake() -> Bool { discard(answering: false) }

    /// Tells everybody on the link, at once, that our address is here now: an ARP announcement
    /// (RFC 5227, section 2.3), untagged. It may be lost like any frame: repeat it.
    public mutating func announceAddress() {
        guard canTransmit, let packet = queue.allocate() else {
            counters.add(.buffersExhausted)
            return
        }
        let frame = unsafe packet.start
        unsafe frame.initializeMemory(as: UInt8.self, repeating: 0, count: Self.frameByteCountMin)
        unsafe frame.initializeMemory(as: UInt8.self, repeating: 0xFF, count: 6)
        unsafe portMACAddress.store(to: frame + 6)
        unsafe NetworkOrder.store16(FrameFields.etherTypeARP, frame, 12)
        // A request: Ethernet, IPv4, six and four bytes of address. Sender and target are we.
        let arp = unsafe frame + FrameFields.ethernetByteCount
        unsafe NetworkOrder.store32(0x0001_0800, arp, 0)
        unsafe NetworkOrder.store32(0x0604_0001, arp, 4)
        unsafe portMACAddress.store(to: arp + 8)
        unsafe NetworkOrder.store32(configuration.ipv4Address, arp, 14)
        unsafe NetworkOrder.store32(configuration.ipv4Address, arp, 24)
        unsafe packet.setByteCount(Self.frameByteCountMin)
        unsafe outbox[outboxCount] = packet.mbuf
        outboxCount &+= 1
        counters.add(.arpAnnouncements)
        transmitOutbox()
    }

    /// Gives back what is left of the last burst or the next one, and what other cores have handed
    /// over. ARP and ping are answered if `answering`.
    @inline(never)
    mutating func discard(answering: Bool) -> Bool {
        if burstNext == burstCount {
            burstNext = 0
            burstCount = unsafe queue.receive(into: burst, max: configuration.burstFrames)
            counters.add(.framesReceived, burstCount)
        }
        var hasDiscarded = burstNext < burstCount
        while burstNext < burstCount {
            let packet = unsafe Packet(burst[burstNext])
            burstNext &+= 1
            if answering, answer(packet) == .kept { continue }
            counters.add(.framesDiscarded)
            queue.free(packet)
        }
        guard let steering else { return hasDiscarded }
        for from in 0..<UInt32(configuration.shardCount) where from != configuration.shard {
            while let packet = steering.take(from: from, to: configuration.shard) {
                counters.add(.framesDiscarded)
                queue.free(packet)
                hasDiscarded = true
            }
        }
        return hasDiscarded
    }

    /// Says where we live, if that is what the frame asks.
    private mutating func answer(_ packet: Packet) -> BufferFate {
        guard packet.isOneSegment, packet.checksumsMayBeGood else { return .free }
        let frame = unsafe FrameView(packet.start, byteCount: packet.byteCount)
        switch frame.content(
            address: configuration.ipv4Address,
            verifyingChecksums: configuration.verifiesChecksums)
        {
        case .arp(let offset): return answerARP(packet, at: offset)
        case .echoRequest(let offset): return answerEcho(packet, at: offset)
        case .datagram, .dropped: return .free
        }
    }
}
