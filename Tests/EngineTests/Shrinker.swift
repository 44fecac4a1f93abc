// SPDX-License-Identifier: Apache-2.0
import Wire

/// Makes a list of commands short that goes wrong: what is left goes wrong too, and goes right
/// without any one of them.
struct Shrinker {
    /// A command, and how far its session sequence is from the right one: mostly 0.
    private struct Part {
        var command: Command
        var offset: UInt32
    }

    let limits: EngineLimits
    /// The number of the first command that goes wrong, or nil.
    let wrong: ([Command]) throws -> Int?

    /// Drops what comes behind the first command that goes wrong, then what can go: in large pieces
    /// first, at last one by one, until no one can.
    func shrink(_ commands: [Command]) throws -> [Command] {
        var parts = parts(commands)
        guard let last = try wrong(numbered(parts)) else { return commands }
        parts = Array(parts[...last])
        var size = max(1, parts.count / 2)
        while true {
            let count = parts.count
            var start = 0
            while start < parts.count {
                var fewer = parts
                fewer.removeSubrange(start..<min(start + size, parts.count))
                if let last = try wrong(numbered(fewer)) {
                    parts = Array(fewer[...last])
                } else {
                    start += size
                }
            }
            if size > 1 { size /= 2 } else if parts.count == count { return numbered(parts) }
        }
    }

    /// The sequence that comes next, and whether the record takes one.
    private func next(_ record: LogRecord, _ expected: [UInt32: UInt32]) -> UInt32? {
        guard (1...7).contains(record.kind.rawValue) else { return nil }
        return expected[record.session] ?? 1
    }

    private func uses(_ record: LogRecord) -> Bool {
        record.session >= 1 && record.session <= limits.sessionCapacity
    }

    private func parts(_ commands: [Command]) -> [Part] {
        var expected: [UInt32: UInt32] = [:]
        return commands.map { command in
            guard let next = next(command.record, expected) else {
                return Part(command: command, offset: 0)
            }
            let offset = command.record.sessionSequence &- next
            if offset == 0, uses(command.record) { expected[command.record.session] = next &+ 1 }
            return Part(command: command, offset: offset)
        }
    }

    /// With session sequences that are right, or as wrong as they were.
    private func numbered(_ parts: [Part]) -> [Command] {
        var expected: [UInt32: UInt32] = [:]
        return parts.map { part in
            var command = part.command
            guard let next = next(command.record, expected) else { return command }
            command.record.sessionSequence = next &+ part.offset
            if part.offset == 0, uses(command.record) {
                expected[command.record.session] = next &+ 1
            }
            return command
        }
    }
}

extension SideBySide {
    /// The least that shows what is wrong with commands, and what it shows: the commands in the
    /// words of a scenario where there are such, else as their records; and how to repeat it.
    func report(_ commands: [Command], seed: UInt64) throws -> String {
        let shrinker = Shrinker(limits: limits) { try play($0).disagreement?.number }
        let few = try shrinker.shrink(commands)
        guard let disagreement = try play(few).disagreement else { return "all agree" }
        var speech = Speech()
        let lines = few.map { "  " + (speech.line(for: $0) ?? $0.description) }
        return """
            \(few.count) of \(commands.count) commands suffice, slices of \(sliceEvents):
            \(lines.joined(separator: "\n"))
            and then, of the naive engine and of the engine:
            \(disagreement.description(speech))
            \(repeatLine(seed))
            """
    }
}

extension Command: CustomStringConvertible {
    /// The kind, and every field that is not zero.
    var description: String {
        func fields(_ record: LogRecord) -> String {
            let kind = WireNames.name(record.kind.rawValue, in: WireNames.commandKinds)
            let fields = Mirror(reflecting: record).children.compactMap { label, value -> String? in
                let number: Any = (value as? OrderAttributes)?.rawValue ?? value
                return value is CommandKind || "\(number)" == "0" ? nil : "\(label!) \(number)"
            }
            return "[" + ([kind] + fields).joined(separator: ", ") + "]"
        }
        return fields(record) + (continuation.map { " " + fields($0) } ?? "")
    }
}
