// SPDX-License-Identifier: Apache-2.0
import Engine
import NICGateway
import Pipeline
import ShardRig
import Testing
import Wire

@Suite struct `Sequences of a session` {
    /// A rig and a client that is logged on.
    static func open(
        _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> (rig: ShardRig, client: TestClient) {
        let rig = try ShardRig(change)
        var client = TestClient(1)
        client.logOn(rig)
        return (rig, client)
    }

    static func orders(_ ids: ClosedRange<UInt64>) -> [[UInt8]] { ids.map { bytes(order($0)) } }

    /// The client ids of what was reported.
    static func reported(_ sent: [SentFrame]) -> [UInt64] {
        sent.flatMap(\.reports).map { value($0, at: 8) }
    }

    @Test func `take a repeated datagram once and acknowledge it again`() throws {
        var (rig, client) = try Self.open()
        let frame = client.frame(Self.orders(1...3))
        let first = rig.exchange(frame)
        #expect(Self.reported(first) == [1, 2, 3])
        #expect(first.last?.header.receivedThrough == 3)
        #expect(first.last?.header.committedThrough == 3)
        let logged = rig.logged
        rig.inject(frame)
        var again: [SentFrame] = []
        Nap.until {
            rig.wait(millis: 2)
            again = rig.sent()
            return !again.isEmpty
        }
        #expect(rig.logged == logged)
        #expect(rig[.duplicateDatagrams] == 1)
        #expect(rig[.duplicateMessages] == 3)
        #expect(again.contains { $0.header.messageCount == 0 && $0.header.committedThrough == 3 })
    }

    @Test func `skip the messages already taken of a datagram and take the rest`() throws {
        var (rig, client) = try Self.open()
        _ = rig.exchange(client.frame(Self.orders(1...3)))
        let sent = rig.exchange(client.frame(Self.orders(2...5), at: 2))
        #expect(Self.reported(sent) == [4, 5])
        #expect(rig[.duplicateMessages] == 2)
        #expect(rig[.duplicateDatagrams] == 0)
        #expect(rig.session(1).expectedSequence == 6)
    }

    @Test func `hold as many datagrams as the window has and drop what is beyond`() throws {
        let (rig, client) = try Self.open { $0.reorderWindow = 3 }
        let gap = rig.exchange(client.frame(Self.orders(4...4), at: 4))
        #expect(gap.map(\.type) == [.gapReport])
        #expect(gap.first?.notice.first == 1)
        #expect(gap.first?.notice.second == 4)
        // In any order, one of them twice.
        _ = rig.exchange(client.frame(Self.orders(2...2), at: 2))
        _ = rig.exchange(client.frame(Self.orders(2...2), at: 2))
        _ = rig.exchange(client.frame(Self.orders(3...3), at: 3))
        #expect(rig[.heldDatagrams] == 3)
        #expect(rig[.beyondWindowDropped] == 0)
        _ = rig.exchange(client.frame(Self.orders(5...5), at: 5))
        #expect(rig[.beyondWindowDropped] == 1)
        #expect(rig.session(1).expectedSequence == 1)
        let sent = rig.exchange(client.frame(Self.orders(1...1), at: 1))
        #expect(Self.reported(sent) == [1, 2, 3, 4])
        #expect(rig.session(1).expectedSequence == 5)
        // What was dropped is sent again: go-back-N.
        #expect(Self.reported(rig.exchange(client.frame(Self.orders(5...6), at: 5))) == [5, 6])
    }

    @Test func `skip of a held datagram what came otherwise in between`() throws {
        let (rig, client) = try Self.open()
        _ = rig.exchange(client.frame(Self.orders(3...6), at: 3))
        let sent = rig.exchange(client.frame(Self.orders(1...4), at: 1))
        #expect(Self.reported(sent) == [1, 2, 3, 4, 5, 6])
        #expect(rig[.duplicateMessages] == 2)
    }

    @Test func `tell a gap at most once a millisecond`() throws {
        let (rig, client) = try Self.open()
        for sequence in UInt32(10)..<14 {
            rig.inject(client.frame(Self.orders(1...1), at: sequence))
        }
        rig.settle()
        _ = rig.sent()
        #expect(rig[.gapReports] == 1)
        Nap.micros(1_500)
        let again = rig.exchange(client.frame(Self.orders(1...1), at: 20))
        #expect(again.count { $0.type == .gapReport } == 1)
        // Another expected sequence is another gap.
        _ = rig.exchange(client.frame(Self.orders(1...1), at: 1))
        let other = rig.exchange(client.frame(Self.orders(1...1), at: 21))
        #expect(other.first { $0.type == .gapReport }?.notice.first == 2)
    }

    @Test func `reveal a lost tail by the heartbeat behind it`() throws {
        let (rig, client) = try Self.open()
        let sent = rig.exchange(client.heartbeat(5))
        #expect(sent.map(\.type) == [.gapReport])
        #expect(sent.first?.notice.first == 1)
        #expect(rig[.heldDatagrams] == 0)
        #expect(rig.exchange(client.heartbeat(1)).filter { $0.type == .gapReport }.isEmpty)
    }

    @Test(arguments: [UInt32.max - 1, 0x8000_0002, 0x8000_0001])
    func `treat what is far behind as behind`(sequence: UInt32) throws {
        let (rig, client) = try Self.open()
        let logged = rig.logged
        _ = rig.exchange(client.frame(Self.orders(1...1), at: sequence))
        #expect(rig.logged == logged)
        #expect(rig[.duplicateDatagrams] == 1)
    }

    /// A message with one thing wrong, why it is refused, and the order that the answer names.
    static let refused: [(Reason, UInt64, [UInt8])] = {
        func with<Message: BitwiseCopyable>(
            _ message: Message, _ change: (inout Message) -> Void
        ) -> [UInt8] {
            var message = message
            change(&message)
            return bytes(message)
        }
        let cancel = CancelOrder(orderID: 9, instrument: 1)
        let replace = ReplaceOrder(
            originalOrderID: 1, newOrderID: 9, priceTicks: 1, totalLots: 1)
        let reduce = ReduceOrder(orderID: 9, instrument: 1, totalLots: 1)
        let mass = MassCancel(requestID: 9)
        let tail = [UInt8](repeating: 0, count: 48)
        return [
            (.invalidSide, 9, with(order(9)) { $0.side = 2 }),
            (.invalidSide, 9, with(order(9)) { $0.side = 255 }),
            (.invalidOrderType, 9, with(order(9)) { $0.typeAndTimeInForce |= 8 }),
            (.invalidAccount, 9, with(order(9)) { $0.account = 1 << 32 }),
            (
                .invalidSide, 9,
                with(order(9)) {
                    $0.type = .newOrderExtended; $0.side = 7
                } + tail
            ),
            (.invalidReserved, 9, with(cancel) { $0.reserved1 = 1 }),
            (.invalidReserved, 9, with(cancel) { $0.reserved2 = 0x100 }),
            (.invalidReserved, 9, with(replace) { $0.flags = 4 }),
            (.invalidReserved, 9, with(replace) { $0.reserved2 = 1 }),
            (.invalidReserved, 9, with(replace) { $0.reserved4 = 1 << 31 }),
            (.invalidReserved, 9, with(reduce) { $0.reserved1 = 1 }),
            (.invalidReserved, 9, with(reduce) { $0.reserved2 = 1 }),
            (.invalidReserved, 9, with(mass) { $0.sides = 4 }),
            (.invalidReserved, 9, with(mass) { $0.reserved2 = 1 }),
            (.invalidReserved, 0, with(Logout()) { $0.reserved1 = 1 }),
            (.invalidReserved, 0, with(Logout()) { $0.reserved2 = 1 }),
            (.invalidReserved, 0, with(Logout()) { $0.reserved4 = 1 }),
        ]
    }()

    @Test(arguments: 0..<refused.count)
    func `are used up by a refusal, which is one command and one answer`(index: Int) throws {
        let (reason, orderID, message) = Self.refused[index]
        var (rig, client) = try Self.open()
        let logged = rig.logged
        let sent = rig.exchange(client.frame([bytes(order(1)), message, bytes(order(2))]))
        let reports = sent.flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }
        #expect(reports.map(\.executionType) == [.accepted, .refused, .accepted])
        #expect(reports.map(\.sequence) == [1, 2, 3])
        #expect(reports[1].reason == reason)
        #expect(reports[1].orderID == orderID)
        #expect(rig.logged == logged + 3)
        #expect(rig[.refused] == 1)
        #expect(rig.session(1).expectedSequence == 4)
        #expect(rig.session(1).isLoggedOn)
        let record = rig.records(from: logged + 2)[0]
        #expect(record.kind == .refused)
        #expect(record.refusalReason == reason)
        #expect(record.sessionSequence == 2)
        #expect(record.attributes.rawValue == message[0])
    }

    @Test func `of an extended order become a pair that holds every field`() throws {
        var (rig, client) = try Self.open()
        let logged = rig.logged
        var message = bytes(order(4, .sell, 200, lots: 7))
        message[0] = MessageType.newOrderExtended.rawValue
        message += (0..<48).map { UInt8($0 + 1) }
        let sent = rig.exchange(client.frame([message, bytes(order(5))]))
        #expect(Self.reported(sent) == [4, 5])
        let records = rig.records(from: logged + 1)
        #expect(records.count == 3)
        #expect(records[0].isPair)
        #expect(records[1].kind == .continuation)
        let second = unsafe unsafeBitCast(records[1], to: OrderContinuation.self)
        #expect(bytes(second.triggerPriceTicks) == Array(message[40..<48]))
        #expect(bytes(second.peakLots) == Array(message[48..<56]))
        #expect(bytes(second.minimumLots) == Array(message[56..<64]))
        #expect(bytes(second.expirySeconds) == Array(message[64..<68]))
        #expect(bytes(second.algorithmID) == Array(message[68..<72]))
        #expect(bytes(second.clientTagLow) == Array(message[72..<80]))
        #expect(bytes(second.clientTagMiddle) == Array(message[80..<84]))
        #expect(bytes(second.clientTagHigh) == Array(message[84..<86]))
        #expect(second.capacity == message[86])
        #expect(second.triggerCondition == message[87])
        // The engine offers none of this: the answer is a reject, and the next command is in step.
        let report: ExecutionReport = value(sent.flatMap(\.reports)[0], at: 0)
        #expect(report.reason == .unsupportedCombination)
    }

    @Test func `over the limit are refused as throttled, and over the wide one not taken`() throws {
        var (rig, client) = try Self.open {
            $0.messagesPerSecond = 10
            $0.messageBurst = 5
        }
        // The narrow bucket holds 5, the wide one 20; hardly any time passes.
        let first = rig.exchange(client.frame(Self.orders(1...10)))
        let reports = first.flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }
        #expect(reports.count == 10)
        #expect(reports.prefix(5).allSatisfy { $0.executionType == .accepted })
        #expect(reports.last?.executionType == .refused)
        #expect(reports.last?.reason == .throttled)
        #expect(rig[.throttled] == rig[.refused])
        _ = rig.exchange(client.frame(Self.orders(11...40)))
        #expect(rig[.overLimitDropped] == 1)
        let expected = rig.session(1).expectedSequence
        #expect(expected >= 21 && expected < 31)
        // Another session is not touched.
        var other = TestClient(2)
        other.logOn(rig)
        #expect(Self.reported(rig.exchange(other.frame(order(1)))) == [1])
        // What was dropped is taken when it is sent again in its time.
        Nap.micros(120_000)
        let again = Self.orders(UInt64(expected)...UInt64(expected))
        _ = rig.exchange(client.frame(again, at: UInt32(expected)))
        #expect(rig.session(1).expectedSequence == expected + 1)
    }
}
