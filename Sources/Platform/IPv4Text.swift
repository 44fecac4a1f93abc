// SPDX-License-Identifier: Apache-2.0

/// Dotted IPv4 addresses, host order: for configurations, port strings and command lines alike.
public enum IPv4Text {
    /// Four numbers of 0…255, in digits alone; nil for anything else.
    public static func parse(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            // A sign would do for `UInt8`.
            guard let byte = UInt8(part), part.first != "+", part.first != "-" else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    /// The usual form, as `10.77.0.2`.
    public static func format(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }
}
