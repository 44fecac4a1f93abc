// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: as in TCPChannel.swift: `pieces` are of one call, and what they point to is `lines` or
// registered memory within its bounds.
internal import CTLS
internal import Glibc
internal import Platform

// Both ways.
extension TCPChannel {
    /// True once the stream stands.
    func establish() throws(MirrorError) -> Bool {
        guard phase == .standing else { return phase != .closed }
        let found = unsafe ctls_establish(stream)
        if found == 0 { return false }
        if found < 0 {
            if isServer, key != nil { refusals?.countUnauthenticated() }
            throw Self.unreachable(-found, peerText)
        }
        phase = .greeting
        return true
    }

    /// Gives the kernel what waits. False when it took nothing.
    func flush() throws(MirrorError) -> Bool {
        guard phase != .standing, phase != .closed else { return false }
        var hasSent = false
        repeat {
            let taken = try sendOnce()
            if taken == 0 { return hasSent }
            hasSent = true
            drop(taken)
        } while !outgoing.isEmpty
        return hasSent
    }

    private func sendOnce() throws(MirrorError) -> Int {
        let taken = unsafe withUnsafeTemporaryAllocation(
            of: ctls_piece.self, capacity: 2 * Place.frames
        ) { pieces -> Int64 in
            var count = 0
            var skipped = outgoingSent
            func add(_ base: UnsafeMutableRawPointer?, _ byteCount: Int) {
                let passed = min(skipped, byteCount)
                skipped -= passed
                guard let base = unsafe base, byteCount > passed else { return }
                unsafe pieces[count] = ctls_piece(
                    base: base + passed, byte_count: byteCount - passed)
                count += 1
            }
            for frame in outgoing {
                unsafe add(frame.header, frame.headerByteCount)
                unsafe add(frame.payload, frame.payloadByteCount)
            }
            // Also without pieces: TLS may have taken some that it could not hand on.
            return unsafe ctls_send(stream, pieces.baseAddress!, Int32(count))
        }
        if taken < 0 { throw lost(Int32(-taken)) }
        return Int(taken)
    }

    private func drop(_ taken: Int) {
        outgoingSent += taken
        var done = 0
        while done < outgoing.count, outgoingSent >= outgoing[done].byteCount {
            outgoingSent -= outgoing[done].byteCount
            if outgoing[done].token != 0 { completions.append(outgoing[done].token) }
            done += 1
        }
        outgoing.removeFirst(done)
    }

    private func lost(_ code: Int32) -> MirrorError {
        let isEnd = code == ECONNRESET || code == EPIPE
        if isEnd, phase == .greeting, !isServer {
            return MirrorError(
                code: ECONNRESET,
                "\(peerText) ended the connection without an answer: check that a standby listens "
                    + "there, and that both hosts have the same keyFile or none")
        }
        return isEnd
            ? MirrorError(code: ECONNRESET, "the peer has ended the connection")
            : MirrorError(code: code, "the connection is broken: \(SystemText.of(code))")
    }

    /// A peer that breaks the rules is left.
    private func foul(_ what: String) -> MirrorError {
        refusals?.countMalformed()
        return MirrorError(
            code: EPROTO, "\(description) was cut off: \(what); run the same build on both hosts")
    }

    func receive() throws(MirrorError) -> Bool {
        var hasMoved = false
        // Bounded: a peer that never pauses must not keep this side from all else.
        for _ in 0..<64 {
            if isFenced { return try discard() || hasMoved }
            // A refusal is followed by the end of the stream, and must be read before that.
            if isGreeted { return hasMoved }
            switch phase {
            case .greeting:
                guard try receiveGreeting() else { return hasMoved }
            case .open:
                let wanted = targetByteCount + Place.inboxByteCount - filled
                let got = try receiveOnce()
                guard got > 0 else { return hasMoved }
                hasMoved = true
                try take(got)
                // What is short was all that there is.
                if got < wanted { return true }
            case .standing, .deciding, .closed: return hasMoved
            }
            hasMoved = true
        }
        return hasMoved
    }

    private func receiveGreeting() throws(MirrorError) -> Bool {
        let got = unsafe fill(
            lines + Place.heard + filled, Place.greetingByteCount - filled, nil, 0)
        if got < 0 { throw lost(Int32(-got)) }
        filled += Int(got)
        let begin = unsafe (lines + Place.heard).loadUnaligned(as: UInt32.self)
        if filled >= 4, UInt32(littleEndian: begin) != MirrorVersion.magic {
            throw foul("it does not speak this protocol")
        }
        guard filled == Place.greetingByteCount else { return false }
        filled = 0
        isGreeted = true
        phase = isServer ? .deciding : .open
        return !isServer
    }

    /// The rest of a payload straight to its place, and what comes behind it to the inbox.
    private func receiveOnce() throws(MirrorError) -> Int {
        let got = unsafe fill(
            target, targetByteCount, lines + Place.inbox + filled, Place.inboxByteCount - filled)
        if got < 0 { throw lost(Int32(-got)) }
        return Int(got)
    }

    @unsafe private func fill(
        _ first: UnsafeMutableRawPointer?, _ firstByteCount: Int,
        _ second: UnsafeMutableRawPointer?, _ secondByteCount: Int
    ) -> Int64 {
        var pieces = unsafe (
            ctls_piece(base: first, byte_count: firstByteCount),
            ctls_piece(base: second, byte_count: secondByteCount)
        )
        return unsafe withUnsafeMutableBytes(of: &pieces) { bytes in
            let first = unsafe bytes.baseAddress!.assumingMemoryBound(to: ctls_piece.self)
            return unsafe firstByteCount > 0
                ? ctls_receive(stream, first, secondByteCount > 0 ? 2 : 1)
                : ctls_receive(stream, first + 1, 1)
        }
    }

    /// Counts bytes that have come, and works the inbox off: so small frames, which come many at
    /// once, take one call together.
    private func take(_ got: Int) throws(MirrorError) {
        let placed = min(got, targetByteCount)
        advance(placed)
        filled += got - placed
        var taken = 0
        while true {
            if let place = unsafe target, targetByteCount > 0 {
                let count = min(targetByteCount, filled - taken)
                unsafe place.copyMemory(from: lines + Place.inbox + taken, byteCount: count)
                advance(count)
                taken += count
            }
            guard targetByteCount == 0, filled - taken >= Place.headerByteCount else { break }
            unsafe try begin(UnsafeRawPointer(lines + Place.inbox + taken))
            taken += Place.headerByteCount
        }
        filled -= taken
        // Less than a header is left.
        unsafe (lines + Place.inbox).copyMemory(
            from: lines + Place.inbox + taken, byteCount: filled)
    }

    private func advance(_ byteCount: Int) {
        targetByteCount -= byteCount
        if let place = unsafe target { unsafe target = place + byteCount }
    }

    /// Begins with the payload behind a header. Throws at the peer's end of the conversation.
    @unsafe private func begin(_ header: UnsafeRawPointer) throws(MirrorError) {
        let address = unsafe UInt64(littleEndian: header.loadUnaligned(as: UInt64.self))
        let key = unsafe UInt32(
            littleEndian: header.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let byteCount = unsafe UInt32(
            littleEndian: header.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        guard byteCount > 0 else {
            throw key == EndReason.fenced
                ? MirrorError(code: EPERM, "the peer no longer lets itself be written to")
                : lost(ECONNRESET)
        }
        unsafe target = try place(address, key: key, byteCount: Int(byteCount))
        targetByteCount = Int(byteCount)
    }

    /// Where a write may go. Throws when it may not.
    @unsafe private func place(
        _ address: UInt64, key: UInt32, byteCount: Int
    ) throws(MirrorError) -> UnsafeMutableRawPointer {
        for case let region? in regions where region.key == key && region.isWrittenByPeer {
            let base = unsafe UInt64(UInt(bitPattern: region.base))
            // Below the base the difference wraps, and is past any end.
            let offset = address &- base
            guard byteCount <= region.byteCount, offset <= UInt64(region.byteCount - byteCount)
            else { throw foul("a write goes past the memory that it was given") }
            return unsafe region.base + Int(offset)
        }
        throw foul("a write names memory that it was not given")
    }

    /// Reads what comes, to nowhere.
    private func discard() throws(MirrorError) -> Bool {
        let got = unsafe fill(lines + Place.discard, Place.discardByteCount, nil, 0)
        if got < 0 { throw lost(Int32(-got)) }
        return got > 0
    }
}
