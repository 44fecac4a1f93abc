// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
import Wire

// What comes in: frames to datagrams, datagrams to commands.
//
// SAFETY: pointers into a packet buffer are used while the buffer is ours: from `receive` until it
// is freed, sent or held. Offsets come from `FrameView`, which has checked them.

extension GatewayCore {
    /// What becomes of a packet buffer.
    enum BufferFate { case free, kept }

    /// Takes one burst from the port. False when there was nothing to do.
    mutating func takeBurst() -> Bool {
        if burstNext == burstCount {
            burstNext = 0
            burstCount = unsafe queue.receive(into: burst, max: configuration.burstFrames)
            if burstCount == 0 { return false }
            counters.add(.framesReceived, burstCount)
            for index in 0..<min(8, burstCount) { unsafe prefetchFrame(burst[index]) }
        }
        let received = clock.nowCycles
        let commandsBefore = counters[.commands]
        let first = burstNext
        while burstNext < burstCount {
            guard sequencer.hasRoom(for: GatewayLimits.recordsPerDatagram) else {
                counters.add(.logFull)
                break
            }
            if burstNext &+ 8 < burstCount { unsafe prefetchFrame(burst[burstNext &+ 8]) }
            if burstNext &+ 3 < burstCount { unsafe prefetchSession(burst[burstNext &+ 3]) }
            let packet = unsafe Packet(burst[burstNext])
            if takeFrame(packet) == .free {
                unsafe spent[spentCount] = packet.mbuf
                spentCount &+= 1
            }
            burstNext &+= 1
        }
        let decoded = clock.nowCycles
        sequencer.publish()
        let published = clock.nowCycles
        if spentCount > 0 {
            unsafe queue.free(spent, count: spentCount)
            spentCount = 0
        }
        guard burstNext != first else { return false }
        noteIntake(
            received: received, decoded: decoded, published: published,
            commandCount: Int(truncatingIfNeeded: counters[.commands] &- commandsBefore))
        return true
    }

    /// Brings a frame nearer: three lines hold its headers and one order.
    @inline(__always)
    private func prefetchFrame(_ mbuf: PacketPointer) {
        let start = unsafe Packet(mbuf).start
        unsafe Prefetch.read(start)
        unsafe Prefetch.read(start + 64)
        unsafe Prefetch.read(start + 128)
    }

    /// Brings the session of a frame nearer, if it is an order in the plainest of frames: a guess
    /// that costs nothing when it is wrong, for only a number below the capacity is looked up.
    @inline(__always)
    private func prefetchSession(_ mbuf: PacketPointer) {
        let packet = unsafe Packet(mbuf)
        let offset =
            FrameFields.ethernetByteCount + IPv4Head.byteCount + 4
        guard packet.byteCount > offset + 4 else { return }
        let session = unsafe packet.start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        guard sessions.contains(session) else { return }
        unsafe Prefetch.write(sessions.entry(session))
    }

    @inline(__always)
    private mutating func takeFrame(_ packet: Packet) -> BufferFate {
        guard packet.isOneSegment else {
            counters.add(.severalSegments)
            return .free
        }
        guard packet.checksumsMayBeGood else {
            counters.add(.wrongChecksum)
            return .free
        }
        let frame = unsafe FrameView(packet.start, byteCount: packet.byteCount)
        switch frame.content(
            address: configuration.ipv4Address,
            verifyingChecksums: configuration.verifiesChecksums)
        {
        case .datagram(let datagram):
            if datagram.destinationPort == configuration.udpPort {
                return takeDatagram(packet, datagram)
            }
            return steer(packet, toPort: datagram.destinationPort)
        case .arp(let offset): return answerARP(packet, at: offset)
        case .echoRequest(let offset): return answerEcho(packet, at: offset)
        case .dropped(let reason):
            counters.add(reason)
            return .free
        }
    }

    /// A frame for another shard on the same port goes to that shard's core.
    @inline(never)
    private mutating func steer(_ packet: Packet, toPort port: UInt16) -> BufferFate {
        let shard = port &- configuration.firstUDPPort
        guard shard < configuration.shardCount, let steering else {
            counters.add(.otherPort)
            return .free
        }
        guard steering.hand(packet, from: configuration.shard, to: UInt32(shard)) else {
            counters.add(.steeringDropped)
            return .free
        }
        counters.add(.steeredInSoftware)
        return .kept
    }

    /// One UDP datagram for this shard, header first.
    @inline(__always)
    mutating func takeDatagram(_ packet: Packet, _ datagram: UDPDatagram) -> BufferFate {
        guard datagram.payloadByteCount >= OrderEntryHeader.byteCount else {
            counters.add(.datagramTooShort)
            return .free
        }
        let payload = unsafe UnsafeRawPointer(packet.start + datagram.payloadOffset)
        let header = unsafe payload.loadUnaligned(as: OrderEntryHeader.self)
        guard header.version == OrderEntryHeader.currentVersion else {
            counters.add(.wrongVersion)
            return .free
        }
        guard sessions.contains(header.session) else {
            counters.add(.unknownSession)
            return .free
        }
        guard header.keyID == 0 else {
            counters.add(.unknownKey)
            return .free
        }
        if header.channel == .orders {
            let entry = unsafe sessions.entry(header.session)
            guard unsafe isBound(header, entry, source: datagram.source) else {
                unsafe takeUnbound(packet, datagram, header, entry)
                return .free
            }
            return unsafe takeOrders(packet, datagram, header, entry)
        }
        guard header.channel == .control else {
            counters.add(.wrongChannel)
            return .free
        }
        unsafe takeControl(packet, datagram, header, payload + OrderEntryHeader.byteCount)
        return .free
    }

    /// Whether a header belongs to the open session: epoch, token, address and port.
    @inline(__always)
    func isBound(
        _ header: OrderEntryHeader, _ entry: UnsafeMutablePointer<SessionEntry>, source: UInt64
    ) -> Bool {
        unsafe entry.pointee.state == .open && header.epoch == configuration.epoch
            && header.token == entry.pointee.token && source == entry.pointee.source
    }

    /// A sequenced datagram of an open session.
    @inline(__always)
    private mutating func takeOrders(
        _ packet: Packet, _ datagram: UDPDatagram, _ header: OrderEntryHeader,
        _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> BufferFate {
        let messages = unsafe packet.start + datagram.payloadOffset + OrderEntryHeader.byteCount
        let messagesByteCount = datagram.payloadByteCount - OrderEntryHeader.byteCount
        guard
            unsafe isWellFormed(
                messages, byteCount: messagesByteCount, messageCount: Int(header.messageCount))
        else { return .free }
        unsafe entry.pointee.lastHeardNanos = listeningNanos
        let acknowledged = header.receivedThrough
        if unsafe Int32(bitPattern: acknowledged &- entry.pointee.reportsReceivedThrough) > 0 {
            unsafe entry.pointee.reportsReceivedThrough = acknowledged
        }
        let distance = unsafe Int32(bitPattern: header.sequence &- entry.pointee.expectedSequence)
        if distance > 0 {
            return unsafe takeEarly(packet, datagram, header, entry)
        }
        unsafe take(
            messages, byteCount: messagesByteCount, first: header.sequence,
            count: Int(header.messageCount), session: header.session, entry)
        if unsafe entry.pointee.heldHead != 0 { unsafe takeHeld(header.session, entry) }
        return .free
    }

    /// Whether the messages fill the datagram exactly. Counts what is wrong.
    @inline(__always)
    func isWellFormed(
        _ messages: UnsafeRawPointer, byteCount: Int, messageCount: Int
    ) -> Bool {
        guard messageCount <= GatewayLimits.messagesPerDatagram else {
            counters.add(.tooManyMessages)
            return false
        }
        var offset = 0
        for _ in 0..<messageCount {
            guard offset < byteCount else {
                counters.add(.sizeMismatch)
                return false
            }
            let type = MessageType(
                rawValue: unsafe messages.load(fromByteOffset: offset, as: UInt8.self))
            let messageByteCount = type.orderByteCount
            guard messageByteCount > 0 else {
                counters.add(.unknownMessage)
                return false
            }
            offset &+= messageByteCount
        }
        guard offset == byteCount else {
            counters.add(.sizeMismatch)
            return false
        }
        return true
    }

    /// A datagram ahead of its turn is held if it may be, and the gap is told.
    @inline(never)
    private mutating func takeEarly(
        _ packet: Packet, _ datagram: UDPDatagram, _ header: OrderEntryHeader,
        _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> BufferFate {
        var fate = BufferFate.free
        if header.messageCount > 0 {
            let held = HeldDatagram(
                packet: packet, payloadOffset: UInt16(datagram.payloadOffset),
                payloadByteCount: UInt16(datagram.payloadByteCount),
                firstSequence: header.sequence)
            // What is held is not there for receiving: some buffers stay out of reach.
            let canHold = queue.canAllocate(GatewayLimits.buffersKeptFree)
            switch unsafe canHold ? reorderWindow.hold(held, for: &entry.pointee) : .full {
            case .held:
                counters.add(.heldDatagrams)
                fate = .kept
            case .heldAlready: counters.add(.duplicateDatagrams)
            case .full: counters.add(.beyondWindowDropped)
            }
        }
        unsafe reportGap(header, entry)
        return fate
    }

    /// Tells the expected sequence, at most once a millisecond for the same one.
    private mutating func reportGap(
        _ header: OrderEntryHeader, _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        let expected = unsafe entry.pointee.expectedSequence
        if unsafe entry.pointee.gapReportSequence == expected,
            unsafe nowNanos &- entry.pointee.gapReportNanos < 1_000_000
        {
            return
        }
        unsafe entry.pointee.gapReportSequence = expected
        unsafe entry.pointee.gapReportNanos = nowNanos
        counters.add(.gapReports)
        sendControl(
            SessionNotice.gapReport(expectedSequence: expected, received: header.sequence),
            to: header.session)
    }

    /// Held datagrams whose turn has come. Also called from the timer, where the log was full.
    mutating func takeHeld(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        while let held = unsafe reorderWindow.due(entry.pointee) {
            guard sequencer.hasRoom(for: GatewayLimits.recordsPerDatagram) else {
                counters.add(.logFull)
                return
            }
            let packet = held.packet!
            let payload = unsafe packet.start + Int(held.payloadOffset)
            let header = unsafe payload.loadUnaligned(as: OrderEntryHeader.self)
            let before = unsafe entry.pointee.expectedSequence
            unsafe take(
                payload + OrderEntryHeader.byteCount,
                byteCount: Int(held.payloadByteCount) - OrderEntryHeader.byteCount,
                first: header.sequence, count: Int(header.messageCount), session: session, entry)
            unsafe queue.free(reorderWindow.removeFirst(&entry.pointee)!)
            // Over the wide limit: the rest waits for the client to send it again.
            let after = unsafe entry.pointee.expectedSequence
            if after == before, Int32(bitPattern: held.firstSequence &- before) == 0 { return }
        }
    }

    /// Takes messages from the expected one on; those before it were taken earlier.
    @inline(__always)
    private mutating func take(
        _ messages: UnsafeRawPointer, byteCount: Int, first: UInt32, count: Int, session: UInt32,
        _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        // Not beyond the expected one, so 0…2^31, the one distance that has no sign included.
        var skip = unsafe Int(entry.pointee.expectedSequence &- first)
        if skip > 0 {
            counters.add(.duplicateMessages, min(skip, count))
            unsafe entry.pointee.owesAcknowledgement = true
            if skip >= count {
                counters.add(.duplicateDatagrams)
                return
            }
        }
        counters.add(.datagramsTaken)
        var offset = 0
        var taken = 0
        for _ in 0..<count {
            let message = unsafe messages + offset
            let type = MessageType(rawValue: unsafe message.load(as: UInt8.self))
            offset &+= type.orderByteCount
            if skip > 0 {
                skip &-= 1
                continue
            }
            guard unsafe append(message, type, session, entry) else {
                counters.add(.overLimitDropped)
                break
            }
            taken &+= 1
        }
        if taken > 0 { unsafe entry.pointee.owesAcknowledgement = true }
        counters.add(.commands, taken)
    }

    /// One message to one command. False when the session is over its wide limit.
    @inline(__always)
    private mutating func append(
        _ message: UnsafeRawPointer, _ type: MessageType, _ session: UInt32,
        _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> Bool {
        let sequence = unsafe entry.pointee.expectedSequence
        if isNotPlain {
            if isProbe {
                // The session stays where it is: the next frame may be the same one.
                probed = unsafe MessageDecoder.decode(
                    message, type, session: session, sessionSequence: sequence)
                return true
            }
            guard unsafe wideThrottle.take(&entry.pointee.wideThrottleNanos, nowNanos: nowNanos)
            else { return false }
            guard unsafe throttle.take(&entry.pointee.throttleNanos, nowNanos: nowNanos) else {
                counters.add(.throttled)
                unsafe appendRefused(message, type, session, sequence, .throttled)
                unsafe entry.pointee.expectedSequence = sequence &+ 1
                return true
            }
        }
        let command = unsafe MessageDecoder.decode(
            message, type, session: session, sessionSequence: sequence)
        if command.kind == .refused {
            counters.add(.refused)
        } else if type == .newOrderExtended {
            sequencer.append(command, continuation: unsafe MessageDecoder.continuation(message))
            unsafe entry.pointee.expectedSequence = sequence &+ 1
            return true
        }
        sequencer.append(command)
        unsafe entry.pointee.expectedSequence = sequence &+ 1
        return true
    }

    @inline(never)
    private mutating func appendRefused(
        _ message: UnsafeRawPointer, _ type: MessageType, _ session: UInt32, _ sequence: UInt32,
        _ reason: Reason
    ) {
        counters.add(.refused)
        sequencer.append(
            unsafe MessageDecoder.refused(
                message, type, session: session, sessionSequence: sequence, reason: reason))
    }
}
