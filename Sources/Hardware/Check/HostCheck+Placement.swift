// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// What is near to what.
extension HostCheck {
    /// Polling processors are near the port's card.
    internal var portNode: [Finding] {
        let topic = "node of the port"
        guard !polling.isEmpty, machine.nodes.count > 1 else { return [] }
        let port = profile.port ?? ""
        guard profile.pciAddress != nil || profile.interface != nil else { return [] }
        guard let home = profile.portNode(machine) else {
            return [
                .unknown(
                    topic, "the kernel does not tell near which node \(port) is",
                    wanted: "that of the polling processors")
            ]
        }
        let far = polling.filter { node($0) != home }
        guard !far.isEmpty else {
            return [.ok(topic, "\(home.rawValue), as that of \(named(polling))")]
        }
        let near = machine.nodes.first { $0.node == home }?.cpus ?? []
        return [
            .warning(
                topic, "\(port) is on node \(home.rawValue), \(named(far)) on another",
                wanted: "one node",
                because: "each frame crosses from socket to socket",
                fix: near.isEmpty
                    ? "move the card to a slot of the processors' socket"
                    : "name processors out of \(NumberList.text(near))",
                near.isEmpty ? .hand : .profile)
        ]
    }

    /// The threads of a shard talk through memory: one node, one last-level cache.
    internal var shardPlacement: [Finding] {
        let topic = "cores of a shard"
        let pairs = zip(profile.cpus.gateway, profile.cpus.engine).enumerated()
        var findings: [Finding] = []
        for (shard, (gateway, engine)) in pairs {
            guard let left = processors[gateway], let right = processors[engine] else { continue }
            let names = "gateway \(gateway) and engine \(engine) of shard \(shard)"
            if let one = left.node, let other = right.node, one != other {
                findings.append(
                    .warning(
                        topic, "\(names) are on nodes \(one.rawValue) and \(other.rawValue)",
                        wanted: "one node",
                        because: "each record crosses from socket to socket on its way",
                        fix: "take both from one node", .profile))
                continue
            }
            guard let cache = left.lastLevelCache, let shared = cache.sharedBy else {
                findings.append(
                    .unknown(
                        topic, "the kernel does not tell the last-level cache of \(names)",
                        wanted: "one that they share"))
                continue
            }
            if shared.contains(engine) {
                findings.append(.ok(topic, "\(names) share an L\(cache.level) cache"))
            } else {
                findings.append(
                    .warning(
                        topic, "\(names) share no L\(cache.level) cache", wanted: "a shared one",
                        because: "each record goes through the memory's controller on its way",
                        fix: "take the engine from \(NumberList.text(shared))", .profile))
            }
        }
        return findings
    }
}

extension Processor {
    /// Its largest cache for data, of level 3 or more; nil if there is none.
    internal var lastLevelCache: CPUCache? {
        caches.filter { $0.kind != "Instruction" && $0.level >= 3 }.max { $0.level < $1.level }
    }
}
