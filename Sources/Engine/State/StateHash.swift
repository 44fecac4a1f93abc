// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What `Engine.stateHash` is made of. Each of the eight words of an event has a lane that it
/// enters by exclusive or, followed by a multiply-with-carry step (low half times a prime near
/// 2^32, plus high half): eight vector operations an event. It finds differences, not forgers.
struct StateHash: Sendable {
    private var first = SIMD4<UInt64>(
        0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3,
        0x5899_65CC_7537_4CC3)
    private var second = SIMD4<UInt64>(
        0x1D8E_4E27_C47D_124F, 0xEB44_ACCA_B455_D165, 0x9FB2_1C65_1E98_DF25,
        0xC2B2_AE3D_27D4_EB4F)
    private var commands: UInt64 = 1

    init() {}

    /// All that there is, for an image: the lanes in the order of an event's words, then that of
    /// the commands.
    var lanes: [9 of UInt64] {
        [
            first[0], first[1], first[2], first[3], second[0], second[1], second[2], second[3],
            commands,
        ]
    }

    /// Goes on from such lanes.
    init(lanes: [9 of UInt64]) {
        first = SIMD4(lanes[0], lanes[1], lanes[2], lanes[3])
        second = SIMD4(lanes[4], lanes[5], lanes[6], lanes[7])
        commands = lanes[8]
    }

    /// One event, as its two halves.
    @inline(__always) mutating func mix(_ first: SIMD4<UInt64>, _ second: SIMD4<UInt64>) {
        self.first = Self.step(self.first ^ first)
        self.second = Self.step(self.second ^ second)
    }

    @inline(__always) private static func step(_ mixed: SIMD4<UInt64>) -> SIMD4<UInt64> {
        (mixed & 0xFFFF_FFFF) &* 0xFFFF_DA61 &+ (mixed &>> 32)
    }

    /// One sequenced command.
    @inline(__always) mutating func mix(session: UInt32, sequence: UInt32) {
        commands = Self.mix(commands, word: UInt64(session) | UInt64(sequence) &<< 32)
    }

    /// All lanes in one word.
    var value: UInt64 {
        var hash = commands
        for lane in 0..<4 { hash = Self.mix(hash, word: first[lane] ^ first[lane] &>> 29) }
        for lane in 0..<4 { hash = Self.mix(hash, word: second[lane] ^ second[lane] &>> 29) }
        return hash ^ hash &>> 32
    }

    @inline(__always) static func mix(_ hash: UInt64, word: UInt64) -> UInt64 {
        let mixed = hash ^ word
        return (mixed &<< 27 | mixed &>> 37) &* 0x9E37_79B9_7F4A_7C15
    }
}

extension Engine {
    /// Writes an event and takes it into the hash.
    @inline(__always)
    mutating func emit(_ event: Event, into outbox: inout EventOutbox) {
        let owner = UInt64(event.session) | UInt64(event.account) &<< 32
        let what = Self.word(
            instrument: event.instrument, event.kind, event.attributes, event.detail)
        emit(
            SIMD4(
                event.orderID, event.reference, UInt64(bitPattern: event.priceTicks),
                event.quantityLots),
            SIMD4(event.leavesLots, event.executedLots, owner, what), into: &outbox)
    }

    /// The same for an event in two halves, in the order of its fields.
    @inline(__always)
    mutating func emit(
        _ first: SIMD4<UInt64>, _ second: SIMD4<UInt64>, into outbox: inout EventOutbox
    ) {
        outbox.append(first, second)
        hash.mix(first, second)
    }

    /// The last eight bytes of an event.
    @inline(__always)
    static func word(
        instrument: UInt32, _ kind: EventKind, _ attributes: EventAttributes, _ detail: UInt16
    ) -> UInt64 {
        UInt64(instrument) | UInt64(kind.rawValue) &<< 32 | UInt64(attributes.rawValue) &<< 40
            | UInt64(detail) &<< 48
    }

    /// The same for an event that its session is told of.
    @inline(__always)
    mutating func report(_ event: Event, into outbox: inout EventOutbox) {
        sessions[event.session].reportSequence &+= 1
        emit(event, into: &outbox)
    }

    /// Whether the slice has had its events.
    @inline(__always)
    func sliceIsFull(_ outbox: borrowing EventOutbox) -> Bool { outbox.position >= sliceEnd }
}
