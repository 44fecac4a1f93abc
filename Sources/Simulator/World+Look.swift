// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Pipeline
internal import Platform
internal import RDMAReplica
internal import Wire

// After each step: what has changed, against the invariants.
extension World {
    func look(_ host: SimulatedHost, _ piece: ClusterHost.Piece) {
        lookAtRecords(host)
        if let process = host.process, process.reachedSequence > host.seenReached {
            lookAtReached(host, process)
        }
        switch piece {
        case .engine: lookAtState(host)
        case .intake, .output:
            for frame in host.takeSent() {
                Invariants.silentAsReplaced(ledger, host, isReplaced: isReplaced(host))
                lookAtFrame(host, frame)
            }
        case .driver: lookAtDecision(host)
        default: break
        }
    }

    private func lookAtRecords(_ host: SimulatedHost) {
        let isRecovered = host.seenPublished == 0
        let records = host.takeNewRecords()
        guard !records.isEmpty else { return }
        for record in records {
            if host.isSpeaking {
                ledger.noteWritten(record)
            } else {
                Invariants.wasWritten(ledger, host, record)
            }
        }
        guard !isRecovered else { return }
        Invariants.bounded(ledger, host)
        Invariants.overwritten(ledger, host, standby: hosts[1 - host.index])
    }

    private func lookAtReached(_ host: SimulatedHost, _ process: ClusterHost) {
        let reached = process.reachedSequence
        let first = host.seenReached + 1
        host.seenReached = reached
        // What an epoch carries over counts as told, and nothing has left by that.
        if reached > process.carriedSequence {
            Invariants.afterFailure(ledger, host)
            Invariants.commitRule(ledger, host, standby: hosts[1 - host.index], through: reached)
        }
        acknowledge(host, first...reached)
    }

    /// Clients may know of these records from here on.
    private func acknowledge(_ host: SimulatedHost, _ sequences: ClosedRange<UInt64>) {
        for sequence in sequences {
            guard let record = host.record(sequence) ?? recovered(host, sequence) else { continue }
            if sequence <= ledger.lastSequence {
                Invariants.sameChain(ledger, host, record)
                continue
            }
            // What its ring has no more since its start was written by a primary before.
            guard let before = ledger.chain(from: ledger.lastSequence + 1, upTo: record) else {
                return ledger.fail(9, "nobody has written what record \(sequence) goes on from")
            }
            for one in before { ledger.append(one) }
            ledger.append(record)
        }
        if ledger.isWhole, chance(16) {
            Invariants.sameState(
                ledger, ledger.place, ledger.fold.stateHash, "the acknowledged log")
        }
        if chance(256) {
            Invariants.soundBooks(ledger, ledger.fold.broken, "the acknowledged log")
        }
    }

    /// A record that a start has found, and not kept: a snapshot ended with it.
    private func recovered(_ host: SimulatedHost, _ sequence: UInt64) -> LogRecord? {
        host.crc(of: sequence).flatMap { ledger.written(sequence, crc32c: $0) }
    }

    private func lookAtState(_ host: SimulatedHost) {
        guard let state = host.process?.appliedState, state.sequence != host.seenApplied else {
            return
        }
        host.seenApplied = state.sequence
        guard let crc = host.crc(of: state.sequence) else { return }
        Invariants.sameState(
            ledger, Ledger.Place(sequence: state.sequence, crc32c: crc), state.stateHash,
            "host \(host.index + 1)")
    }

    private func lookAtFrame(_ host: SimulatedHost, _ frame: [UInt8]) {
        switch Frames.content(frame) {
        case .announcement:
            if hasFaults, chance(6) { return }
            route = host.index
        case .datagram(let clientPort, let bytes):
            guard let header: OrderEntryHeader = Frames.value(bytes, at: 0) else { return }
            if header.channel == .publicReports {
                lookAtReports(host, header, bytes, stream: 0, first: header.publicSequence)
                Invariants.unbroken(ledger, host, bytes)
            } else {
                if header.channel == .reports, header.messageCount > 0 {
                    lookAtReports(
                        host, header, bytes, stream: Int(header.session),
                        first: UInt64(header.sequence))
                }
                send(bytes, to: UInt32(clientPort - 9_000))
            }
        case .other: break
        }
    }

    private func lookAtReports(
        _ host: SimulatedHost, _ header: OrderEntryHeader, _ bytes: [UInt8], stream: Int,
        first: UInt64
    ) {
        Invariants.oneSpeaker(ledger, host: host.index, epoch: header.epoch)
        let count = Int(header.messageCount)
        guard count > 0 else { return }
        let size = (bytes.count - OrderEntryHeader.byteCount) / count
        for index in 0..<count {
            let start = OrderEntryHeader.byteCount + index * size
            // The short form is the long one's beginning, but for its type.
            let compared = Array(bytes[start + 1..<start + min(size, 48)])
            Invariants.sameReport(
                ledger, stream: stream, number: first + UInt64(index), compared)
        }
        guard stream > 0 else { return }
        Invariants.reportIsCommitted(
            ledger, session: UInt32(stream), number: first + UInt64(count) - 1)
    }

    private func lookAtDecision(_ host: SimulatedHost) {
        while seenDecisionCount < arbiter.decisions.count {
            seenDecisionCount += 1
            let decisions = Array(arbiter.decisions[..<seenDecisionCount])
            Invariants.successor(ledger, decisions)
            Invariants.isHeld(ledger, decisions, by: hosts)
            countDecision(decisions)
            aim()
        }
        if host.isInSync { host.forgetDeath() }
        if let misuse = host.desk?.misuse {
            ledger.fail(12, "host \(host.index + 1) \(misuse)")
        }
        guard let role = host.role, role != host.seenRole else { return }
        note("host \(host.index + 1) is \(role), \(host.logEnd) records")
        aim()
        let before = host.seenRole
        host.seenRole = role
        if role == .activating { Invariants.fenced(ledger, host, network) }
        if host.isSpeaking, [.claiming, .activating, .relieving].contains(before) {
            Invariants.survives(ledger, host)
            // Who was handed all says so only once it is; the other one has it until then.
            if before != .relieving { Invariants.carriedIsDurable(ledger, host) }
            // Its epoch carries all of it, whoever knew of it before.
            if host.logEnd > ledger.lastSequence {
                acknowledge(host, ledger.lastSequence + 1...host.logEnd)
            }
        }
    }

    private func countDecision(_ decisions: [Decision]) {
        guard let now = decisions.last else { return }
        note(
            "decided: epoch \(now.epoch), host \(now.primary), in sync \(now.inSync), "
                + "\(now.phase)")
        guard let before = decisions.dropLast().last else { return }
        if now.epoch > before.epoch, now.phase == .promoting {
            figures[.promotions] += 1
            let old = hosts[Int(before.primary) - 1]
            if now.primary != before.primary, old.role == .primary(.offering) {
                figures[.handOvers] += 1
            }
        } else if now.epoch == before.epoch, now.inSync.count > before.inSync.count {
            figures[.admissions] += 1
            figures[.catchUps] += 1
        } else if now.epoch == before.epoch, now.inSync.count < before.inSync.count {
            figures[.solos] += 1
        }
    }
}
