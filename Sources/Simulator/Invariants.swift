// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a span of a datagram is used while its array is there.
internal import CommandLog
internal import Engine
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import RDMAReplica
internal import Wire

/// The invariants of a pair, by their numbers in docs/operations/simulator.md. Each says what it
/// has found to the ledger; 12 is seen by the arbiter's desk, 18 by the run's second phase.
enum Invariants {
    /// 1: one host is heard in an epoch.
    static func oneSpeaker(_ ledger: Ledger, host: Int, epoch: UInt32) {
        let speaker = ledger.speakers[epoch, default: host]
        ledger.speakers[epoch] = speaker
        guard speaker != host else { return }
        ledger.fail(1, "host \(host + 1) is heard in epoch \(epoch), which is the other's")
    }

    /// 1: who stood still until the other was to speak sends nothing more, not a frame, unless it
    /// is made the primary again.
    static func silentAsReplaced(_ ledger: Ledger, _ host: SimulatedHost, isReplaced: Bool) {
        guard host.wasReplacedAsleep, isReplaced else { return }
        ledger.fail(1, "host \(host.index + 1) was replaced while it stood still, and is heard")
    }

    /// 2: every acknowledged command survives at the same sequence with the same bytes: who begins
    /// to speak has all of them.
    static func survives(_ ledger: Ledger, _ host: SimulatedHost) {
        let last = ledger.lastSequence
        guard last > 0 else { return }
        guard let crc = host.crc(of: last) else {
            if host.logEnd >= last { return }
            return ledger.fail(
                2, "host \(host.index + 1) speaks with \(host.logEnd) of \(last) records"
            )
        }
        guard crc != ledger.acknowledged[Int(last) - 1] else { return }
        ledger.fail(2, "host \(host.index + 1) has another record \(last) than was acknowledged")
    }

    /// 2: whom a decision names has all that was acknowledged: on its disk who is named alone, in
    /// its log who is with another.
    static func isHeld(_ ledger: Ledger, _ decisions: [Decision], by hosts: [SimulatedHost]) {
        guard let decision = decisions.last, decision.phase == .active else { return }
        let isAlone = decision.inSync.count == 1
        for number in decision.inSync {
            let host = hosts[Int(number) - 1]
            let end = isAlone ? host.durableEnd : host.heldEnd
            guard end < ledger.lastSequence else { continue }
            ledger.fail(
                2,
                "host \(number) is in sync\(isAlone ? ", alone," : "") with \(end) of "
                    + "\(ledger.lastSequence) records")
        }
    }

    /// 3: chains agree up to the smaller committed sequence.
    static func sameChain(_ ledger: Ledger, _ host: SimulatedHost, _ record: LogRecord) {
        let known = ledger.acknowledged[Int(record.sequence) - 1]
        guard known != record.crc32c else { return }
        ledger.fail(
            3, "host \(host.index + 1) acknowledges another record \(record.sequence) than before")
    }

    /// 4: equal state at equal sequence, after a recovery too.
    static func sameState(_ ledger: Ledger, _ place: Ledger.Place, _ hash: UInt64, _ who: String) {
        let known = ledger.hashes[place, default: hash]
        ledger.hashes[place] = known
        guard known != hash else { return }
        ledger.fail(4, "\(who) has another state behind \(place.sequence) than was seen there")
    }

    /// 5: each command executes once: a session's messages follow each other without a gap.
    static func once(_ ledger: Ledger, _ record: LogRecord) {
        guard record.sessionSequence != 0, record.kind.rawValue <= CommandKind.logout.rawValue,
            Int(record.session) < ledger.taken.count
        else { return }
        let expected = ledger.taken[Int(record.session)] &+ 1
        ledger.taken[Int(record.session)] = record.sessionSequence
        guard record.sessionSequence != expected else { return }
        ledger.fail(
            5,
            "session \(record.session): message \(record.sessionSequence) is in record "
                + "\(record.sequence), and \(expected) was next")
    }

    /// 6: the reports of a session, and the public ones, are gapless and the same whenever sent.
    static func sameReport(_ ledger: Ledger, stream: Int, number: UInt64, _ bytes: [UInt8]) {
        guard stream < ledger.reports.count, number > 0 else {
            return ledger.fail(6, "a report of stream \(stream) with number \(number)")
        }
        let known = ledger.reports[stream][number, default: bytes]
        ledger.reports[stream][number] = known
        guard known != bytes else { return }
        ledger.fail(6, "stream \(stream): report \(number) is another than before")
    }

    /// 6: a client was given every report there is, each from this process or made again.
    static func gapless(_ ledger: Ledger, _ client: SimulatedClient) {
        guard client.lostCount > 0 else { return }
        ledger.fail(6, "client \(client.number) has lost \(client.lostCount) reports")
    }

    /// 6: who hears the whole public stream misses nothing, whoever speaks, but for what a start
    /// has no more: from a snapshot what is before it, and on a host that goes on from its disk
    /// alone what is before its report window.
    static func unbroken(_ ledger: Ledger, _ host: SimulatedHost, _ datagram: [UInt8]) {
        let goneCount = host.process?.recoveredReportCount ?? 0
        let isAlone = host.process.map { $0.recovered.lastSequence == $0.carriedSequence } ?? false
        ledger.listener.receive(unsafe datagram.span.bytes) { first, count in
            guard !isAlone, first + count - 1 > goneCount else { return }
            ledger.fail(6, "\(count) public reports from \(first) on are left out")
        } deliver: { _, _ in
        }
    }

    /// 7: nothing leaves before its commit rule holds. The rule is looked up where it is true: in
    /// the standby's own log, and in what the journal calls durable.
    static func commitRule(
        _ ledger: Ledger, _ host: SimulatedHost, standby: SimulatedHost, through last: UInt64
    ) {
        guard let process = host.process else { return }
        if !host.isSpeaking {
            ledger.fail(7, "host \(host.index + 1) acknowledges and is no primary")
        }
        let mode = process.gateMode
        if mode == .durable || mode == .both, process.journalStatus.durable.load() < last {
            ledger.fail(7, "host \(host.index + 1) acknowledges \(last), which is not durable")
        }
        if mode == .mirrored || mode == .both, standby.heldEnd < last {
            ledger.fail(
                7,
                "host \(host.index + 1) acknowledges \(last), the standby has "
                    + "\(standby.heldEnd)")
        }
    }

    /// 7: what an epoch carries over from those before is durable where it begins.
    static func carriedIsDurable(_ ledger: Ledger, _ host: SimulatedHost) {
        guard host.durableEnd < host.logEnd else { return }
        ledger.fail(
            7,
            "host \(host.index + 1) begins an epoch with \(host.logEnd) records, and "
                + "\(host.durableEnd) are durable")
    }

    /// 7: reports are of commands that were acknowledged.
    static func reportIsCommitted(_ ledger: Ledger, session: UInt32, number: UInt64) {
        guard let known = ledger.fold.session(session)?.reportSequence, number > known else {
            return
        }
        ledger.fail(
            7,
            "session \(session): report \(number) left, and \(known) is the last behind the "
                + "\(ledger.lastSequence) records that are committed")
    }

    /// 8: who takes a log over has taken the other's right to write into it first.
    static func fenced(_ ledger: Ledger, _ host: SimulatedHost, _ network: MirrorNetwork) {
        guard network.isWritable(at: host.index) else { return }
        ledger.fail(8, "host \(host.index + 1) has taken over, and its memory is still written to")
    }

    /// 9: what a standby applies was written by a primary, at that place.
    static func wasWritten(_ ledger: Ledger, _ host: SimulatedHost, _ record: LogRecord) {
        guard !ledger.wasWritten(record) else { return }
        ledger.fail(
            9, "host \(host.index + 1) applies a record \(record.sequence) that nobody has written")
    }

    /// 10: no record is overwritten that its readers have not let go of: what a primary writes at a
    /// lap's distance is applied here, journaled here and, in sync, validated there.
    static func overwritten(_ ledger: Ledger, _ host: SimulatedHost, standby: SimulatedHost) {
        guard let process = host.process else { return }
        let published = process.log.publishedSequence
        guard published > UInt64(process.log.capacity) else { return }
        let gone = published - UInt64(process.log.capacity)
        if let applied = process.appliedState?.sequence, applied < gone {
            ledger.fail(10, "host \(host.index + 1) overwrites \(gone), and has applied \(applied)")
        }
        if host.isInSyncPrimary, standby.heldEnd < gone {
            ledger.fail(
                10,
                "host \(host.index + 1) overwrites \(gone), the standby has "
                    + "\(standby.heldEnd)")
        }
    }

    /// 11: only a host that was in sync is made primary, and only by itself.
    static func successor(_ ledger: Ledger, _ decisions: [Decision]) {
        guard let now = decisions.last else { return }
        if let flaw = now.flaw { ledger.fail(11, flaw) }
        guard let before = decisions.dropLast().last else { return }
        if now.epoch < before.epoch {
            ledger.fail(11, "epoch \(now.epoch) follows \(before.epoch)")
        }
        guard now.primary != before.primary else { return }
        if now.epoch == before.epoch { ledger.fail(11, "two primaries in epoch \(now.epoch)") }
        let active = decisions.dropLast().last { $0.phase == .active }
        guard let active, !active.inSync.contains(now.primary) else { return }
        ledger.fail(11, "host \(now.primary) was not in sync and became primary")
    }

    /// 13: a recovery finds all that was durable, or says what is damaged.
    static func recovered(_ ledger: Ledger, _ host: SimulatedHost, claim: RecordChain) {
        guard let found = host.process?.recovered else { return }
        if found.lastSequence < claim.lastSequence {
            ledger.fail(
                13,
                "host \(host.index + 1) recovers \(found.lastSequence) of "
                    + "\(claim.lastSequence) durable records")
        } else if found.lastSequence == claim.lastSequence, found.chain != claim.crc32c {
            ledger.fail(13, "host \(host.index + 1) recovers another record than was durable")
        }
    }

    /// 14: after the disk has failed nothing more is acknowledged.
    static func afterFailure(_ ledger: Ledger, _ host: SimulatedHost) {
        guard host.process?.journalStatus.hasFailed == true else { return }
        ledger.fail(14, "host \(host.index + 1) acknowledges though its disk has failed")
    }

    /// 15: queues are bounded: the log's ring never holds more than it has room for.
    static func bounded(_ ledger: Ledger, _ host: SimulatedHost) {
        guard let process = host.process else { return }
        let published = process.log.publishedSequence
        let gone = published - min(published, UInt64(process.log.capacity))
        for gate in process.log.gatingReaders where gate.releasedSequence < gone {
            ledger.fail(15, "host \(host.index + 1): \(gate.name) was overrun")
        }
    }

    /// 16: what is in the log came from a client: foreign frames change nothing.
    static func ofClients(_ ledger: Ledger, _ record: LogRecord) {
        switch record.kind {
        case .newOrder, .cancelOrder, .replaceOrder, .reduceOrder: break
        default: return
        }
        let session = Int(record.session)
        guard session < ledger.submitted.count, record.orderID >> 32 == record.session,
            record.orderID & 0xFFFF_FFFF <= ledger.submitted[session]
        else { return ledger.fail(16, "record \(record.sequence) is of an order that nobody sent") }
    }

    /// 5, 16: a record of an operator is of somebody who has asked for it, once, and who was not
    /// told that nothing comes of it.
    static func ofOperators(_ ledger: Ledger, _ record: LogRecord, isRefused: Bool) {
        let number = record.session
        guard var request = ledger.trail.requests[number], request.recordCount > 0 else {
            return ledger.fail(
                16, "record \(record.sequence) is of operator \(number), who asked for nothing")
        }
        if request.sequences.count == request.recordCount {
            ledger.fail(
                5, "record \(record.sequence) is what operator \(number) asked once, and has")
        }
        if request.isOver {
            ledger.fail(
                5,
                "record \(record.sequence) is of operator \(number), who was told that it is over")
        }
        request.sequences.append(record.sequence)
        request.isRefused = request.isRefused || isRefused
        ledger.trail.requests[number] = request
    }

    /// 2: what an operator was told is done is in the log, all of it, where it was said to be, and
    /// the engine has taken it; and what is done is not called refused. Says whether it is done.
    static func answered(_ ledger: Ledger, _ number: UInt32, _ answer: String) -> Bool {
        guard var request = ledger.trail.requests[number] else { return false }
        let isYes = answer.hasPrefix("{\"ok\":true")
        let isWhole = request.sequences.count == request.recordCount && !request.isRefused
        // A trade that is looked for still: nothing was asked of the log yet.
        let isDone = isYes && !answer.contains("\"isLooking\"")
        if request.recordCount > 0, isDone != isWhole, isDone || !isUnknown(answer) {
            ledger.fail(
                2,
                "operator \(number) is told \(answer), and has records \(request.sequences)"
                    + (request.isRefused ? ", refused" : ""))
        }
        if isDone, let said = sequence(in: answer), !request.sequences.contains(said),
            request.recordCount > 0
        {
            ledger.fail(2, "operator \(number) is told of record \(said), which is not its own")
        }
        let trade = ledger.trail.trades.first { $0.id == request.trade }
        if isDone, let trade, !shows(trade, answer) {
            ledger.fail(4, "operator \(number) is told of another trade than \(trade): \(answer)")
        }
        request.isOver = !isUnknown(answer)
        ledger.trail.requests[number] = request
        return isDone
    }

    private static func shows(_ trade: OperatorTrail.Trade, _ answer: String) -> Bool {
        answer.contains(
            "\"priceTicks\":\(trade.priceTicks),\"quantityLots\":\(trade.quantityLots),")
    }

    /// Whether an answer leaves open what comes of it.
    private static func isUnknown(_ answer: String) -> Bool {
        answer.contains("it is in the log and not committed yet")
    }

    private static func sequence(in answer: String) -> UInt64? {
        let name = "\"sequence\":"
        guard let range = answer.firstRange(of: name) else { return nil }
        return UInt64(answer[range.upperBound...].prefix { $0.isNumber })
    }

    /// 17: books are uncrossed and whole, by the engine's own audit.
    static func soundBooks(_ ledger: Ledger, _ broken: String?, _ who: String) {
        if let broken { ledger.fail(17, "\(who): \(broken)") }
    }
}
