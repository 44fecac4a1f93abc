// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A small image, sixteen bytes a line behind their offset.
let goldenFile = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden/engine-image-v1.hex")

/// As in `goldenFile`.
func hexLines(_ bytes: [UInt8]) -> String {
    func padded(_ text: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return stride(from: 0, to: bytes.count, by: 16).map { start in
        let line = bytes[start..<min(start + 16, bytes.count)]
        return ([padded(String(start), 4)] + line.map { padded(String($0, radix: 16), 2) })
            .joined(separator: " ") + "\n"
    }.joined()
}
