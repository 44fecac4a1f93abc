// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
package import Platform
package import RDMAReplica

// docs/formats/control.md.
extension ClusterMembership {
    /// All that is known here of the pair.
    var report: JSONObject {
        let state = view.current
        var object = JSONObject()
        object.add("host", settings.host)
        object.add("peer", settings.peer)
        object.add("name", settings.name)
        object.add("role", state.role.name)
        object.add("state", state.description)
        object.add("inSync", isInSync(state))
        object.add("link", "\(state.link)")
        if let decision = state.decision {
            object.add("decision", decision.json(revision: state.revision))
        }
        object.add("arbiter", arbiterDescription)
        if let failure = state.arbiterFailure { object.add("arbiterFailure", failure) }
        object.add("solo", settings.solo.rawValue)
        object.add("takeOverMillis", settings.takeOverMillis)
        object.add("soloMillis", settings.soloMillis)
        object.add("peerAddress", settings.mirror.peerText)
        object.add("peerDead", state.hasHeardOfDeath)
        object.add("handOvers", state.handOvers.doneCount)
        object.add("handOversCalledOff", state.handOvers.calledOffCount)
        object.add("lastHandOverNanos", state.handOvers.lastNanos)
        object.add("rules", rules)
        object.add("refused", refused)
        if let problem = listener.problem { object.add("lastRefusal", problem) }
        object.add("shards", members.indices.map { shardReport($0, state) })
        return object
    }

    /// Of a standby as it knows, of a primary as the decision says.
    private func isInSync(_ state: ClusterView.State) -> Bool {
        guard case .primary = state.role else { return state.isInSync }
        return state.decision?.inSync.contains(settings.peer) ?? false
    }

    /// Of the shard that is behind, if they differ; what the standby folds its primary knows.
    private var rules: JSONObject {
        var object = JSONObject()
        object.add("inForce", members.map(\.duty.rules.place.inForce).min() ?? 0)
        object.add("folded", "\(members[0].duty.rules.folded)")
        if let standby = members[0].mirror.status.standbyRules {
            object.add("foldedByStandby", "\(standby)")
        }
        return object
    }

    private var refused: JSONObject {
        var object = JSONObject()
        object.add("unauthenticated", listener.refusals.unauthenticatedCount)
        object.add("malformed", listener.refusals.malformedCount)
        object.add("refused", listener.refusals.refusedCount)
        object.add("notices", death?.refusedCount ?? 0)
        return object
    }

    private func shardReport(_ shard: Int, _ state: ClusterView.State) -> JSONObject {
        let member = members[shard]
        let published = member.log.publishedSequence
        var object = JSONObject()
        object.add("shard", shard)
        object.add("sequence", published)
        object.add("durable", member.journal.durable.load())
        if state.role.servesStandby {
            let mirror = member.mirror.status
            object.add("mirror", "\(mirror.phase)")
            object.add("transport", mirror.description ?? "none")
            object.add("peerSequence", mirror.validatedSequence)
            object.add("peerDurable", mirror.durableSequence)
            object.add("lag", published - min(published, mirror.validatedSequence))
            object.add("mismatch", mirror.mismatchSequence)
            if let failure = mirror.failure { object.add("failure", failure.description) }
        } else {
            let following = member.duty.following
            let there = following.beat?.publishedSequence ?? following.sequence
            object.add("mirror", "\(following.link)")
            object.add("transport", following.description ?? "none")
            object.add("peerSequence", there)
            object.add("lag", there - min(there, published))
            object.add("mismatch", following.mismatchSequence)
            if let ended = following.ended { object.add("failure", ended) }
        }
        return object
    }
}

extension Decision {
    /// As a control socket and a tool say it.
    package func json(revision: UInt64) -> JSONObject {
        var object = JSONObject()
        object.add("epoch", epoch)
        object.add("primary", primary)
        object.add("inSync", inSync.map { "\($0)" })
        object.add("phase", phase.rawValue)
        object.add("revision", revision)
        return object
    }
}

extension HostMachine.Role {
    /// In one word.
    var name: String {
        switch self {
        case .starting: "starting"
        case .waiting: "waiting"
        case .standby: "standby"
        case .claiming, .relieving, .taking, .activating: "takingOver"
        case .primary: "primary"
        case .silent, .over: "replaced"
        }
    }
}

extension ClusterView.State {
    /// It speaks, and the decision has it alone: it was not replaced, and has not just taken its
    /// standby back.
    func isAlone(_ host: UInt32) -> Bool {
        if case .primary = role { decision?.inSync == [host] } else { false }
    }
}

extension ClusterView.State: CustomStringConvertible {
    /// The same as the beginning of a sentence.
    var thisHost: String {
        switch role {
        case .standby, .primary, .silent, .over: "this host is \(self)"
        case .starting, .waiting, .claiming, .relieving, .taking, .activating:
            "this host \(self)"
        }
    }

    /// Where a host stands, in a clause.
    public var description: String {
        let epoch = decision.map { " of epoch \($0.epoch)" } ?? ""
        return switch role {
        case .starting where isLogMissing:
            "led in epoch \(decision?.epoch ?? 0), and its log is empty: waits for its "
                + "journal to be brought back, or for `needletail cluster promote --force`"
        case .starting where decision != nil:
            "led in epoch \(decision?.epoch ?? 0), and waits for a person to say who goes on"
        case .starting: "asks the arbiter"
        case .waiting:
            "waits for the other host: both were in sync, and their logs must be compared"
        case .standby: "standby\(epoch), \(isInSync ? "in sync" : "not in sync")"
        case .claiming, .relieving, .taking, .activating: "takes over"
        case .primary(.solo), .primary(.admitting): "primary\(epoch), alone"
        case .primary(.mirrored): "primary\(epoch), with its standby"
        case .primary(.leaving) where isDoubtful:
            "primary\(epoch), has lost its standby and says nothing before the arbiter answers"
        case .primary(.leaving): "primary\(epoch), has lost its standby and acknowledges nothing"
        case .primary(.offering), .primary(.handingOver), .primary(.callingOff):
            "primary\(epoch), hands over"
        case .silent, .over: "replaced; comes back as a standby"
        }
    }
}
