// SPDX-License-Identifier: Apache-2.0

/// Which processors there are, and who shares them.
extension HostCheck {
    internal var processorsThere: [Finding] {
        let topic = "processors"
        let named = roles.flatMap(\.cpus)
        guard !machine.cpus.processors.isEmpty else {
            return [.unknown(topic, "the kernel lists none", wanted: "those of the profile")]
        }
        var findings: [Finding] = []
        let online = NumberList.text(machine.cpus.online)
        for (name, cpus) in roles {
            let missing = cpus.filter { processors[$0] == nil }
            for isOff in [true, false] {
                let those = missing.filter {
                    (machine.cpus.present?.contains($0) == true) == isOff
                }
                guard !those.isEmpty else { continue }
                let verb = those.count == 1 ? "is" : "are"
                findings.append(
                    .error(
                        topic,
                        "\(self.named(those)) (\(name)) \(verb) \(isOff ? "off" : "not there")",
                        wanted: "out of \(online)",
                        because: "a thread cannot be kept there, and the gateway does not start",
                        fix: isOff
                            ? "chcpu -e \(NumberList.text(those.sorted()))"
                            : "name others under cpus.\(name)",
                        isOff ? .hand : .profile))
            }
        }
        guard findings.isEmpty else { return findings }
        return named.isEmpty
            ? [.ok(topic, "\(online) are online, none is named")]
            : [.ok(topic, "\(NumberList.text(Set(named).sorted())) are online")]
    }

    /// One of each for each shard.
    internal var processorCounts: [Finding] {
        roles.dropLast().compactMap { name, cpus in
            guard !cpus.isEmpty, cpus.count != shards else { return nil }
            return .error(
                "processors", "\(cpus.count) under cpus.\(name)", wanted: "\(shards)",
                because: "each shard has one of its own",
                fix: "name \(shards) under cpus.\(name), or give --shards \(cpus.count)", .profile)
        }
    }

    /// No polling processor shares a core with one that has other work.
    internal var sharedCores: [Finding] {
        let topic = "shared cores"
        guard !polling.isEmpty else { return [] }
        var findings: [Finding] = []
        var seen: Set<[Int]> = []
        for cpu in polling {
            guard let siblings = processors[cpu]?.siblings else {
                findings.append(
                    .unknown(
                        topic, "the kernel does not tell with whom processor \(cpu) shares a core",
                        wanted: "nobody with other work"))
                continue
            }
            let others = siblings.filter { $0 != cpu && role($0) != "nothing" }
            guard !others.isEmpty, seen.insert(siblings).inserted else { continue }
            let pair = others.map { "processor \($0) (\(role($0)))" }.joined(separator: ", ")
            findings.append(
                .warning(
                    topic, "processor \(cpu) (\(role(cpu))) shares a core with \(pair)",
                    wanted: "a core to itself",
                    because: "two threads of a core slow each other down",
                    fix: "give cpus.\(role(cpu)) a processor of another core", .profile))
        }
        return findings.isEmpty
            ? [.ok(topic, "none with other work of the gateway: \(named(polling))")]
            : findings
    }

    /// A thread that polls without pause needs a processor of its own.
    internal var pollingFree: [Finding] {
        guard profile.polling == .busy, profile.cpus.polling.isEmpty, !processors.isEmpty else {
            return []
        }
        return [
            .warning(
                "polling", "busy, and no processor is named or left over",
                wanted: "a core for each polling thread",
                because: "threads that never sleep keep each other waiting",
                fix: "polling: adaptive, or name the processors under cpus", .profile)
        ]
    }

    /// Scheduler, timer ticks and RCU, where the profile asks for it.
    internal var isolation: [Finding] {
        guard profile.kernel.isolatePolling == true, !polling.isEmpty else { return [] }
        return [
            kept(
                "isolcpus", machine.cpus.isolated,
                "the scheduler puts other threads there, and the polling one waits meanwhile"),
            kept(
                "nohz_full", machine.cpus.nohzFull,
                "the timer interrupts a polling thread some hundred times a second"),
            kept("rcu_nocbs", machine.callbackFree, "the kernel cleans up behind itself there"),
        ]
    }

    private func kept(_ name: String, _ is: [Int]?, _ reason: String) -> Finding {
        let list = NumberList.text(keptFree)
        guard let cpus = `is` else {
            return .unknown(name, "the kernel does not tell", wanted: list)
        }
        let missing = keptFree.filter { !cpus.contains($0) }
        guard !missing.isEmpty else { return .ok(name, "\(list) are kept free") }
        let asked = machine.kernel.commandLine.flatMap { BootWord.cpus(name, in: $0) } ?? []
        let isAsked = missing.allSatisfy(asked.contains)
        return .warning(
            name, "\(named(missing)) not kept free" + (isAsked ? ", though asked for" : ""),
            wanted: list, because: reason,
            fix: isAsked
                ? "this kernel did not take \(name) from its command line: use one that can"
                : "boot with \(name)=\(name == "isolcpus" ? BootWord.isolation : "")\(list)",
            isAsked ? .hand : .boot)
    }

    /// What is not on the order path needs a scheduler.
    internal var housekeeping: [Finding] {
        let topic = "housekeeping"
        let cpus = profile.cpus.housekeeping.filter { processors[$0] != nil }
        guard !cpus.isEmpty else { return [] }
        guard let isolated = machine.cpus.isolated else {
            return [.unknown(topic, "the kernel does not tell what is isolated", wanted: "not it")]
        }
        let lost = cpus.filter(isolated.contains)
        guard lost.isEmpty else {
            return [
                .warning(
                    topic, "\(named(lost)) isolated", wanted: "left to the scheduler",
                    because: "threads there are not spread: all of them gather on one processor",
                    fix: "take \(NumberList.text(lost)) out of isolcpus, or out of "
                        + "cpus.housekeeping", .boot)
            ]
        }
        // Of those that are not there an error speaks.
        guard cpus.count == profile.cpus.housekeeping.count else { return [] }
        return [.ok(topic, "\(named(cpus)), left to the scheduler")]
    }
}
