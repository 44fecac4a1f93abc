// SPDX-License-Identifier: Apache-2.0

//  A counters file, little-endian; docs/formats/counters.md has the same with words.
//
//      0 ┌ header ─ 256 bytes: whose numbers these are
//    256 ├ table ── 128 bytes an entry: name, kind, unit, shard, and where its numbers lie
//        ├ numbers  8 bytes each; those of one writer on lines (of 128 bytes) of their own
//        └

/// What a number of a counters file means over time.
public enum CounterKind: UInt16, Sendable, CaseIterable {
    /// Only grows.
    case counter = 1
    /// Goes up and down.
    case gauge = 2
    /// The largest duration, and then how many there are of each class of ``LatencyHistogram``.
    case histogram = 3
}

/// What a number of a counters file counts.
public enum CounterUnit: UInt16, Sendable, CaseIterable {
    /// Things.
    case count = 0
    /// Nanoseconds.
    case nanos = 1
    /// Ticks of the cycle counter.
    case cycles = 2
    /// Bytes.
    case bytes = 3
}

/// Offsets and numbers of a counters file. `Int`s of this process; what lies in the file is fixed.
public enum CountersFormat {
    /// "NTCOUNTS": stored last, when all the rest is there.
    public static let magic: UInt64 = 0x5354_4E55_4F43_544E
    /// Of header and table; another one is not read.
    public static let version: UInt32 = 1
    /// Bytes of the header.
    public static let headerByteCount = 256
    /// Bytes of an entry of the table.
    public static let entryByteCount = 128
    /// Bytes of a name, at most.
    public static let nameByteCount = 104
    /// The numbers of one writer begin at a multiple of this.
    public static let lineByteCount = 128
    /// The shard of an entry that belongs to the whole gateway.
    public static let noShard = UInt32.max
    /// Entries of a file, at most: what says more is no counters file.
    public static let entryLimit = 65_536
    /// The most shards that a gateway has.
    public static let shardLimit = 16
    /// Bytes of a file, at most: a reader takes a copy of all of it.
    static let fileByteCountMax = 64 << 20
    /// Numbers of a histogram: the largest, and the classes.
    public static var histogramWordCount: Int { 1 + LatencyClass.count }

    enum Header {
        static let magic = 0
        static let version = 8
        static let entryCount = 12
        static let fileByteCount = 16
        static let startedNanos = 24
        static let processID = 32
        static let ipv4Address = 36
        static let udpPort = 40
        static let shardCount = 42
        static let nanosPerCycleQ48 = 48
        static let port = 64
        static let portByteCount = 64
        static let driver = 128
        static let driverByteCount = 32
        static let mode = 160
        static let modeByteCount = 32
    }

    enum Entry {
        static let offset = 0
        static let wordCount = 8
        static let kind = 12
        static let unit = 14
        static let shard = 16
        static let name = 24
    }
}

/// Whose numbers a counters file holds.
public struct CountersIdentity: Sendable, Equatable {
    /// UTC nanoseconds at which the gateway was put together.
    public var startedNanos: UInt64 = 0
    /// The process that writes.
    public var processID: UInt32 = 0
    /// Its IPv4 address, host order.
    public var ipv4Address: UInt32 = 0
    /// The UDP port of its shard 0.
    public var udpPort: UInt16 = 0
    /// Its shards.
    public var shardCount: UInt16 = 1
    /// Nanoseconds of a cycle × 2^48.
    public var nanosPerCycleQ48: UInt64 = 1 << 48
    /// The port as it was asked for, `af_xdp:eth1`; 63 bytes are kept.
    public var port = ""
    /// The driver behind it; 31 bytes are kept.
    public var driver = ""
    /// `pipeline` or `runToCompletion`.
    public var mode = ""

    /// Nobody's.
    public init() {}

    /// As people name a gateway, `10.77.0.2:7000`.
    public var name: String { "\(IPv4Text.format(ipv4Address)):\(udpPort)" }

    /// The file's name: two gateways of one host differ in it.
    var fileName: String {
        "needletail-\(IPv4Text.format(ipv4Address))-\(udpPort)-\(processID)"
            + CountersFolders.fileSuffix
    }
}

/// What a counters file is going to hold, put together before there is memory.
public struct CountersPlan: Sendable {
    struct Entry: Sendable {
        var name: String
        var kind: CounterKind
        var unit: CounterUnit
        var shard: UInt32
        var place: CounterPlace
        var wordCount: Int
    }

    private(set) var entries: [Entry] = []
    private(set) var wordCount = 0
    private static var wordsInLine: Int { CountersFormat.lineByteCount / 8 }

    /// Nothing.
    public init() {}

    /// What is added from here on is written by another thread than what was added before.
    public mutating func beginWriter() {
        wordCount = (wordCount + Self.wordsInLine - 1) / Self.wordsInLine * Self.wordsInLine
    }

    /// One number. Names are ASCII, 103 bytes at most, and unique in their shard; nil: it belongs
    /// to the whole gateway.
    public mutating func add(
        _ name: String, _ kind: CounterKind = .counter, unit: CounterUnit = .count,
        shard: UInt32? = nil
    ) -> CounterPlace {
        append(name, kind, unit, shard, wordCount: 1)
    }

    /// The numbers of a ``LatencyHistogram``, nanoseconds.
    public mutating func addHistogram(_ name: String, shard: UInt32? = nil) -> CounterPlace {
        append(
            name, .histogram, .nanos, shard, wordCount: CountersFormat.histogramWordCount)
    }

    private mutating func append(
        _ name: String, _ kind: CounterKind, _ unit: CounterUnit, _ shard: UInt32?, wordCount: Int
    ) -> CounterPlace {
        precondition(name.utf8.count < CountersFormat.nameByteCount, "a name has 103 bytes at most")
        let place = CounterPlace(word: self.wordCount)
        entries.append(
            Entry(
                name: name, kind: kind, unit: unit, shard: shard ?? CountersFormat.noShard,
                place: place, wordCount: wordCount))
        self.wordCount += wordCount
        return place
    }
}

/// Where a number lies: what a plan gave, for the region that is made of that plan.
public struct CounterPlace: Sendable {
    let word: Int
}
