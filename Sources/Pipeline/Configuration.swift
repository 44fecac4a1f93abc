// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Engine
public import Hardware
public import NICGateway
public import Wire

/// Everything that a gateway is told at start, as its YAML files say it: the venue, and the host
/// that it runs on. docs/operations/configuration.md.
public struct Configuration: Sendable {
    /// An instrument to define when the log begins.
    public struct Instrument: Sendable, Equatable {
        /// 1…
        public var number: UInt32
        /// Up to 16 ASCII characters.
        public var symbol: String
        /// Lowest price, ticks.
        public var lowestPriceTicks: Int64
        /// Highest price, ticks.
        public var highestPriceTicks: Int64
        /// Largest quantity of one order, lots.
        public var quantityLotsMax: UInt64
        /// Decimals of a price in ticks.
        public var priceDecimals: UInt8
        /// Decimals of a quantity in lots.
        public var quantityDecimals: UInt8
        /// The shard that trades it.
        public var shard: UInt32

        /// 2^40 lots.
        public static var quantityLotsMaxDefault: UInt64 { 1 << 40 }
        /// Numbers that instruments may have.
        static var numbers: ClosedRange<UInt32> { 1...1_048_576 }
        /// Prices that there may be, ticks; with all of them a range is nearly as wide as the
        /// engine takes.
        public static var priceTicks: ClosedRange<Int64> { -(1 << 61) + 1...(1 << 61) - 1 }
        /// Where nobody said: all prices above 0.
        public static var lowestPriceTicksDefault: Int64 { 1 }

        /// Whether people may call an instrument so.
        static func isSymbol(_ text: String) -> Bool {
            text.utf8.count <= 16 && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
        }

        /// Prices that an order of it may have.
        var priceLevels: UInt64 { UInt64(highestPriceTicks - lowestPriceTicks) + 1 }

        /// An instrument of shard 0.
        public init(
            number: UInt32, symbol: String, lowestPriceTicks: Int64, highestPriceTicks: Int64,
            quantityLotsMax: UInt64 = Instrument.quantityLotsMaxDefault, priceDecimals: UInt8 = 2,
            quantityDecimals: UInt8 = 0, shard: UInt32 = 0
        ) {
            self.number = number
            self.symbol = symbol
            self.lowestPriceTicks = lowestPriceTicks
            self.highestPriceTicks = highestPriceTicks
            self.quantityLotsMax = quantityLotsMax
            self.priceDecimals = priceDecimals
            self.quantityDecimals = quantityDecimals
            self.shard = shard
        }
    }

    /// Where and how the log is kept on disk.
    public struct Journal: Sendable, Equatable {
        /// A folder; each shard has one of its own in it.
        public var folder: String
        /// Bytes of a segment's file: whole pages, 3 or more.
        public var segmentByteCount = 256 << 20
        /// Batches being written at once: 1…8.
        public var batchesInFlight = 4
        /// Records from one snapshot to the next; 0 = only by command.
        public var snapshotEvery: UInt64 = 10_000_000
        /// Snapshots that are kept.
        public var snapshotsKept = 3
        /// What becomes of segments that no kept snapshot needs.
        public var oldSegments = OldSegments.keep
        /// Where `archive` puts them; each shard has a folder of its own in it.
        public var archiveFolder = ""

        /// What becomes of segments that no kept snapshot needs.
        public enum OldSegments: String, CaseIterable, Sendable {
            /// They stay.
            case keep
            /// They are removed.
            case delete
            /// They go to `archiveFolder`.
            case archive
        }

        /// With the usual values.
        public init(folder: String) { self.folder = folder }

        func retention(shard: UInt32) -> SegmentRetention {
            switch oldSegments {
            case .keep: .keep
            case .delete: .delete
            case .archive: .archive(folder: "\(archiveFolder)/shard-\(shard)")
            }
        }

        /// The sequence that the snapshot after this one is of.
        func nextSnapshot(after sequence: UInt64) -> UInt64 {
            snapshotEvery == 0 ? .max : sequence + snapshotEvery
        }
    }

    /// The host: port, processors, memory.
    public var host = HardwareProfile()
    /// Our IPv4 address, host order.
    public var ipv4Address: UInt32 = 0
    /// Our Ethernet address; nil = one derived from the IPv4 address, 02:4e:54… (locally
    /// administered).
    public var macAddress: UInt64?
    /// UDP port of shard 0.
    public var udpPort: UInt16 = 7000
    /// Log, queue and engine for each.
    public var shards = 1
    /// The log on disk; nil = none: what was logged is gone with the process.
    public var journal: Journal?
    /// The pair that this host belongs to; nil = it is alone.
    public var cluster: ClusterSettings?
    /// When a command counts as committed: one for each shard, or one for all of them. All but
    /// `none` need a journal, the mirrored ones a cluster.
    public var commitPolicies = [CommitPolicy.none]
    /// Whether IPv4 and UDP checksums are verified in software.
    public var verifiesChecksums = false
    /// Sessions are numbered 1…sessionCapacity.
    public var sessionCapacity: UInt32 = 1_024
    /// Heartbeat interval, milliseconds.
    public var heartbeatMillis: UInt16 = 1_000
    /// Messages a second that a session may send; 0 = no limit.
    public var messagesPerSecond: UInt32 = 0
    /// Messages at once above that rate.
    public var messageBurst: UInt32 = 1_000
    /// Datagrams held out of order for a session.
    public var reorderWindow = 16
    /// Group of the public stream, host order; nil = none.
    public var publicGroup: UInt32?
    /// UDP port of the public stream of shard 0.
    public var publicUDPPort: UInt16 = 7100
    /// Open orders of a shard.
    public var orderCapacity: UInt32 = 1_048_576
    /// Prices of a shard that may have orders at once, in pages of 64; nil = as its instruments
    /// need.
    public var priceCapacity: UInt32?
    /// Open orders of a session.
    public var sessionOpenOrdersMax: UInt32 = 1_048_576
    /// Instruments of a shard.
    public var instrumentCapacity: UInt32 = 64
    /// The epoch that this run opens, at least: behind a journal it is above the last one there.
    public var epoch: UInt32 = 1
    /// The rules that are folded. All that this build does; a test makes a host of an older one.
    public var rules = RulesRange.build
    /// What is traded.
    public var instruments: [Instrument] = []
    /// The file of the calendar; nil = none.
    public var calendarFile: String?
    /// What is in it, when it was read.
    package var calendar: TradingCalendar?

    /// The usual values.
    public init() {}

    /// Limits of a shard's engine.
    public func engineLimits(shard: UInt32) -> EngineLimits {
        EngineLimits(
            orderCapacity: orderCapacity, sessionCapacity: sessionCapacity,
            instrumentCapacity: instrumentCapacity,
            ladderTickCapacity: priceCapacity ?? neededPrices(shard: shard),
            sessionOpenOrdersMax: sessionOpenOrdersMax)
    }

    /// The prices of a shard's instruments and as many again for those that come later: between
    /// 2^16 and 2^22, for no book has orders at all prices of a wide range. Before rules 3 each
    /// range needs all of its prices.
    private func neededPrices(shard: UInt32) -> UInt32 {
        var prices: UInt64 = 0
        for instrument in instruments where instrument.shard == shard {
            prices = min(prices + Engine.pricesInPages(instrument.priceLevels), 1 << 29)
        }
        let most: UInt64 = rules.newest < 3 ? 1 << 29 : 1 << 22
        return UInt32(min(prices + max(prices, 1 << 16), most))
    }

    /// When a command of a shard counts as committed. Traps past the shards that have a policy.
    public func commitPolicy(shard: UInt32) -> CommitPolicy {
        commitPolicies.count == 1 ? commitPolicies[0] : commitPolicies[Int(shard)]
    }

    /// How the port is opened; `memory` where nobody said.
    public var port: String { host.port ?? "memory" }

    /// Events kept for sending reports again.
    public var reportWindow: Int { host.rings.events / 2 }
}

extension Configuration {
    /// What the gateway core of a shard is told.
    public func gateway(shard: UInt32) -> GatewayConfiguration {
        GatewayConfiguration(
            shard: shard, epoch: epoch, ipv4Address: ipv4Address, firstUDPPort: udpPort,
            shardCount: UInt16(shards), sessionCapacity: sessionCapacity,
            heartbeatMillis: heartbeatMillis, messagesPerSecond: messagesPerSecond,
            messageBurst: messageBurst, reorderWindow: reorderWindow,
            verifiesChecksums: verifiesChecksums, publicGroup: publicGroup,
            publicUDPPort: publicUDPPort, reportWindow: reportWindow,
            burstFrames: host.queues.burstFrames)
    }
}
