// SPDX-License-Identifier: Apache-2.0
internal import Platform
import Wire

// What goes out: datagrams filled for each session, sealed once a poll, and handed to the port.
//
// SAFETY: a packet buffer is ours from `allocate` until it is in `outbox` and sent or freed. Writes
// stay within `datagramByteCountMax`, which every buffer of the pool holds (2,048 bytes).

extension GatewayCore {
    /// Whether another datagram may be begun: buffers and places in the outbox are there.
    @inline(__always)
    var canTransmit: Bool { outboxCount &+ filling.count &+ 8 < Self.outboxCapacity }

    /// Writes the head of frames to a session from the frame that brought its logon: the same VLAN
    /// tags, addresses swapped.
    func prepareHead(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>, _ packet: Packet,
        _ datagram: UDPDatagram
    ) {
        let frame = unsafe UnsafeRawPointer(packet.start)
        let head = unsafe sessions.head(session)
        let link = datagram.linkByteCount
        unsafe head.copyMemory(from: frame, byteCount: link)
        unsafe head.copyMemory(from: frame + 6, byteCount: 6)
        unsafe portMACAddress.store(to: head + 6)
        unsafe IPv4Head.write(
            to: head + link, source: configuration.ipv4Address,
            destination: UInt32(truncatingIfNeeded: datagram.source >> 16),
            sourcePort: configuration.udpPort,
            destinationPort: UInt16(truncatingIfNeeded: datagram.source))
        unsafe entry.pointee.linkByteCount = UInt8(link)
    }

    /// Begins a datagram to a session. False when no buffer is to be had.
    @inline(__always)
    mutating func beginDatagram(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> Bool {
        guard let packet = queue.allocate() else {
            counters.add(.buffersExhausted)
            return false
        }
        let head = unsafe sessions.head(session)
        // The head is at most 50 bytes; 64 are copied, for that is two vector moves.
        unsafe packet.start.copyMemory(from: head, byteCount: SessionTable.headByteCount)
        let link = unsafe Int(entry.pointee.linkByteCount)
        unsafe entry.pointee.datagram = packet
        unsafe entry.pointee.datagramByteCount = Int32(
            link + IPv4Head.byteCount + OrderEntryHeader.byteCount)
        unsafe entry.pointee.datagramMessageCount = 0
        return true
    }

    /// Where the next `byteCount` bytes of a report go, in a datagram that has room for them. One
    /// that is full is sealed with `flags`.
    @inline(__always)
    mutating func reserveReport(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>, byteCount: Int,
        sequence: UInt32, flags: UInt16 = 0
    ) -> UnsafeMutableRawPointer? {
        if unsafe entry.pointee.datagram != nil {
            let limit = unsafe Self.frameByteCountMax + Int(entry.pointee.linkByteCount)
            if unsafe Int(entry.pointee.datagramByteCount) &+ byteCount > limit {
                unsafe sealDatagram(session, entry, flags: flags)
            }
        }
        if unsafe entry.pointee.datagram == nil {
            guard unsafe beginDatagram(session, entry) else { return nil }
            unsafe entry.pointee.datagramFirstSequence = sequence
            filling.append(session)
        }
        let place = unsafe entry.pointee.datagram!.start + Int(entry.pointee.datagramByteCount)
        unsafe entry.pointee.datagramByteCount &+= Int32(truncatingIfNeeded: byteCount)
        unsafe entry.pointee.datagramMessageCount &+= 1
        return unsafe place
    }

    /// Completes the datagram that a session has open, and puts it in the outbox.
    @inline(__always)
    mutating func sealDatagram(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>, flags: UInt16 = 0
    ) {
        guard let packet = unsafe entry.pointee.datagram else { return }
        let header = unsafe OrderEntryHeader(
            channel: .reports, messageCount: entry.pointee.datagramMessageCount, session: session,
            epoch: configuration.epoch, sequence: entry.pointee.datagramFirstSequence,
            receivedThrough: entry.pointee.expectedSequence &- 1,
            committedThrough: entry.pointee.committedThrough, token: entry.pointee.token,
            flags: flags)
        unsafe finish(
            packet, header, linkByteCount: Int(entry.pointee.linkByteCount),
            byteCount: Int(entry.pointee.datagramByteCount))
        unsafe entry.pointee.datagram = nil
        unsafe entry.pointee.lastSentNanos = nowNanos
        unsafe entry.pointee.owesAcknowledgement = false
    }

    /// Lengths, checksum and header of a complete datagram; then the outbox.
    @inline(__always)
    mutating func finish(
        _ packet: Packet, _ header: OrderEntryHeader, linkByteCount: Int, byteCount: Int
    ) {
        let frame = unsafe packet.start
        unsafe IPv4Head.setLengths(frame + linkByteCount, byteCount: byteCount - linkByteCount)
        if writesUDPChecksum {
            unsafe IPv4Head.leaveChecksumsToNIC(
                frame + linkByteCount, byteCount: byteCount - linkByteCount)
            packet.requestChecksums(
                ethernetBytes: linkByteCount, ipv4Bytes: FrameFields.ipv4ByteCount, udp: true)
        }
        unsafe (frame + linkByteCount + IPv4Head.byteCount).storeBytes(
            of: header, as: OrderEntryHeader.self)
        unsafe packet.setByteCount(byteCount)
        unsafe outbox[outboxCount] = packet.mbuf
        outboxCount &+= 1
        if outboxCount == Self.outboxCapacity { transmitOutbox() }
    }

    /// One control message to a session, at once.
    mutating func sendControl<Message: BitwiseCopyable>(_ message: Message, to session: UInt32) {
        let entry = unsafe sessions.entry(session)
        guard canTransmit, let packet = queue.allocate() else {
            counters.add(.buffersExhausted)
            return
        }
        let link = unsafe Int(entry.pointee.linkByteCount)
        unsafe packet.start.copyMemory(
            from: sessions.head(session), byteCount: SessionTable.headByteCount)
        let headerOffset = link + IPv4Head.byteCount
        unsafe packet.start.storeBytes(
            of: message, toByteOffset: headerOffset + OrderEntryHeader.byteCount, as: Message.self)
        let header = unsafe OrderEntryHeader(
            channel: .control, messageCount: 1, session: session, epoch: configuration.epoch,
            sequence: 0, receivedThrough: entry.pointee.expectedSequence &- 1,
            committedThrough: entry.pointee.committedThrough, token: entry.pointee.token)
        finish(
            packet, header, linkByteCount: link,
            byteCount: headerOffset + OrderEntryHeader.byteCount + MemoryLayout<Message>.size)
        unsafe entry.pointee.lastSentNanos = nowNanos
    }

    /// A refusal to somebody who has no session: the answer goes back to where the frame came from.
    mutating func replyUnbound<Message: BitwiseCopyable>(
        _ message: Message, session: UInt32, _ received: Packet, _ datagram: UDPDatagram
    ) {
        guard canTransmit, let packet = queue.allocate() else {
            counters.add(.buffersExhausted)
            return
        }
        let link = datagram.linkByteCount
        let frame = unsafe packet.start
        unsafe frame.copyMemory(from: received.start, byteCount: link)
        unsafe frame.copyMemory(from: received.start + 6, byteCount: 6)
        unsafe portMACAddress.store(to: frame + 6)
        unsafe IPv4Head.write(
            to: frame + link, source: configuration.ipv4Address,
            destination: UInt32(truncatingIfNeeded: datagram.source >> 16),
            sourcePort: configuration.udpPort,
            destinationPort: UInt16(truncatingIfNeeded: datagram.source))
        let headerOffset = link + IPv4Head.byteCount
        unsafe frame.storeBytes(
            of: message, toByteOffset: headerOffset + OrderEntryHeader.byteCount, as: Message.self)
        finish(
            packet,
            OrderEntryHeader(
                channel: .control, messageCount: 1, session: session,
                epoch: configuration.epoch, sequence: 0), linkByteCount: link,
            byteCount: headerOffset + OrderEntryHeader.byteCount + MemoryLayout<Message>.size)
    }

    /// An empty reports datagram: what comes next, and how far the client's messages got.
    mutating func sendHeartbeat(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        guard canTransmit else { return }
        if unsafe entry.pointee.datagram == nil {
            guard unsafe beginDatagram(session, entry) else { return }
            unsafe entry.pointee.datagramFirstSequence = entry.pointee.nextReportSequence
        }
        unsafe sealDatagram(session, entry)
    }

    /// Seals every datagram that is open and hands all to the port. Once a poll.
    mutating func flush() {
        for index in 0..<filling.count {
            let session = filling[index]
            unsafe sealDatagram(session, sessions.entry(session))
        }
        filling.removeAll()
        sealPublicDatagram()
        if outboxCount > 0 { transmitOutbox() }
    }

    /// Gives the outbox to the port; what the driver does not take stays for the next poll. So does
    /// all of it in a turn that has lasted too long: whoever stood still may have been replaced.
    mutating func transmitOutbox() {
        leavingCycles = clock.nowCycles
        #if NEEDLETAIL_MUTANTS
        if Mutant.speaksOnWaking.isPlanted { turnCycles = leavingCycles }
        #endif
        guard isInTime(at: leavingCycles) else { return keepOutbox(behind: 0) }
        let sent = unsafe queue.transmit(from: outbox, count: outboxCount)
        counters.add(.framesSent, sent)
        guard sent < outboxCount else { return outboxCount = 0 }
        counters.add(.transmitFull)
        keepOutbox(behind: sent)
    }

    /// What was not sent is the outbox. A port that takes nothing, or may be given nothing, must
    /// not stop the core: where there is no room the oldest half is given up, as the network might
    /// have lost it, and clients ask for it again.
    @inline(never)
    private mutating func keepOutbox(behind sent: Int) {
        var left = outboxCount - sent
        unsafe outbox.update(from: outbox + sent, count: left)
        if left > Self.outboxCapacity - 16 {
            let dropped = left / 2
            unsafe queue.free(outbox, count: dropped)
            left -= dropped
            unsafe outbox.update(from: outbox + dropped, count: left)
        }
        outboxCount = left
    }

    /// Gives back what a session had open for output.
    mutating func releaseOutput(_ entry: UnsafeMutablePointer<SessionEntry>) {
        if let packet = unsafe entry.pointee.datagram {
            queue.free(packet)
            unsafe entry.pointee.datagram = nil
        }
    }
}

/// Sessions whose datagrams the next flush seals: one entry for each datagram begun since the last
/// one, so a session that filled several is here several times, and sealing it again does nothing.
///
/// SAFETY: `numbers` is allocated for `capacity` from `init` to `deinit`. `append` traps rather
/// than write beyond it (`canTransmit` keeps callers below), and what is read was appended.
@safe struct FillingSessions: ~Copyable {
    private(set) var count = 0
    private let numbers: UnsafeMutablePointer<UInt32>
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        unsafe numbers = .allocate(capacity: capacity)
    }

    deinit { unsafe numbers.deallocate() }

    @inline(__always) mutating func append(_ session: UInt32) {
        precondition(count < capacity, "a poll is flushed before so many datagrams are open")
        unsafe numbers[count] = session
        count &+= 1
    }

    @inline(__always) subscript(index: Int) -> UInt32 {
        assert(index < count, "only appended sessions are read")
        return unsafe numbers[index]
    }

    mutating func removeAll() { count = 0 }
}
