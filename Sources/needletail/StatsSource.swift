// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import NICGateway
internal import OrderEntryClient
internal import Platform

/// Which running gateways are meant: shared by `stats` and `top`.
struct StatsSource: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The gateway with this address, if several run here.", valueName: "address:port"))
    var gateway: SocketAddress?

    @Option(help: "This counters file, wherever it lies.")
    var file: String?

    func validate() throws {
        guard gateway == nil || file == nil else {
            throw ValidationError("--gateway and --file: one of them is enough.")
        }
    }

    /// The files that are meant, opened. None is an error for a person.
    func open() throws(StatsError) -> [CountersView] {
        if let file {
            do throws(CountersError) {
                return [try CountersView(path: file)]
            } catch {
                throw StatsError(error.description)
            }
        }
        var views: [CountersView] = []
        var complaints: [String] = []
        for path in CountersFolders.files() where CountersFolders.isLocked(path) {
            do throws(CountersError) {
                views.append(try CountersView(found: path))
            } catch {
                complaints.append(error.description)
            }
        }
        if let gateway {
            views.removeAll {
                $0.identity.ipv4Address != gateway.address || $0.identity.udpPort != gateway.port
            }
        }
        if views.isEmpty {
            throw StatsError(complaints.first ?? Self.nobody(gateway))
        }
        return views.sorted { $0.identity.name < $1.identity.name }
    }

    private static func nobody(_ gateway: SocketAddress?) -> String {
        guard let gateway else {
            return "No gateway is running on this host: start one with `needletail gateway`, or "
                + "name its counters file with --file."
        }
        return "No gateway with the address \(gateway) is running on this host: leave --gateway "
            + "out to see those that are."
    }
}

/// Why there is nothing to show, in one sentence.
struct StatsError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Two moments of one gateway, and what happened in between.
struct StatsInterval {
    /// The stages in the order in which an order goes through them.
    static let stages = ["receive", "decode", "sequence", "match", "encode", "transmit"]

    /// Counters that say what became of frames that brought nothing.
    private static let drops = Set(
        GatewayCounter.allCases.filter(\.isDrop).map { "\($0)" })

    let identity: CountersIdentity
    let now: CountersSnapshot
    /// Nil: since the gateway's start.
    let before: CountersSnapshot?
    let seconds: Double

    /// How much a counter has grown.
    func count(_ name: String, _ shard: UInt32? = nil) -> UInt64 {
        let earlier = before?[name, shard] ?? 0
        let value = now[name, shard]
        return value - min(value, earlier)
    }

    /// The same for each second.
    func rate(_ name: String, _ shard: UInt32? = nil) -> Double {
        seconds > 0 ? Double(count(name, shard)) / seconds : 0
    }

    /// Durations of the interval.
    func distribution(_ name: String, _ shard: UInt32) -> LatencyDistribution {
        let all = now.distribution(name, shard: shard)
        guard let before else { return all }
        return all.since(before.distribution(name, shard: shard))
    }

    /// Nanoseconds that a stage took for each command of the interval; nil: there was none.
    func nanosPerCommand(_ stage: String, _ shard: UInt32) -> Double? {
        let commands = count("stage.\(stage).commands", shard)
        guard commands > 0 else { return nil }
        return nanos(count("stage.\(stage).cycles", shard)) / Double(commands)
    }

    /// Which share of the time a stage took, 0…1.
    func share(_ stage: String, _ shard: UInt32) -> Double {
        seconds > 0 ? nanos(count("stage.\(stage).cycles", shard)) / (seconds * 1e9) : 0
    }

    func nanos(_ cycles: UInt64) -> Double {
        Double(cycles) * Double(identity.nanosPerCycleQ48) / Double(UInt64(1) << 48)
    }

    /// What was dropped or refused since the start, most first, and how many of them lately.
    func dropped(_ shard: UInt32) -> [(name: String, total: UInt64, perSecond: Double)] {
        now.numbers("counter.", shard: shard)
            .filter { $0.value > 0 && Self.drops.contains($0.name) }
            .map { ($0.name, $0.value, rate("counter.\($0.name)", shard)) }
            .sorted { $0.total > $1.total }
    }

    /// Names of the polling threads, as the kernel shows them.
    var threads: [String] {
        now.numbers("thread.").map(\.name).filter { $0.hasSuffix(".turns") }
            .map { String($0.dropLast(6)) }
    }

    /// Seconds that the gateway has run.
    var age: Double {
        let utc = now["sample.utc"]
        return utc > identity.startedNanos ? Double(utc - identity.startedNanos) / 1e9 : 0
    }
}
