// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// The price bands of an instrument that has any, behind the markets of an image: 64 bytes.
struct BandsImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  5
    var number: UInt32 = 0  //              4  of the instrument, ascending
    var staticWidth: UInt32 = 0  //         8
    var dynamicWidth: UInt32 = 0  //       12
    var auctionSeconds: UInt32 = 0  //     16
    var action: UInt8 = 0  //              20  as in `BandAction`
    var isInBasisPoints: UInt8 = 0  //     21  0 or 1
    var reserved0: UInt16 = 0  //          22  zero
    var reserved1: UInt64 = 0  //          24  zero
    var reserved2: UInt64 = 0  //          32  zero
    var reserved3: UInt64 = 0  //          40  zero
    var reserved4: UInt64 = 0  //          48  zero
    var reserved5: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 5
}

extension Engine {
    /// Visits the instruments that have price bands.
    func forEachBanded(_ visit: (UInt32) -> Void) {
        for number in 1...limits.instrumentCapacity where markets[number].bands.isSet {
            visit(number)
        }
    }

    /// From a row on.
    func encodeBands(_ header: ImageHeader, from first: Int, _ writer: inout ImageWriter) {
        var row = first
        forEachBanded { number in
            let bands = markets[number].bands
            writer.store(
                BandsImage(
                    number: number, staticWidth: bands.staticWidth,
                    dynamicWidth: bands.dynamicWidth, auctionSeconds: bands.auctionSeconds,
                    action: bands.action.rawValue,
                    isInBasisPoints: bands.isInBasisPoints ? 1 : 0),
                at: header.byteOffset(.rare, row))
            row += 1
        }
    }

    mutating func decodeBands(
        _ image: borrowing ImageView, _ header: ImageHeader, _ rows: Range<Int>
    ) throws(EngineImageError) {
        var last: UInt32 = 0
        for row in rows {
            let place = ImagePlace(.rare, header.byteOffset(.rare, row))
            let entry = image.load(BandsImage.self, at: place.byteOffset)
            try place.check(
                entry.number > last && isDefined(instrument: entry.number),
                "instrument \(entry.number)", "above \(last), and defined", at: 4)
            try place.check(
                UInt64(entry.reserved0) | entry.reserved1 | entry.reserved2 | entry.reserved3
                    | entry.reserved4 | entry.reserved5 == 0, "reserved bytes are set", "zero",
                at: 22)
            let bands = PriceBands(
                staticWidth: entry.staticWidth, dynamicWidth: entry.dynamicWidth,
                isInBasisPoints: entry.isInBasisPoints == 1,
                action: BandAction(rawValue: entry.action), auctionSeconds: entry.auctionSeconds)
            try place.check(
                entry.isInBasisPoints <= 1 && bands.isSet && mayHave(bands, entry.number),
                "bands \(entry.staticWidth) and \(entry.dynamicWidth)",
                "such as instrument \(entry.number) may have", at: 8)
            markets[entry.number].bands = bands
            setUsual(entry.number)
            last = entry.number
        }
    }
}
