// SPDX-License-Identifier: Apache-2.0
public import NICGateway
public import Platform

/// What the two halves of a shard count.
public struct ShardCounters: Sendable {
    /// Where that lies in a counters file.
    public struct Places: Sendable {
        let gateway: GatewayCounters.Places
        let engine: EngineProgress.Places
    }

    /// The gateway core's.
    public let gateway: GatewayCounters
    /// The engine's.
    public let progress: EngineProgress

    /// Plans them for a shard.
    public static func plan(shard: UInt32, _ plan: inout CountersPlan) -> Places {
        Places(
            gateway: GatewayCounters.plan(shard: shard, &plan),
            engine: EngineProgress.plan(shard: shard, &plan))
    }

    /// All zero, at the places that `plan` gave.
    public init(_ region: CountersRegion, _ places: Places) {
        gateway = GatewayCounters(region, places.gateway)
        progress = EngineProgress(region, places.engine)
    }

    /// For a shard alone, in memory that nobody else sees. Throws as `HugePages` does.
    public init(shard: UInt32) throws(PlatformError) {
        var plan = CountersPlan()
        let places = Self.plan(shard: shard, &plan)
        self.init(try CountersRegion(plan, identity: CountersIdentity()), places)
    }
}
