// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

@testable import OrderEntryClient

@Suite struct `The words for a reason` {
    @Test func `are there for each that has a name`() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/formats/needletail.h")
        let text = try String(contentsOf: page, encoding: .utf8)
        let numbers = text.matches(of: #/NT_REASON_[A-Z_]+ = (\d+)/#).compactMap { UInt8($0.1) }
        #expect(numbers.count > 60)
        let nameless = numbers.filter { Reason(rawValue: $0).text.hasPrefix("reason ") }
        #expect(nameless.isEmpty)
    }
}
