// SPDX-License-Identifier: Apache-2.0

/// Decimal numbers as they are written, without floating point.
public enum DecimalText {
    /// `85251.66` with 2 decimals is 8525166. Digits beyond the decimals round half up, as the
    /// recorded data do. Nil for what is no number, or too large.
    public static func scaled(_ text: some StringProtocol, decimals: Int) -> Int64? {
        var value: Int64 = 0
        var left = -1
        var isNegative = false
        var roundsUp = false
        var digitCount = 0
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where index == 0:
                isNegative = true
            case UInt8(ascii: ".") where left < 0:
                left = decimals
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digitCount += 1
                let digit = Int64(byte - UInt8(ascii: "0"))
                if left == 0 {
                    roundsUp = digit >= 5
                    left = -2  // digits beyond the rounding one are only checked
                } else if left != -2 {
                    guard let next = append(digit, to: value) else { return nil }
                    value = next
                    if left > 0 { left -= 1 }
                }
            default:
                return nil
            }
        }
        guard digitCount > 0 else { return nil }
        for _ in 0..<(left == -1 ? decimals : max(left, 0)) {
            guard let next = append(0, to: value) else { return nil }
            value = next
        }
        if roundsUp { value += 1 }
        return isNegative ? -value : value
    }

    private static func append(_ digit: Int64, to value: Int64) -> Int64? {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflow2) = product.addingReportingOverflow(digit)
        return overflow || overflow2 ? nil : sum
    }
}
