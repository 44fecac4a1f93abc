// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Wire

/// A file of the yardstick: a header with the totals that are expected, and 40-byte commands.
///
/// SAFETY: `init` has checked that the file holds as many commands as it says; loads check bounds.
struct YardstickFile {
    /// What the trades of the whole file come to.
    struct Totals: Equatable {
        var trades: UInt64 = 0
        var notional: UInt64 = 0
        var hash: UInt64 = 1
        var rejects: UInt64 = 0

        /// Adds a trade; in another order another hash comes of the same trades.
        @inline(__always)
        mutating func trade(maker: UInt64, taker: UInt64, price: UInt64, lots: UInt64) {
            trades &+= 1
            notional &+= price &* lots
            let mixed =
                hash
                ^ (maker &* 0x9E37_79B9_7F4A_7C15 &+ taker &* 0xC2B2_AE3D_27D4_EB4F
                    &+ price &* 0x1656_67B1_9E37_79F9 &+ lots)
            hash = (mixed &<< 7 | mixed &>> 57) &* 0x2545_F491_4F6C_DD1D
        }
    }

    enum Kind: UInt8 { case new, cancel, replace }

    struct Command {
        var id: UInt64
        var price: Int64
        var lots: UInt64
        var kind: Kind
        var side: Side
        var user: UInt32
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    static let magic: UInt64 = 0x31_5742_5352_4545
    static let commandByteCount = 40

    let expected: Totals
    let commandCount: Int
    let warmUpCount: Int
    let highestID: UInt64
    private let bytes: Data

    init(path: String) throws {
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        } catch {
            throw Problem(description: "\(path): cannot be read: \(error.localizedDescription)")
        }
        guard bytes.count >= 64, Self.word(bytes, 0) == Self.magic else {
            throw Problem(
                description: "\(path): not a file of the yardstick; its `gen` makes them")
        }
        commandCount = Int(Self.word(bytes, 8))
        warmUpCount = Int(Self.word(bytes, 16))
        highestID = Self.word(bytes, 24)
        expected = Totals(
            trades: Self.word(bytes, 32), notional: Self.word(bytes, 40),
            hash: Self.word(bytes, 48), rejects: Self.word(bytes, 56))
        guard bytes.count == 64 + commandCount * Self.commandByteCount,
            warmUpCount < commandCount
        else {
            throw Problem(description: "\(path): says \(commandCount) commands, is cut or longer")
        }
    }

    /// Command `index`, 0 ..< commandCount.
    subscript(index: Int) -> Command {
        let start = 64 + index * Self.commandByteCount
        let last = Self.word(bytes, start + 24)
        return Command(
            id: Self.word(bytes, start), price: Int64(bitPattern: Self.word(bytes, start + 16)),
            lots: last & 0xFFFF_FFFF, kind: Kind(rawValue: UInt8(last >> 32 & 0xFF)) ?? .new,
            side: Side(rawValue: UInt8(last >> 40 & 0xFF)),
            user: UInt32(truncatingIfNeeded: Self.word(bytes, start + 32)))
    }

    private static func word(_ bytes: Data, _ offset: Int) -> UInt64 {
        unsafe bytes.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        }
    }
}
