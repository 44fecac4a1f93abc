// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// A trade of the business day that is void, before the stopped accounts of an image: 64 bytes.
struct BustImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  9
    var tradeIndex: UInt32 = 0  //          4  in its command
    var tradeSequence: UInt64 = 0  //       8  of its command; with the index ascending
    var reserved0: UInt64 = 0  //          16  zero
    var reserved1: UInt64 = 0  //          24  zero
    var reserved2: UInt64 = 0  //          32  zero
    var reserved3: UInt64 = 0  //          40  zero
    var reserved4: UInt64 = 0  //          48  zero
    var reserved5: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 9
}

extension Engine {
    /// The rows behind those of instruments.
    func encodeBusts(_ header: ImageHeader, _ writer: inout ImageWriter) {
        let first =
            header.count(.rare) - Int(bustCount) - Int(killedAccountCount) - Int(backlogCount)
        for position in 0..<bustCount {
            writer.store(
                BustImage(
                    tradeIndex: UInt32(busts[position].index),
                    tradeSequence: busts[position].sequence),
                at: header.byteOffset(.rare, first + Int(position)))
        }
    }

    mutating func decodeBusts(
        _ image: borrowing ImageView, _ header: ImageHeader, _ rows: Range<Int>
    ) throws(EngineImageError) {
        for row in rows {
            let place = ImagePlace(.rare, header.byteOffset(.rare, row))
            let entry = image.load(BustImage.self, at: place.byteOffset)
            let reserved =
                entry.reserved0 | entry.reserved1 | entry.reserved2 | entry.reserved3
                | entry.reserved4 | entry.reserved5
            try place.check(reserved == 0, "reserved bytes are set", "zero", at: 16)
            try place.check(
                entry.tradeIndex <= UInt32(UInt16.max), "trade \(entry.tradeIndex)",
                "at most \(UInt16.max)", at: 4)
            let trade = BustedTrade(
                sequence: entry.tradeSequence, index: UInt64(entry.tradeIndex))
            try place.check(
                trade.sequence >= dayBeganSequence
                    && (bustCount == 0 || busts[bustCount &- 1].isBefore(trade)),
                "a trade of sequence \(trade.sequence)",
                "behind that before and sequence \(dayBeganSequence)", at: 8)
            try place.check(
                bustCount < UInt32(busts.count), "more void trades", "at most \(busts.count)")
            note(trade)
        }
    }
}
