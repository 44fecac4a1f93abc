// SPDX-License-Identifier: Apache-2.0

/// An Ethernet address; the low 48 bits of `rawValue`, first octet most significant.
public struct MACAddress: RawRepresentable, Hashable, BitwiseCopyable, Sendable,
    CustomStringConvertible
{
    /// 48 bits.
    public var rawValue: UInt64

    /// Takes the low 48 bits.
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue & 0xffff_ffff_ffff }

    /// Reads `02:4e:54:00:00:01`; nothing when it is not six octets in hexadecimal.
    public init?(_ text: String) {
        let octets = text.split(separator: ":", omittingEmptySubsequences: false)
        guard octets.count == 6 else { return nil }
        var value: UInt64 = 0
        for octet in octets {
            guard octet.count <= 2, let number = UInt8(octet, radix: 16) else { return nil }
            value = value << 8 | UInt64(number)
        }
        rawValue = value
    }

    /// The octet at `index`, 0 ..< 6, first on the wire first.
    @inlinable public subscript(index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: rawValue >> UInt64(truncatingIfNeeded: 40 - 8 * index))
    }

    /// As `02:4e:54:00:00:01`.
    public var description: String {
        (0..<6).map { index in
            let digits = String(self[index], radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined(separator: ":")
    }
}
