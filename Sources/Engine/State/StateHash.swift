// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The mix behind `Engine.stateHash`: every word of an event goes through a 64 × 64 → 128 bit
/// multiplication with its neighbour, and the four products enter the running value in parallel.
/// It finds differences, not forgers.
enum StateHash {
    @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    static func mix(_ hash: UInt64, word: UInt64) -> UInt64 {
        let mixed = hash ^ word
        return (mixed &<< 27 | mixed &>> 37) &* 0x9E37_79B9_7F4A_7C15
    }

    @inline(__always)
    static func mix(_ hash: UInt64, event: Event) -> UInt64 {
        let owner = UInt64(event.session) | UInt64(event.account) &<< 32
        let what =
            UInt64(event.instrument) | UInt64(event.kind.rawValue) &<< 32
            | UInt64(event.attributes.rawValue) &<< 40 | UInt64(event.detail) &<< 48
        let products =
            fold(event.orderID ^ 0xA076_1D64_78BD_642F, event.reference ^ 0xE703_7ED1_A0B4_28DB)
            ^ fold(
                UInt64(bitPattern: event.priceTicks) ^ 0x8EBC_6AF0_9C88_C6E3,
                event.quantityLots ^ 0x5899_65CC_7537_4CC3)
            ^ fold(
                event.leavesLots ^ 0x1D8E_4E27_C47D_124F,
                event.executedLots ^ 0xEB44_ACCA_B455_D165)
            ^ fold(owner ^ 0x9FB2_1C65_1E98_DF25, what ^ 0xC2B2_AE3D_27D4_EB4F)
        return mix(hash, word: products)
    }
}

extension Engine {
    /// Writes an event and takes it into the hash.
    @inline(__always)
    mutating func emit(_ event: Event, into outbox: inout EventOutbox) {
        outbox.append(event)
        stateHash = StateHash.mix(stateHash, event: event)
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
