// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// An account in a trade group, before the stopped accounts of an image: 64 bytes.
struct TradeGroupImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  8
    var account: UInt32 = 0  //             4  ascending
    var group: UInt32 = 0  //               8  above 0
    var reserved0: UInt32 = 0  //          12  zero
    var reserved1: UInt64 = 0  //          16  zero
    var reserved2: UInt64 = 0  //          24  zero
    var reserved3: UInt64 = 0  //          32  zero
    var reserved4: UInt64 = 0  //          40  zero
    var reserved5: UInt64 = 0  //          48  zero
    var reserved6: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 8
}

extension Engine {
    /// The rows before those of void trades.
    func encodeTradeGroups(_ header: ImageHeader, _ writer: inout ImageWriter) {
        let behind =
            Int(tradeGroupCount) + Int(bustCount) + Int(killedAccountCount) + Int(backlogCount)
        let first = header.count(.rare) - behind
        for position in 0..<tradeGroupCount {
            let member = tradeGroups[position]
            writer.store(
                TradeGroupImage(account: member.account, group: member.group),
                at: header.byteOffset(.rare, first + Int(position)))
        }
    }

    /// One row.
    mutating func decodeTradeGroup(
        _ image: borrowing ImageView, _ place: ImagePlace
    ) throws(EngineImageError) {
        let entry = image.load(TradeGroupImage.self, at: place.byteOffset)
        let reserved =
            UInt64(entry.reserved0) | entry.reserved1 | entry.reserved2 | entry.reserved3
            | entry.reserved4 | entry.reserved5 | entry.reserved6
        try place.check(reserved == 0, "reserved bytes are set", "zero", at: 12)
        try place.check(
            tradeGroupCount == 0 || entry.account > tradeGroups[tradeGroupCount &- 1].account,
            "account \(entry.account)", "above that before", at: 4)
        try place.check(entry.group != 0, "group 0", "1 or more", at: 8)
        let isTaken = setTradeGroup(of: entry.account, to: entry.group)
        try place.check(
            isTaken, "more accounts in trade groups", "at most \(tradeGroups.count)")
    }
}
