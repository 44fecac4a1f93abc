// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// A decision as text, the same in a file and in etcd: docs/formats/arbiter.md.
extension Decision {
    private static var firstLine: String { "needletail decision 1" }
    /// Longer than any: `hostCountMax` numbers of ten digits, and the rest.
    static var textByteCountMax: Int { 512 }

    /// With the checksum of all lines before it in the last line.
    var text: String {
        let digits = String(nonce, radix: 16)
        let lines = """
            \(Self.firstLine)
            epoch: \(epoch)
            primary: \(primary)
            in-sync: \(inSync.map { "\($0)" }.joined(separator: " "))
            phase: \(phase.rawValue)
            nonce: \(String(repeating: "0", count: 16 - digits.utf8.count) + digits)

            """
        // SAFETY: the array lives for the call.
        let crc32c = String(
            unsafe Array(lines.utf8).withUnsafeBytes { unsafe CRC32C.update(0, $0) }, radix: 16)
        return lines + "crc32c: " + String(repeating: "0", count: 8 - crc32c.utf8.count) + crc32c
            + "\n"
    }

    /// Takes nothing but what `text` writes, byte for byte. What throws is a clause that says what
    /// `bytes` are instead.
    init(text bytes: [UInt8]) throws(ArbiterError) {
        guard bytes.count <= Self.textByteCountMax else {
            throw ArbiterError("has \(bytes.count) bytes, a decision has fewer")
        }
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first == Self.firstLine else {
            throw ArbiterError(
                bytes.isEmpty ? "is empty" : "does not begin with '\(Self.firstLine)'")
        }
        func value(_ line: Int, _ name: String) throws(ArbiterError) -> Substring {
            guard line < lines.count, lines[line].hasPrefix(name + ": ") else {
                throw ArbiterError("has no '\(name):' in line \(line + 1)")
            }
            return lines[line].dropFirst(name.count + 2)
        }
        func number(_ line: Int, _ name: String) throws(ArbiterError) -> UInt32 {
            let text = try value(line, name)
            guard let number = UInt32(text) else {
                throw ArbiterError("has no number in '\(name):'")
            }
            return number
        }
        let hosts = try value(3, "in-sync").split(separator: " ").map { UInt32($0) ?? 0 }
        guard let phase = Phase(rawValue: String(try value(4, "phase"))) else {
            throw ArbiterError("has a phase that is neither active nor promoting")
        }
        guard let nonce = UInt64(try value(5, "nonce"), radix: 16) else {
            throw ArbiterError("has no hexadecimal number in 'nonce:'")
        }
        self.init(
            epoch: try number(1, "epoch"), primary: try number(2, "primary"), inSync: hosts,
            phase: phase, nonce: nonce)
        guard bytes == Array(text.utf8) else {
            throw ArbiterError("does not have the checksum of its text: it is torn or was edited")
        }
        if let flaw { throw ArbiterError("cannot be: \(flaw)") }
    }
}
