// SPDX-License-Identifier: Apache-2.0

/// How files of a log are named: by a sequence in 20 digits, so that names sort as sequences do.
internal enum SequenceName {
    /// The name with that ending.
    internal static func name(_ sequence: UInt64, ending: String) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: 20 - digits.count) + digits + ending
    }

    /// The sequence in a name; nil for a name of another kind.
    internal static func sequence(_ name: String, ending: String) -> UInt64? {
        guard name.utf8.count == 20 + ending.utf8.count, name.hasSuffix(ending),
            name.utf8.prefix(20).allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        // From 1; a quarter of what 64 bits hold will do, and sums of it do not overflow.
        return UInt64(name.prefix(20)).flatMap { $0 > 0 && $0 <= .max >> 2 ? $0 : nil }
    }
}
