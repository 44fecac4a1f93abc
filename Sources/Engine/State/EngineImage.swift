// SPDX-License-Identifier: Apache-2.0
//
//  The layout of an engine's image: docs/formats/snapshot.md draws it. Little-endian, fixed sizes.
//
//    header 256 B │ instruments n × 64 B │ sessions n × 64 B │ orders n × 64 B │ entries n × 4 B
//    │ rare n × 64 B
//
//  Nothing in it says where in memory something was: orders stand in the order of their books, and
//  an entry is the position of an order in that section. So one state has one image.
//
// SAFETY: a view is read only inside its buffer, which is checked at every access; the types read
// and written are made of integers, without padding.
internal import Platform
internal import Wire

/// What an image consists of.
public enum EngineImageSection: Int, CaseIterable, Sendable {
    /// Limits, counts, checksums, the state hash.
    case header = -1
    /// Instruments that are defined, by number.
    case instruments
    /// Sessions that differ from one never used, by number.
    case sessions
    /// Resting orders: instruments by number, buys before sells, best price first, oldest first.
    case orders
    /// For each session in turn its orders, as they were entered.
    case entries
    /// What few orders have, then what few instruments have, price bands, tick tables, order rules,
    /// trade groups, void trades, stopped accounts, and what goes on behind later commands; none
    /// before rules 3.
    case rare

    /// Bytes of one element.
    var stride: Int {
        switch self {
        case .header: MemoryLayout<ImageHeader>.size
        case .instruments: MemoryLayout<InstrumentImage>.size
        case .sessions: MemoryLayout<SessionImage>.size
        case .orders: MemoryLayout<OrderImage>.size
        case .entries: MemoryLayout<UInt32>.size
        case .rare: MemoryLayout<RareOrderImage>.size
        }
    }

    static let tabled: [EngineImageSection] = [
        .instruments, .sessions, .orders, .entries, .rare,
    ]
}

/// Where a section is: 16 bytes.
struct SectionRow: BitwiseCopyable, Equatable {
    var byteOffset: UInt64 = 0  //  0  from the start of the image
    var count: UInt32 = 0  //       8  elements
    var crc32c: UInt32 = 0  //     12  of all its bytes
}

/// The head of an image: 256 bytes.
struct ImageHeader: BitwiseCopyable {
    var magic: UInt64 = Self.magic  //                    0
    var formatVersion: UInt32 = Self.formatVersion  //    8
    var headerByteCount: UInt32 = 256  //                12
    var byteCount: UInt64 = 0  //                        16  of the whole image
    var rulesVersion: UInt32 = 0  //                     24
    var businessDay: UInt32 = 0  //                      28  days since 1970; 0 = none yet
    var orderCapacity: UInt32 = 0  //                    32
    var sessionCapacity: UInt32 = 0  //                  36
    var instrumentCapacity: UInt32 = 0  //               40
    var ladderTickCapacity: UInt32 = 0  //               44
    var sessionOpenOrdersMax: UInt32 = 0  //             48
    var ladderTicksUsed: UInt32 = 0  //                  52  0 since rules 3
    var indexSeed: UInt64 = 0  //                        56
    var hashLanes = [9 of UInt64](repeating: 0)  //      64
    var stateHash: UInt64 = 0  //                       136  what the lanes come to
    var sections = [5 of SectionRow](repeating: SectionRow())  // 144
    var timeSeconds: UInt64 = 0  //                     224  UTC
    var shownReferenceCount: UInt64 = 0  //             232
    var dayBeganSequence: UInt64 = 0  //                240  0 = no business day yet
    var firstRules: UInt32 = 0  //                      248  of the log; 0 = before 3
    var crc32c: UInt32 = 0  //                          252  of bytes 0 ..< 252

    /// "NTENGINE", as bytes.
    static let magic: UInt64 = 0x454E_4947_4E45_544E
    static let formatVersion: UInt32 = 1

    var limits: EngineLimits {
        get {
            EngineLimits(
                orderCapacity: orderCapacity, sessionCapacity: sessionCapacity,
                instrumentCapacity: instrumentCapacity, ladderTickCapacity: ladderTickCapacity,
                sessionOpenOrdersMax: sessionOpenOrdersMax)
        }
        set {
            orderCapacity = newValue.orderCapacity
            sessionCapacity = newValue.sessionCapacity
            instrumentCapacity = newValue.instrumentCapacity
            ladderTickCapacity = newValue.ladderTickCapacity
            sessionOpenOrdersMax = newValue.sessionOpenOrdersMax
        }
    }

    /// Elements of a section.
    func count(_ section: EngineImageSection) -> Int { Int(sections[section.rawValue].count) }

    /// Where an element is.
    func byteOffset(_ section: EngineImageSection, _ position: Int) -> Int {
        section == .header
            ? position
            : Int(sections[section.rawValue].byteOffset) + position * section.stride
    }

    /// Puts the sections one behind the other, with these counts.
    mutating func lay(counts: [5 of Int]) {
        var end = UInt64(EngineImageSection.header.stride)
        for section in EngineImageSection.tabled {
            let count = counts[section.rawValue]
            // Without it the image is one of a time when there was no such section.
            sections[section.rawValue].byteOffset = section == .rare && count == 0 ? 0 : end
            sections[section.rawValue].count = UInt32(count)
            end += UInt64(count) * UInt64(section.stride)
        }
        byteCount = end
    }
}

/// An instrument: 64 bytes.
struct InstrumentImage: BitwiseCopyable {
    var number: UInt32 = 0  //              0  ascending
    var tickCountLow: UInt32 = 0  //        4  of the tick count, the low half
    var lowestPriceTicks: Int64 = 0  //     8
    var quantityLotsMax: UInt64 = 0  //    16
    var buyOrders: UInt32 = 0  //          24  resting
    var sellOrders: UInt32 = 0  //         28
    var buyLots: UInt64 = 0  //            32  sum of what they leave
    var sellLots: UInt64 = 0  //           40
    var tickCountHigh: UInt32 = 0  //      48  the high half; 0 before rules 3
    var reserved0: UInt32 = 0  //          52  zero
    var reserved1: UInt64 = 0  //          56  zero

    var tickCount: UInt64 { UInt64(tickCountHigh) << 32 | UInt64(tickCountLow) }
}

/// A session: 64 bytes.
struct SessionImage: BitwiseCopyable {
    var number: UInt32 = 0  //              0  ascending
    var flags: UInt32 = 0  //               4  as in `SessionState`
    var expectedSequence: UInt64 = 0  //    8
    var reportSequence: UInt64 = 0  //     16
    var openOrders: UInt32 = 0  //         24
    var token: UInt32 = 0  //              28  this and what follows: of the logon
    var heartbeatMillis: UInt32 = 0  //    32
    var reserved0: UInt32 = 0  //          36  zero
    var nonce: UInt64 = 0  //              40
    var source: UInt64 = 0  //             48
    var reserved1: UInt64 = 0  //          56  zero
}

/// A resting order: 64 bytes.
struct OrderImage: BitwiseCopyable {
    var orderID: UInt64 = 0  //             0
    var reference: UInt64 = 0  //           8  ascending at one price
    var priceTicks: Int64 = 0  //          16
    var totalLots: UInt64 = 0  //          24
    var executedLots: UInt64 = 0  //       32
    var session: UInt32 = 0  //            40
    var account: UInt32 = 0  //            44
    var instrument: UInt32 = 0  //         48
    var traits: UInt32 = 0  //             52  as in `OrderTraits`
    var reserved0: UInt64 = 0  //          56  zero
}

/// What one order has that most have not: 64 bytes.
struct RareOrderImage: BitwiseCopyable {
    var kind: UInt32 = 1  //                0  1
    var position: UInt32 = 0  //            4  of the order in its section, ascending
    var entryReference: UInt64 = 0  //      8
    var peakLots: UInt64 = 0  //           16
    var displayedLots: UInt64 = 0  //      24
    var expirySeconds: UInt32 = 0  //      32
    var flags: UInt32 = 0  //              36  as in `OrderExtra`
    var triggerPriceTicks: Int64 = 0  //   40  of an order that waits
    var trailOffsetTicks: UInt32 = 0  //   48
    var trailStepTicks: UInt32 = 0  //     52
    var partner: UInt32 = 0  //            56  1 + the position of the order that it is linked to
    var reserved: UInt32 = 0  //           60  zero
}

/// What an instrument has since rules 3 once it has traded, while orders wait in it, or when it is
/// not simply open: 64 bytes.
struct MarketImage: BitwiseCopyable {
    var kind: UInt32 = 10  //               0  10
    var number: UInt32 = 0  //              4  of the instrument, ascending
    var lastTrade: UInt64 = 0  //           8  1 + the tick of the last trade
    var highTick: Int64 = 0  //            16  as in `MarketState`; 0 where nobody waits
    var lowTick: Int64 = 0  //             24
    var reference: UInt64 = 0  //          32  1 + the tick that an auction is to be near to
    var staticReference: UInt64 = 0  //    40  1 + the tick that its static band is around
    var place: UInt32 = 0  //              48  from 1, of those with something left to be done
    var callEndSeconds: UInt32 = 0  //     52  as in `MarketState`
    var phaseSeconds: UInt32 = 0  //       56  as in `MarketState`
    var trading: UInt8 = 0  //             60  as in `TradingState`
    var doing: UInt8 = 0  //               61  see below
    var reserved: UInt16 = 0  //           62  zero

    /// Its auction trades; and has a price, which is the static reference.
    static let uncrosses: UInt8 = 1
    static let isPriced: UInt8 = 2
    /// Where its auction would trade is to be told.
    static let owesIndication: UInt8 = 4
}

/// Reading an image.
struct ImageView: ~Escapable {
    let bytes: RawSpan

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    /// A value at an offset. Traps outside the image.
    @inline(__always)
    func load<T: BitwiseCopyable>(_: T.Type, at byteOffset: Int) -> T {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: byteOffset, as: T.self)
    }

    /// The checksum of a part. Traps outside the image.
    func crc32c(from start: Int, to end: Int) -> UInt32 {
        CRC32C.update(0, bytes.extracting(start..<end))
    }
}

/// Writing an image, whose size is known.
struct ImageWriter {
    private(set) var bytes: [UInt8]

    init(byteCount: Int) { bytes = [UInt8](repeating: 0, count: byteCount) }

    /// Stores a value at an offset. Traps outside the image.
    @inline(__always)
    mutating func store<T: BitwiseCopyable>(_ value: T, at byteOffset: Int) {
        let end = bytes.count - MemoryLayout<T>.size
        precondition(byteOffset >= 0 && byteOffset <= end, "a value is inside the image")
        unsafe bytes.withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value, toByteOffset: byteOffset, as: T.self)
        }
    }

    /// The checksum of a part. Traps outside the image.
    func crc32c(from start: Int, to end: Int) -> UInt32 {
        unsafe CRC32C.update(0, bytes.span.bytes.extracting(start..<end))
    }
}
