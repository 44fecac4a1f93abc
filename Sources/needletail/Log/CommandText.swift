// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// Commands as lines for people and programs.
enum CommandText {
    /// One JSON object; a second record is a member of it. Times are UTC nanoseconds since 1970.
    static func json(_ record: LogRecord, _ continuation: LogRecord?) -> JSONObject {
        var object = json(record, RecordFields.of(record))
        object.add("records", record.isPair ? 2 : 1)
        if let continuation { object.add("second", second(continuation, behind: record)) }
        return object
    }

    /// A second record alone.
    static func second(_ record: LogRecord, behind first: LogRecord) -> JSONObject {
        var object = JSONObject()
        object.add("sequence", record.sequence)
        object.add("kind", Names.of(record.kind))
        for field in RecordFields.of(record, behind: first) { object.add(field) }
        object.add("crc32c", hex8(record.crc32c))
        return object
    }

    private static func json(_ record: LogRecord, _ fields: [RecordField]) -> JSONObject {
        var object = JSONObject()
        object.add("sequence", record.sequence)
        object.add("timestampNanos", record.timestampNanos)
        object.add("kind", Names.of(record.kind))
        for field in fields { object.add(field) }
        object.add("attributes", record.attributes.rawValue)
        object.add("flags", record.flags)
        object.add("flagNames", RecordFields.flagNames(record))
        object.add("crc32c", hex8(record.crc32c))
        return object
    }

    // MARK: The table

    /// A column, its width at least, and the fields that are shown in it.
    private static let table: [(title: String, width: Int, fields: Set<String>)] = [
        ("session", 7, ["session"]), ("sess.seq", 8, ["sessionSequence"]),
        ("instr", 5, ["instrument"]), ("order id", 12, ["orderID", "newOrderID"]),
        ("side", 4, ["side"]), ("price", 10, ["priceTicks"]),
        ("lots", 10, ["quantityLots", "totalLots"]),
    ]

    /// The head of the table.
    static let columns =
        Figure.padded(left: "sequence", 12) + "  " + Figure.padded("kind", 16) + "  "
        + table.map { Figure.padded(left: $0.title, $0.width) }.joined(separator: "  ") + "  more"

    /// One line under `columns`: a column is empty where the kind has no such field, and what has
    /// no column is in the last one by its name.
    static func row(_ record: LogRecord, _ continuation: LogRecord?) -> String {
        let fields = RecordFields.of(record)
        var line =
            Figure.padded(left: "\(record.sequence)", 12) + "  "
            + Figure.padded(Names.of(record.kind), 16)
        for column in table {
            let shown = fields.first { column.fields.contains($0.name) }?.plain ?? ""
            line += "  " + Figure.padded(left: shown, column.width)
        }
        let named = Set(table.flatMap(\.fields))
        var more = fields.filter { !named.contains($0.name) && !$0.isUsual }
        let flags = RecordFields.flagNames(record).filter { $0 != "pair" }
        if !flags.isEmpty { more.append(RecordField("flags", words: flags)) }
        if let continuation {
            more += RecordFields.of(continuation, behind: record)
                .filter { record.kind != .newOrder || !$0.isUsual }
        }
        for field in more { line += "  \(field.name)=\(field.plain)" }
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}

extension JSONObject {
    mutating func add(_ field: RecordField) {
        switch field.value {
        case .number(let digits): add(field.name, digits: digits)
        case .text(let text): add(field.name, text)
        case .words(let words): add(field.name, words)
        }
    }
}
