// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// The whole state as bytes. Cold: it allocates, and walks everything.
extension Engine {
    /// The state as an image of `docs/formats/snapshot.md`, about 68 bytes an order, 64 a session
    /// that was used, 64 an instrument.
    ///
    /// Engines in one state give the same bytes, whatever was in memory where; an engine made of
    /// it (``decodeImage(_:limits:node:)``) answers all later commands as this one would.
    /// Traps when the last command is not complete. Allocates the image and 4 bytes an order that
    /// may rest: not for the order path.
    public func encodeImage() -> [UInt8] {
        precondition(isComplete, "an image is of the state between two commands")
        var header = ImageHeader()
        header.rulesVersion = rulesVersion
        header.limits = limits
        header.firstRules = firstRules < 3 ? 0 : firstRules
        header.ladderTicksUsed = rulesVersion < 3 ? UInt32(ladderTicksUsed) : 0
        header.indexSeed = indexSeed
        header.timeSeconds = timeSeconds
        header.businessDay = businessDay.rawValue
        header.shownReferenceCount = shownReferenceCount
        header.dayBeganSequence = dayBeganSequence
        header.hashLanes = hash.lanes
        header.stateHash = hash.value
        header.lay(counts: [
            (1...limits.instrumentCapacity).count { instruments[$0].tickCount != 0 },
            (1...limits.sessionCapacity).count { !sessions[$0].isUnused },
            Int(openOrderCount), Int(openOrderCount),
            rareCount + Int(tradeGroupCount) + Int(bustCount) + Int(killedAccountCount)
                + Int(backlogCount),
        ])
        var writer = ImageWriter(byteCount: Int(header.byteCount))
        var positions = [UInt32](repeating: 0, count: Int(limits.orderCapacity) + 1)
        encodeBooks(header, &positions, &writer)
        encodeWaiting(header, &positions, &writer)
        encodeSessions(header, positions, &writer)
        encodeRare(header, positions, &writer)
        encodeTradeGroups(header, &writer)
        encodeBusts(header, &writer)
        encodeKilled(header, &writer)
        encodeBacklog(header, positions, &writer)
        for section in EngineImageSection.tabled {
            header.sections[section.rawValue].crc32c = writer.crc32c(
                from: header.byteOffset(section, 0),
                to: header.byteOffset(section, header.count(section)))
        }
        writer.store(header, at: 0)
        let headerEnd = EngineImageSection.header.stride - 4
        writer.store(writer.crc32c(from: 0, to: headerEnd), at: headerEnd)
        return writer.bytes
    }

    /// Instruments and resting orders; notes the position of each slot's order.
    private func encodeBooks(
        _ header: ImageHeader, _ positions: inout [UInt32], _ writer: inout ImageWriter
    ) {
        var position = 0
        var row = 0
        for number in 1...limits.instrumentCapacity where instruments[number].tickCount != 0 {
            let state = instruments[number]
            let first = position
            let buyLots = encodeSide(
                number, isSell: false, header, &position, &positions, &writer)
            let middle = position
            let sellLots = encodeSide(
                number, isSell: true, header, &position, &positions, &writer)
            writer.store(
                InstrumentImage(
                    number: number, tickCountLow: UInt32(truncatingIfNeeded: state.tickCount),
                    lowestPriceTicks: state.lowestPriceTicks,
                    quantityLotsMax: markets[number].quantityLotsMax,
                    buyOrders: UInt32(middle - first), sellOrders: UInt32(position - middle),
                    buyLots: buyLots, sellLots: sellLots,
                    tickCountHigh: UInt32(state.tickCount >> 32)),
                at: header.byteOffset(.instruments, row))
            row += 1
        }
    }

    /// The orders of one side; answers the sum of what they leave.
    private func encodeSide(
        _ instrument: UInt32, isSell: Bool, _ header: ImageHeader, _ position: inout Int,
        _ positions: inout [UInt32], _ writer: inout ImageWriter
    ) -> UInt64 {
        var lots: UInt64 = 0
        walkOrders(instrument: instrument, isSell: isSell) { slot in
            lots &+= orders[slot].leavesLots
            writer.store(orderImage(slot), at: header.byteOffset(.orders, position))
            positions[Int(slot)] = UInt32(position)
            position += 1
        }
        return lots
    }

    /// One open order.
    func orderImage(_ slot: UInt32) -> OrderImage {
        let node = orders[slot]
        return OrderImage(
            orderID: node.orderID, reference: node.reference, priceTicks: node.priceTicks,
            totalLots: node.totalLots, executedLots: node.executedLots, session: node.session,
            account: node.account, instrument: node.instrument,
            traits: UInt32(node.traits.rawValue))
    }

    /// Sessions, and the orders of each as they were entered.
    private func encodeSessions(
        _ header: ImageHeader, _ positions: [UInt32], _ writer: inout ImageWriter
    ) {
        var row = 0
        var entry = 0
        for number in 1...limits.sessionCapacity where !sessions[number].isUnused {
            let state = sessions[number]
            writer.store(
                SessionImage(
                    number: number, flags: state.flags,
                    expectedSequence: state.expectedSequence,
                    reportSequence: state.reportSequence, openOrders: state.openOrders,
                    token: state.token, heartbeatMillis: state.heartbeatMillis,
                    nonce: state.nonce, source: state.source),
                at: header.byteOffset(.sessions, row))
            row += 1
            var slot = entered(after: limits.orderCapacity &+ number)
            while slot != 0 {
                writer.store(positions[Int(slot)], at: header.byteOffset(.entries, entry))
                entry += 1
                slot = entered(after: slot)
            }
        }
    }
}

extension SessionState {
    /// Whether it is as the engine's start left it.
    var isUnused: Bool {
        expectedSequence == 1 && reportSequence == 0 && openOrders == 0 && flags == 0
            && token == 0 && heartbeatMillis == 0 && nonce == 0 && source == 0
    }
}
