// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Engine

/// Offset, bytes and name of each field of a structure without padding.
private func fields<T>(_ value: T) -> [String] {
    func byteCount<Field>(_: Field) -> Int { MemoryLayout<Field>.size }
    var end = 0
    let rows = Mirror(reflecting: value).children.map { child in
        defer { end += byteCount(child.value) }
        return "\(end) \(byteCount(child.value)) \(child.label ?? "")"
    }
    #expect(end == MemoryLayout<T>.size, "\(T.self) has no padding")
    return rows
}

/// The same out of the table under a heading of docs/formats/snapshot.md.
private func documented(_ heading: String) throws -> [String] {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../docs/formats/snapshot.md")
    var inside = false
    var rows: [String] = []
    for line in try String(contentsOf: page, encoding: .utf8).split(separator: "\n") {
        if line.hasPrefix("#") { inside = line == "### \(heading)" }
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard inside, cells.count == 4, Int(cells[0]) != nil else { continue }
        rows.append("\(cells[0]) \(cells[1]) \(cells[2].filter { $0 != "`" })")
    }
    return rows
}

@Suite struct `The layout of an image` {
    @Test func `is what the page of the format says`() throws {
        #expect(try documented("Image header") == fields(ImageHeader()))
        #expect(try documented("Section row") == fields(SectionRow()))
        #expect(try documented("Instruments") == fields(InstrumentImage()))
        #expect(try documented("Sessions") == fields(SessionImage()))
        #expect(try documented("Orders") == fields(OrderImage()))
        #expect(try documented("Rare orders") == fields(RareOrderImage()))
        #expect(try documented("Trade groups") == fields(TradeGroupImage()))
        #expect(try documented("Void trades") == fields(BustImage()))
        #expect(try documented("Stopped accounts") == fields(KilledAccountImage()))
        #expect(try documented("Work that goes on") == fields(WorkImage()))
        #expect(try documented("Markets") == fields(MarketImage()))
        #expect(try documented("Price bands") == fields(BandsImage()))
        #expect(try documented("Tick tables") == fields(TickRowImage()))
        #expect(try documented("Order rules") == fields(OrderRulesImage()))
    }

    @Test func `has elements of 256, 64, 64, 64, 4 and 64 bytes`() {
        #expect(EngineImageSection.allCases.map(\.stride) == [256, 64, 64, 64, 4, 64])
    }
}
