// SPDX-License-Identifier: Apache-2.0

/// A datagram that came before its turn, kept in its packet buffer.
@safe struct HeldDatagram: BitwiseCopyable {
    var packet: Packet?
    /// Payload, from the start of the frame.
    var payloadOffset: UInt16 = 0
    var payloadByteCount: UInt16 = 0
    /// Session sequence of its first message.
    var firstSequence: UInt32 = 0
    /// Next of the same session in order of sequence, or next free; 0 = none.
    var next: UInt16 = 0
}

/// Datagrams held out of order, for all sessions of a shard: at most `limit` for each session and
/// `capacity` together, so that nobody can hold the driver's buffers.
///
/// SAFETY: `slots` is initialised for 0…capacity from `init` to `deinit`; links stay inside.
@safe struct ReorderWindow: ~Copyable {
    /// Datagrams that one session may hold.
    let limit: Int
    private let slots: UnsafeMutablePointer<HeldDatagram>
    private var freeHead: UInt16 = 1

    init(capacity: Int, limit: Int) {
        precondition(capacity < Int(UInt16.max), "held datagrams are numbered by 16 bits")
        self.limit = limit
        unsafe slots = .allocate(capacity: capacity + 1)
        unsafe slots.initialize(repeating: HeldDatagram(), count: capacity + 1)
        for slot in 1..<capacity {
            unsafe slots[slot].next = UInt16(slot + 1)
        }
    }

    deinit { unsafe slots.deallocate() }

    /// What became of a datagram; only with `held` is its buffer the window's.
    enum Holding { case held, heldAlready, full }

    /// Keeps a datagram in order of its sequence.
    mutating func hold(_ datagram: HeldDatagram, for entry: inout SessionEntry) -> Holding {
        var previous: UInt16 = 0
        var current = entry.heldHead
        while current != 0 {
            let held = unsafe slots[Int(current)]
            let distance = Int32(bitPattern: held.firstSequence &- datagram.firstSequence)
            if distance == 0 { return .heldAlready }
            if distance > 0 { break }
            previous = current
            current = held.next
        }
        guard Int(entry.heldCount) < limit, freeHead != 0 else { return .full }
        let slot = freeHead
        freeHead = unsafe slots[Int(slot)].next
        unsafe slots[Int(slot)] = datagram
        unsafe slots[Int(slot)].next = current
        if previous == 0 {
            entry.heldHead = slot
        } else {
            unsafe slots[Int(previous)].next = slot
        }
        entry.heldCount += 1
        return .held
    }

    /// The first held datagram of a session that is due: it begins at or before `expected`.
    func due(_ entry: SessionEntry) -> HeldDatagram? {
        guard entry.heldHead != 0 else { return nil }
        let held = unsafe slots[Int(entry.heldHead)]
        let distance = Int32(bitPattern: held.firstSequence &- entry.expectedSequence)
        return distance <= 0 ? held : nil
    }

    /// Forgets the first held datagram of a session and gives its buffer back to the caller.
    mutating func removeFirst(_ entry: inout SessionEntry) -> Packet? {
        guard entry.heldHead != 0 else { return nil }
        let slot = entry.heldHead
        let held = unsafe slots[Int(slot)]
        entry.heldHead = held.next
        entry.heldCount -= 1
        unsafe slots[Int(slot)] = HeldDatagram(next: freeHead)
        freeHead = slot
        return held.packet
    }
}
