// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// The clients and their network.
extension World {
    func turnClients() {
        if nowNanos >= nextQuestionNanos { ask() }
        guard chance(3) else { return }
        let client = clients[Int(random.below(UInt64(clients.count)))]
        if client.isBroken {
            ledger.fail(2, "client \(client.number): the gateway has lost what it acknowledged")
        }
        // At the end each says a few things more, and then nothing, so that all comes to rest.
        let orderOneIn = market?.isCrowded == true ? 1 : plan.orderOneIn
        if hasFaults ? chance(orderOneIn) : client.wantsMore {
            client.act(ledger, nowNanos)
        }
        for _ in 0..<4 {
            let datagram = client.next(nowNanos)
            guard !datagram.isEmpty else { break }
            send(Frames.frame(datagram, session: client.number), to: nil)
        }
    }

    /// Somebody's neighbour table has run out: who has the gateway's address?
    private func ask() {
        nextQuestionNanos = nowNanos + 25_000_000
        for host in hosts { host.inject(Frames.question()) }
    }

    /// To a client, or to the gateway's address, over a network that loses and delays.
    func send(_ bytes: [UInt8], to client: UInt32?) {
        var copies = 1
        var delay = 10_000 + random.below(40_000)
        if hasFaults, chance(plan.badDatagramOneIn) {
            figures[.badDatagrams] += 1
            switch random.below(3) {
            case 0: copies = 0
            case 1: copies = 2
            default: delay += random.below(3_000_000)
            }
        }
        for copy in 0..<copies {
            let due = nowNanos + delay + UInt64(copy) * random.below(500_000)
            flights.append(Flight(dueNanos: due, client: client, bytes: bytes))
            nextFlightNanos = min(nextFlightNanos, due)
        }
    }

    func deliver() {
        var index = 0
        nextFlightNanos = .max
        while index < flights.count {
            guard flights[index].dueNanos <= nowNanos else {
                nextFlightNanos = min(nextFlightNanos, flights[index].dueNanos)
                index += 1
                continue
            }
            let flight = flights.remove(at: index)
            if let number = flight.client {
                clients.first { $0.number == number }?.receive(flight.bytes, nowNanos)
            } else if let route {
                hosts[route].inject(flight.bytes)
            }
        }
    }

    /// A frame that no client has sent: a foreign token, or epoch, or bytes that are nonsense.
    func sendForeign() {
        let session = 1 + UInt32(random.below(4))
        var header = OrderEntryHeader(
            channel: .orders, messageCount: 1, session: session,
            epoch: UInt32(random.below(8)), sequence: UInt32(random.below(100)),
            token: UInt32(truncatingIfNeeded: random.next()) | 1)
        if chance(4) { header.version = UInt8(random.below(4)) }
        let order = NewOrder(
            orderID: 0xDEAD_0000_0000_0001, instrument: 1, side: .buy, priceTicks: 100,
            quantityLots: 1)
        var bytes = Frames.bytes(header) + Frames.bytes(order)
        if chance(3) { bytes.removeLast(Int(random.below(UInt64(bytes.count)))) }
        let host = hosts[Int(random.below(2))]
        host.inject(Frames.frame(bytes, session: session))
        figures[.foreignFrames] += 1
    }
}
