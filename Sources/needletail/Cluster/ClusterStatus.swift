// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Platform
import RDMAReplica

/// `needletail cluster status`.
struct ClusterStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a pair stands, as this host and the arbiter see it.",
        discussion: """
            With --config the arbiter is asked too, also when no gateway is running here. \
            docs/operations/standby.md says what the words mean, and what to do.

            EXAMPLES
              needletail cluster status
              needletail cluster status --config /etc/needletail/venue.yaml
              needletail cluster status --json | jq .gateway.inSync

            EXIT CODES
              0   shown
              64  the command line is wrong
              69  no such gateway is running here; what the arbiter says is shown
              78  the configuration is wrong, has no section `cluster`, or is another pair's
            """)

    @OptionGroup var target: ClusterTarget

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let configuration = try target.settings()
        let arbiter = configuration?.cluster.map(ArbiterView.init)
        let answer: (line: String, parsed: ControlAnswer)
        do throws(ControlError) {
            answer = try target.answer(to: "cluster status", configuration)
        } catch {
            if json { print(object(nil, arbiter)) } else { arbiter?.lines.forEach { print($0) } }
            StandardError.write("needletail: \(error)\n")
            throw Exit.unavailable
        }
        try target.refuse(answer.parsed)
        guard let cluster = answer.parsed.cluster else { throw Exit.unavailable }
        if json { return print(object(answer.line, arbiter)) }
        for text in ClusterText(cluster).lines { print(text) }
        arbiter?.lines.forEach { print($0) }
    }

    /// What the gateway says is handed on as it is.
    private func object(_ line: String?, _ arbiter: ArbiterView?) -> String {
        let prefix = "{\"ok\":true,\"cluster\":"
        var object = JSONObject()
        if let line, line.hasPrefix(prefix) {
            object.add("gateway", digits: String(line.dropFirst(prefix.count).dropLast()))
        } else {
            object.add("gateway", digits: "null")
        }
        if let arbiter { object.add("arbiter", arbiter.object) }
        return object.text
    }
}

/// What the arbiter says when it is asked from here.
private struct ArbiterView {
    private let decision: Decision?
    private let revision: UInt64
    private let failure: String?

    init(_ settings: ClusterSettings) {
        do throws(ArbiterError) {
            let arbiter = try settings.arbiter.makeArbiter(host: settings.host)
            (decision, revision) = try arbiter.read()
            failure = nil
        } catch {
            (decision, revision, failure) = (nil, 0, error.description)
        }
    }

    var lines: [String] {
        guard let decision else {
            return ["arbiter says   \(failure ?? "nothing yet: the pair has not begun")"]
        }
        return [
            "arbiter says   epoch \(decision.epoch), host \(decision.primary) is the primary, "
                + "\(decision.phase.rawValue); in sync: "
                + decision.inSync.map { "\($0)" }.joined(separator: " ")
                + "; revision \(revision)"
        ]
    }

    var object: JSONObject {
        var object = JSONObject()
        if let decision { object.add("decision", decision.json(revision: revision)) }
        if let failure { object.add("failure", failure) }
        return object
    }
}

/// The answer, for people.
private struct ClusterText {
    let lines: [String]

    init(_ answer: ClusterAnswer) {
        var lines = [
            "host \(answer.host) of \(answer.name): \(answer.state)",
            "decision       \(answer.decision?.text ?? "none yet")",
            "other host     \(answer.peer) at \(answer.peerAddress), link \(answer.link)"
                + (answer.peerDead ? "; its watchdog says that it is dead" : ""),
            "in sync        " + (answer.inSync ? "yes" : "no"),
            "arbiter        \(answer.arbiter)"
                + (answer.arbiterFailure.map { ", failing: \($0)" } ?? ""),
            "hand-overs     \(answer.handOvers) done, \(answer.handOversCalledOff) called off"
                + (answer.lastHandOverNanos == 0
                    ? "" : ", the last in \((Double(answer.lastHandOverNanos) / 1e6).text(2)) ms"),
            "rules          \(answer.rules.text)",
            "turned away    \(answer.refused.text)"
                + (answer.lastRefusal.map { "; the last: \($0)" } ?? ""),
        ]
        for shard in answer.shards { lines += Self.lines(shard, answer) }
        self.lines = lines
    }

    private static func lines(_ shard: ClusterAnswer.Shard, _ answer: ClusterAnswer) -> [String] {
        let isPrimary = answer.role == "primary"
        let there = shard.peerDurable.map { ", durable there \($0)" } ?? ""
        var lines = [
            "shard \(shard.shard)        mirror \(shard.mirror), \(shard.transport)",
            "  here         sequence \(shard.sequence), durable \(shard.durable)",
            "  \(isPrimary ? "standby" : "primary")      sequence \(shard.peerSequence)\(there); "
                + "\(isPrimary ? "it is" : "this host is") \(shard.lag) records behind",
        ]
        if let failure = shard.failure { lines.append("  last failure \(failure)") }
        if shard.mismatch > 0 {
            lines.append(
                "  ALARM        the states differ at \(shard.mismatch): resync the standby")
        }
        return lines
    }
}
