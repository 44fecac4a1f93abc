// SPDX-License-Identifier: Apache-2.0
internal import Platform

func hex(_ number: UInt64) -> String { String(number, radix: 16) }

/// All eight digits of a checksum.
func hex8(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}

/// So many commands in so many seconds, as people read it.
func rate(_ commands: UInt64, _ seconds: Double) -> String {
    let millions = Double(commands) / max(seconds, 1e-9) / 1e6
    return "\((seconds * 1000).text(0)) ms, \(millions.text(2)) M commands/s"
}
