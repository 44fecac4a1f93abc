// SPDX-License-Identifier: Apache-2.0

extension Double {
    /// For people: with so many decimals (0…9), no more. What is not finite, or not below
    /// 2^63 / 10^decimals, as Swift writes it.
    public func text(_ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        guard let scaled = Int64(exactly: (self * scale).rounded()) else { return "\(self)" }
        if decimals == 0 { return "\(scaled)" }
        let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt64(scale))
        let fraction = String(rest)
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return "\(scaled < 0 ? "-" : "")\(whole).\(zeros)\(fraction)"
    }
}
