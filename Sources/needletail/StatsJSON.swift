// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// A gateway's counters as one JSON object on a line: the names of the counters file, without what
/// they begin with.
enum StatsJSON {
    static func text(_ view: CountersView) throws(CountersError) -> String {
        let snapshot = try CountersSnapshot(view)
        let identity = view.identity
        var object = JSONObject()
        object.add("gateway", identity.name)
        object.add("process", identity.processID)
        object.add("port", identity.port)
        object.add("driver", identity.driver)
        object.add("mode", identity.mode)
        object.add("startedNanos", identity.startedNanos)
        object.add("sampledNanos", snapshot["sample.utc"])
        var shards: [JSONObject] = []
        for shard in 0..<UInt32(identity.shardCount) {
            shards.append(shardObject(snapshot, shard, identity))
        }
        object.add("shards", shards)
        object.add("threads", threads(snapshot))
        object.add("link", numbers(snapshot, "port.", nil))
        object.add("driverCounters", numbers(snapshot, "xstat.", nil))
        return object.text
    }

    private static func shardObject(
        _ snapshot: CountersSnapshot, _ shard: UInt32, _ identity: CountersIdentity
    ) -> JSONObject {
        var object = JSONObject()
        object.add("shard", shard)
        for group in ["log", "events", "sessions", "journal"]
        where !snapshot.numbers("\(group).", shard: shard).isEmpty {
            object.add(group, numbers(snapshot, "\(group).", shard))
        }
        var engine = JSONObject()
        engine.add("sequence", snapshot["engine.sequence", shard])
        engine.add("openOrders", snapshot["engine.openOrders", shard])
        // Text, for it is no amount: half of what reads JSON would round it.
        engine.add("stateHash", hex(snapshot["engine.stateHash", shard]))
        object.add("engine", engine)
        var commit = durations(snapshot.distribution("commit.nanos", shard: shard))
        commit.add("policy", snapshot["commit.isDurable", shard] == 1 ? "durable" : "none")
        object.add("commit", commit)
        var stages = JSONObject()
        for stage in StatsInterval.stages {
            let name = "stage.\(stage)."
            var one = durations(snapshot.distribution(name + "nanos", shard: shard))
            for number in ["commands", "cycles"] { one.add(number, snapshot[name + number, shard]) }
            let cycles = Double(snapshot[name + "cycles", shard])
            let nanos = cycles * Double(identity.nanosPerCycleQ48) / Double(UInt64(1) << 48)
            one.add("nanos", UInt64(exactly: nanos.rounded()) ?? .max)
            stages.add(stage, one)
        }
        object.add("stages", stages)
        object.add("counters", numbers(snapshot, "counter.", shard))
        return object
    }

    private static func threads(_ snapshot: CountersSnapshot) -> [JSONObject] {
        let interval = StatsInterval(
            identity: CountersIdentity(), now: snapshot, before: nil, seconds: 0)
        return interval.threads.map { name in
            var object = JSONObject()
            object.add("name", name)
            object.add("turns", snapshot["thread.\(name).turns"])
            object.add("busyTurns", snapshot["thread.\(name).busyTurns"])
            object.add("processorNanos", snapshot["thread.\(name).cpu"])
            return object
        }
    }

    private static func durations(_ all: LatencyDistribution) -> JSONObject {
        var object = JSONObject()
        object.add("samples", all.count)
        for (name, nanos) in all.quantiles { object.add(name, nanos) }
        return object
    }

    private static func numbers(
        _ snapshot: CountersSnapshot, _ prefix: String, _ shard: UInt32?
    ) -> JSONObject {
        var object = JSONObject()
        for (name, value) in snapshot.numbers(prefix, shard: shard) { object.add(name, value) }
        return object
    }
}
