// SPDX-License-Identifier: Apache-2.0

/// Reads header and table of a counters file that somebody else may have made.
///
/// SAFETY: `base ..< base + byteCount` is readable while this lives, at least a header; every
/// offset that comes from the file is checked against `byteCount` before it is followed.
@safe struct CountersParser {
    let base: UnsafeRawPointer
    let byteCount: Int
    let path: String

    func parse() throws(CountersError) -> (CountersIdentity, [CountersView.Entry]) {
        typealias Header = CountersFormat.Header
        guard get(Header.magic, UInt64.self) == CountersFormat.magic else { throw malformed }
        let version = get(Header.version, UInt32.self)
        guard version == CountersFormat.version else {
            throw CountersError(path: path, .version(version))
        }
        let count = Int(get(Header.entryCount, UInt32.self))
        guard count <= CountersFormat.entryLimit,
            get(Header.fileByteCount, UInt64.self) == UInt64(byteCount),
            CountersFormat.headerByteCount + count * CountersFormat.entryByteCount <= byteCount
        else { throw malformed }
        var identity = CountersIdentity()
        identity.startedNanos = get(Header.startedNanos, UInt64.self)
        identity.processID = get(Header.processID, UInt32.self)
        identity.ipv4Address = get(Header.ipv4Address, UInt32.self)
        identity.udpPort = get(Header.udpPort, UInt16.self)
        identity.shardCount = get(Header.shardCount, UInt16.self)
        guard identity.shardCount <= CountersFormat.shardLimit else { throw malformed }
        identity.nanosPerCycleQ48 = get(Header.nanosPerCycleQ48, UInt64.self)
        identity.port = text(Header.port, room: Header.portByteCount)
        identity.driver = text(Header.driver, room: Header.driverByteCount)
        identity.mode = text(Header.mode, room: Header.modeByteCount)
        var entries: [CountersView.Entry] = []
        for index in 0..<count { entries.append(try entry(index)) }
        return (identity, entries)
    }

    private func entry(_ index: Int) throws(CountersError) -> CountersView.Entry {
        typealias Entry = CountersFormat.Entry
        let start = CountersFormat.headerByteCount + index * CountersFormat.entryByteCount
        let offset = get(start + Entry.offset, UInt64.self)
        let wordCount = Int(get(start + Entry.wordCount, UInt32.self))
        let shard = get(start + Entry.shard, UInt32.self)
        guard let kind = CounterKind(rawValue: get(start + Entry.kind, UInt16.self)),
            let unit = CounterUnit(rawValue: get(start + Entry.unit, UInt16.self)),
            offset % 8 == 0, wordCount >= 1, offset <= UInt64(byteCount),
            wordCount <= (byteCount - Int(offset)) / 8,
            wordCount == (kind == .histogram ? CountersFormat.histogramWordCount : 1)
        else { throw malformed }
        return CountersView.Entry(
            name: text(start + Entry.name, room: CountersFormat.nameByteCount), kind: kind,
            unit: unit, shard: shard == CountersFormat.noShard ? nil : shard,
            offset: Int(offset), wordCount: wordCount)
    }

    private var malformed: CountersError { CountersError(path: path, .malformed) }

    private func get<Value: FixedWidthInteger & BitwiseCopyable>(
        _ offset: Int, _ type: Value.Type
    ) -> Value {
        Value(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: type))
    }

    private func text(_ offset: Int, room: Int) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: base + offset, count: room)
        // Nothing in it may steer a terminal.
        let shown = unsafe bytes.prefix { $0 != 0 }.map { $0 >= 0x20 && $0 <= 0x7E ? $0 : 0x3F }
        return String(decoding: shown, as: UTF8.self)
    }
}
