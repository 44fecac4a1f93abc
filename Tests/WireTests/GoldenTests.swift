// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

/// One structure as its golden file draws it: fields in order, with the bytes of the sample.
struct Golden: CustomTestStringConvertible {
    let name: String
    let fields: [Field]
    let bytes: [UInt8]
    var byteCount: Int { bytes.count }
    var testDescription: String { name }

    /// Reads lines of `offset  bytes  field`.
    init(name: String) throws {
        self.name = name
        var fields: [Field] = []
        var bytes: [UInt8] = []
        for line in try text("Tests/WireTests/Golden/\(name).hex").split(separator: "\n")
        where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            let offset = try #require(Int(words[0]), "\(name).hex: \(line)")
            let field = words[1..<(words.count - 1)].compactMap { UInt8($0, radix: 16) }
            #expect(offset == bytes.count, "\(name).hex has a hole or an overlap: \(line)")
            #expect(field.count == words.count - 2, "\(name).hex: \(line)")
            fields.append(
                Field(name: words[words.count - 1], offset: offset, byteCount: field.count))
            bytes += field
        }
        self.fields = fields
        self.bytes = bytes
    }

    /// Every golden file of the project.
    static func all() throws -> [Golden] {
        try FileManager.default.contentsOfDirectory(
            atPath: packageRoot.appendingPathComponent("Tests/WireTests/Golden").path
        ).filter { $0.hasSuffix(".hex") }.sorted().map { try Golden(name: String($0.dropLast(4))) }
    }
}

@Suite struct `The fixed layouts` {
    @Test(arguments: layouts)
    func `have the offsets and sizes of the golden files, without padding`(layout: Layout) throws {
        let golden = try Golden(name: layout.name)
        #expect(layout.fields == golden.fields)
        #expect(layout.byteCount == golden.byteCount)
        #expect(layout.stride == golden.byteCount)
        #expect(layout.fields.map(\.byteCount).reduce(0, +) == layout.byteCount)
    }

    @Test(arguments: samples)
    func `are written byte for byte as the golden files say`(sample: Sample) throws {
        let golden = try Golden(name: sample.name)
        #expect(hex(sample.bytes) == hex(golden.bytes))
        #expect(hex(sample.roundTrip(golden.bytes)) == hex(golden.bytes))
    }

    @Test func `all have a sample or are checked here, and no golden file is left over`() throws {
        let names = Set(try Golden.all().map(\.name))
        // No public initialiser writes it: its golden bytes are read below.
        #expect(names == Set(samples.map(\.name)).union(["NewOrderExtended"]))
        #expect(Set(layouts.map(\.name)).isSubset(of: names))
    }

    @Test func `name each stored field of the sources at the offset of its comment`() throws {
        for structure in try SourceStructure.all() {
            let layout = try #require(
                layouts.first { $0.name == structure.name },
                "\(structure.name) is not listed in Layouts.swift")
            var outer: [String: Int] = [:]
            for field in layout.fields {
                let name = String(field.name.split(separator: ".")[0])
                outer[name] = min(outer[name] ?? .max, field.offset)
            }
            #expect(structure.fields == outer, "\(structure.name)")
        }
    }

    @Test func `keep the constants of their sizes`() {
        #expect(LogRecord.byteCount == MemoryLayout<LogRecord>.size)
        #expect(LogRecord.bodyByteCount == MemoryLayout<LogRecord>.offset(of: \.crc32c))
        #expect(OrderEntryHeader.byteCount == MemoryLayout<OrderEntryHeader>.size)
        #expect(ExecutionReport.byteCount == MemoryLayout<ExecutionReport>.size)
        #expect(ExtendedExecutionReport.byteCount == MemoryLayout<ExtendedExecutionReport>.size)
        #expect(PublicReport.byteCount == MemoryLayout<PublicReport>.size)
        #expect(MessageType.newOrder.orderByteCount == MemoryLayout<NewOrder>.size)
        #expect(MessageType.replaceOrder.orderByteCount == MemoryLayout<ReplaceOrder>.size)
        #expect(MessageType.cancelOrder.orderByteCount == MemoryLayout<CancelOrder>.size)
        #expect(MessageType.massCancel.orderByteCount == MemoryLayout<MassCancel>.size)
        #expect(
            MessageType.massCancelByAccount.orderByteCount
                == MemoryLayout<MassCancelByAccount>.size)
        #expect(MessageType.reduceOrder.orderByteCount == MemoryLayout<ReduceOrder>.size)
        #expect(MessageType.newOrderExtended.orderByteCount == MemoryLayout<NewOrderExtended>.size)
        #expect(MessageType.logout.orderByteCount == MemoryLayout<Logout>.size)
    }

    @Test func `give no size to what is not an order message`() {
        let orders: Set<UInt8> = [0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0A]
        for byte in UInt8.min...UInt8.max where !orders.contains(byte) {
            #expect(MessageType(rawValue: byte).orderByteCount == 0, "type \(byte)")
        }
    }

    @Test func `hold the second record at the places of the first`() {
        #expect(
            MemoryLayout<OrderContinuation>.offset(of: \.sequence)
                == MemoryLayout<LogRecord>.offset(of: \.sequence))
        #expect(
            MemoryLayout<OrderContinuation>.offset(of: \.kind)
                == MemoryLayout<LogRecord>.offset(of: \.kind))
        #expect(
            MemoryLayout<OrderContinuation>.offset(of: \.flags)
                == MemoryLayout<LogRecord>.offset(of: \.flags))
        #expect(
            MemoryLayout<OrderContinuation>.offset(of: \.crc32c)
                == MemoryLayout<LogRecord>.offset(of: \.crc32c))
    }

    @Test func `carry the rare half of an order from the message to its second record`() throws {
        let message = value(
            NewOrderExtended.self, from: try Golden(name: "NewOrderExtended").bytes)
        #expect(message.order.type == .newOrderExtended)
        #expect(message.order.orderID == 0x100F_0E0D_0C0B_0A09)
        #expect(message.triggerPriceTicks == 0x302F_2E2D_2C2B_2A29)
        #expect(message.clientTagHigh == 0x5655)
        #expect(message.capacity == UInt8(ascii: "P"))
        // Offsets 40…87 of the message are offsets 8…55 of the record, so it may be copied whole.
        #expect(
            MemoryLayout<NewOrderExtended>.offset(of: \.triggerPriceTicks) == 40
                && MemoryLayout<OrderContinuation>.offset(of: \.triggerPriceTicks) == 8)
        let pairs: [(PartialKeyPath<NewOrderExtended>, PartialKeyPath<OrderContinuation>)] = [
            (\.peakLots, \.peakLots), (\.minimumLots, \.minimumLots),
            (\.expirySeconds, \.expirySeconds), (\.algorithmID, \.algorithmID),
            (\.clientTagLow, \.clientTagLow), (\.clientTagMiddle, \.clientTagMiddle),
            (\.clientTagHigh, \.clientTagHigh), (\.capacity, \.capacity),
            (\.triggerCondition, \.triggerCondition),
        ]
        for (message, record) in pairs {
            let inMessage = try #require(MemoryLayout<NewOrderExtended>.offset(of: message))
            #expect(MemoryLayout<OrderContinuation>.offset(of: record) == inMessage - 32)
        }
    }
}
