// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// An account that is stopped, behind the rare orders of an image: 64 bytes.
struct KilledAccountImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  3
    var account: UInt32 = 0  //             4  ascending
    var reserved0: UInt64 = 0  //           8  zero
    var reserved1: UInt64 = 0  //          16  zero
    var reserved2: UInt64 = 0  //          24  zero
    var reserved3: UInt64 = 0  //          32  zero
    var reserved4: UInt64 = 0  //          40  zero
    var reserved5: UInt64 = 0  //          48  zero
    var reserved6: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 3
}

extension Engine {
    /// The rows behind those of instruments.
    func encodeKilled(_ header: ImageHeader, _ writer: inout ImageWriter) {
        let first = header.count(.rare) - Int(killedAccountCount) - Int(backlogCount)
        for position in 0..<killedAccountCount {
            writer.store(
                KilledAccountImage(account: killedAccounts[position]),
                at: header.byteOffset(.rare, first + Int(position)))
        }
    }

    /// They are read before the orders, none of which may be of an account that is stopped.
    mutating func decodeKilled(
        _ image: borrowing ImageView, _ header: ImageHeader, _ rows: Range<Int>
    ) throws(EngineImageError) {
        for row in rows {
            let place = ImagePlace(.rare, header.byteOffset(.rare, row))
            let entry = image.load(KilledAccountImage.self, at: place.byteOffset)
            let reserved =
                entry.reserved0 | entry.reserved1 | entry.reserved2 | entry.reserved3
                | entry.reserved4 | entry.reserved5 | entry.reserved6
            try place.check(reserved == 0, "reserved bytes are set", "zero", at: 8)
            try place.check(
                killedAccountCount == 0 || entry.account > killedAccounts[killedAccountCount &- 1],
                "account \(entry.account)", "above that before", at: 4)
            let isTaken = setKilled(account: entry.account, true)
            try place.check(
                isTaken, "more stopped accounts", "at most \(killedAccounts.count)")
        }
    }
}
