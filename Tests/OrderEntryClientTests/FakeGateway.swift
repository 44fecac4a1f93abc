// SPDX-License-Identifier: Apache-2.0
import Wire

@testable import OrderEntryClient

/// The server's half of the protocol for one session: dictionaries and arrays, obviously right,
/// sequences from 1 as plain integers.
struct FakeGateway {
    var epoch: UInt32 = 7
    var token: UInt32 = 0
    var nonce: UInt64 = 0
    var applied: [[UInt8]] = []  // message n is applied[n - 1]
    var committedCount = 0
    var reports: [[UInt8]] = []  // report n is reports[n - 1], in order of commit
    var sentCount = 0
    var held: [Int: [[UInt8]]] = [:]
    var heldMax = 4
    var firstReportKept = 1
    var reportsPerDatagram = 3
    var clientCommitted = 0
    var isExtended = false
    var logonCount = 0
    var duplicates = 0
    var hasEnded = false
    var outbox: [[UInt8]] = []
    private var lastGap = (expected: 0, nowNanos: UInt64(0))
    private var lastHeartbeatNanos: UInt64 = 0

    mutating func receive(_ datagram: [UInt8], nowNanos: UInt64) {
        let header = read(datagram, at: 0, as: OrderEntryHeader.self)
        let type = datagram.count > 48 ? datagram[48] : 0
        if header.channel == .control, type == MessageType.logon.rawValue {
            return logon(read(datagram, at: 48, as: Logon.self))
        }
        guard header.token == token, token != 0 else { return }
        if header.epoch < epoch { return changeEpoch(header) }
        guard header.epoch == epoch else { return }
        if header.channel == .control {
            return resend(read(datagram, at: 48, as: SessionNotice.self))
        }
        clientCommitted = Int(header.committedThrough)
        var messages: [[UInt8]] = []
        var position = 48
        for _ in 0..<header.messageCount {
            let size = MessageType(rawValue: datagram[position]).orderByteCount
            messages.append(Array(datagram[position..<position + size]))
            position += size
        }
        precondition(position == datagram.count, "the client's datagrams are well-formed")
        let first = Int(header.sequence)
        if first <= applied.count + 1 {
            take(messages, first: first)
            while let next = held.keys.filter({ $0 <= applied.count + 1 }).min() {
                take(held.removeValue(forKey: next)!, first: next)
            }
            if messages.isEmpty { return }
            control(reports: true, empty: true)
        } else {
            if !messages.isEmpty && held.count < heldMax { held[first] = messages }
            if lastGap.expected != applied.count + 1 || nowNanos - lastGap.nowNanos >= 1_000_000 {
                lastGap = (applied.count + 1, nowNanos)
                notice(
                    .gapReport(
                        expectedSequence: UInt32(applied.count + 1), received: header.sequence))
            }
        }
    }

    /// Another one goes on: it has what was committed, and no more.
    mutating func takeOver() {
        epoch += 1
        applied.removeLast(applied.count - committedCount)
        sentCount = reports.count
        held = [:]
        outbox = []
    }

    private mutating func changeEpoch(_ header: OrderEntryHeader) {
        notice(
            .epochChanged(
                expectedSequence: UInt32(applied.count + 1),
                nextReportSequence: UInt32(sentCount + 1)))
        sendReports(from: Int(header.receivedThrough) + 1, through: sentCount)
    }

    private mutating func take(_ messages: [[UInt8]], first: Int) {
        for (index, message) in messages.enumerated() {
            if first + index == applied.count + 1 {
                applied.append(message)
            } else {
                duplicates += 1
            }
        }
    }

    private mutating func logon(_ logon: Logon) {
        if logon.nonce != nonce {
            nonce = logon.nonce
            token = UInt32(truncatingIfNeeded: nonce) | 1
            isExtended = logon.flags & 2 != 0
            logonCount += 1
            if logon.nextReportSequence > 0 {
                let from = max(Int(logon.nextReportSequence), firstReportKept)
                sendReports(from: from, through: sentCount)
            }
        }
        let accepted = LogonAccepted(
            flags: logon.flags, heartbeatMillis: 50, token: token,
            expectedSequence: UInt32(applied.count + 1),
            nextReportSequence: UInt32(sentCount + 1), nonce: nonce,
            reorderWindow: UInt16(heldMax), messagesPerDatagramMax: 30, messagesPerSecond: 0)
        outbox.append(bytes(header(.control, count: 1, sequence: 0)) + bytes(accepted))
    }

    private mutating func resend(_ request: SessionNotice) {
        guard request.type == .resendRequest else { return }
        let from = Int(request.first)
        if from < firstReportKept {
            return notice(
                .resendUnavailable(
                    firstAvailable: UInt32(firstReportKept), requested: request.first))
        }
        let last = request.second == 0 ? sentCount : from + Int(request.second) - 1
        sendReports(from: from, through: min(last, sentCount))
    }

    /// Time passes: half of what was received commits, its reports go out, a heartbeat if due.
    mutating func tick(nowNanos: UInt64) {
        guard token != 0, !hasEnded else { return }
        let target = committedCount + (applied.count - committedCount + 1) / 2
        while committedCount < target {
            let message = applied[committedCount]
            committedCount += 1
            append(reportsOf: message)
        }
        if sentCount < reports.count {
            let from = sentCount + 1
            sentCount = reports.count
            sendReports(from: from, through: sentCount)
        }
        if nowNanos - lastHeartbeatNanos >= 50_000_000 {
            lastHeartbeatNanos = nowNanos
            control(reports: true, empty: true)
        }
        if committedCount == applied.count, applied.last?.first == MessageType.logout.rawValue {
            hasEnded = true
        }
        if hasEnded {
            notice(
                .sessionEnded(
                    reason: .loggedOut, lastReportSequence: UInt32(sentCount),
                    expectedSequence: UInt32(applied.count + 1)))
        }
    }

    /// One to three reports a message, by its id.
    private mutating func append(reportsOf message: [UInt8]) {
        let isLogout = message[0] == MessageType.logout.rawValue
        let orderID = isLogout ? 0 : read(message, at: 8, as: UInt64.self)
        for index in 0..<(1 + orderID % 3) {
            let core = ExecutionReport(
                executionType: isLogout ? .loggedOut : .accepted, attributes: [], reason: .none,
                sequence: UInt32(reports.count + 1), orderID: orderID, reference: index,
                priceTicks: 0, quantityLots: 0, timestampNanos: 0)
            let extended = ExtendedExecutionReport(
                core: core, instrument: 1, account: 2, leavesLots: orderID, executedLots: 0,
                commandSequence: UInt64(committedCount), tradeIndex: 0, liquidity: 0)
            reports.append(isExtended ? bytes(extended) : bytes(core))
        }
    }

    private mutating func sendReports(from: Int, through: Int) {
        var next = from
        while next <= through {
            let last = min(through, next + reportsPerDatagram - 1)
            let body = reports[next - 1...last - 1].flatMap { $0 }
            let header = header(.reports, count: last - next + 1, sequence: next)
            outbox.append(bytes(header) + body)
            next = last + 1
        }
    }

    private mutating func control(reports: Bool, empty: Bool) {
        outbox.append(bytes(header(.reports, count: 0, sequence: sentCount + 1)))
    }

    private mutating func notice(_ notice: SessionNotice) {
        outbox.append(bytes(header(.control, count: 1, sequence: 0)) + bytes(notice))
    }

    private func header(_ channel: Channel, count: Int, sequence: Int) -> OrderEntryHeader {
        OrderEntryHeader(
            channel: channel, messageCount: UInt16(count), session: 3, epoch: epoch,
            sequence: UInt32(sequence), receivedThrough: UInt32(applied.count),
            committedThrough: UInt32(committedCount), token: token)
    }
}

/// The bytes of a plain value.
func bytes<T: BitwiseCopyable>(_ value: T) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}

/// A plain value from bytes.
func read<T: BitwiseCopyable>(_ bytes: [UInt8], at offset: Int, as type: T.Type) -> T {
    let span = unsafe bytes.span.bytes
    return span.value(at: offset, as: type)
}
