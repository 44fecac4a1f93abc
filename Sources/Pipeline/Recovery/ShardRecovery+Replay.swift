// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Engine
internal import NICGateway
internal import Platform
internal import Wire

// The log behind that state, once more through both halves.
extension ShardRecovery {
    /// Gives the gateway's cache what the engine has, and takes the log behind that from the disk
    /// through both halves. Throws when something durable is missing, and when the configuration is
    /// not the log's. The mirror passes over it.
    func replay(
        _ configuration: Configuration, core: inout GatewayCore, loop: inout EngineLoop,
        journal reader: inout RingReader<LogRecord>
    ) throws {
        let names = InstrumentNames(configuration, shard: shard)
        self.names = names
        guard found.lastSequence > 0 else { return }
        fillCache(&core, loop.engine)
        lastEpoch = position.epoch
        var rulesInForce: UInt32 = 0
        try JournalRecovery.forEachCommand(storage, found, from: position.sequence + 1) {
            record, continuation in
            // Behind what cannot be folded nothing is.
            guard rulesInForce == 0 || rules.contains(rulesInForce) else { return }
            if let version = record.rulesPutInForce {
                rulesInForce = version
                guard rules.contains(version) else { return }
            }
            if record.kind == .epochStart { lastEpoch = record.session }
            names.see(record, continuation)
            while !core.restore(record, continuation: continuation) {
                Self.settle(&core, &loop, &reader)
            }
        }
        Self.settle(&core, &loop, &reader)
        if rulesInForce > 0 { try check(rules: rulesInForce) }
        try checkInstruments(configuration, loop.engine)
    }

    /// What the log defines is what the configuration says, and what it does not define has room.
    private func checkInstruments(
        _ configuration: Configuration, _ engine: borrowing Engine
    ) throws {
        var ticksLeft = engine.rangeTicksMax
        for instrument in configuration.instruments {
            if let defined = engine.instrument(instrument.number) {
                guard instrument.shard == shard else {
                    throw Self.problem(
                        "instruments",
                        "the journal of shard \(shard) defines number \(instrument.number), "
                            + "which is on shard \(instrument.shard) here: put it back, or give "
                            + "\(instrument.symbol) another number")
                }
                try Self.compare(instrument, defined)
            } else if instrument.shard == shard {
                let levels = instrument.priceLevels
                guard levels <= ticksLeft else {
                    throw Self.problem(
                        "instruments",
                        "\(instrument.symbol) has \(levels) prices, and under the rules of the log "
                            + "of shard \(shard) there is room for \(ticksLeft) more: narrow its "
                            + "prices, or activate rules 3 first")
                }
                if engine.rulesVersion < 3 { ticksLeft -= levels }
            }
        }
        if let capacity = configuration.priceCapacity,
            capacity != engine.limits.ladderTickCapacity
        {
            untakenPriceCapacity = capacity
        }
        for number in 1...engine.limits.instrumentCapacity
        where engine.isDefined(instrument: number)
            && !configuration.instruments.contains(where: { $0.number == number })
        {
            otherInstruments.append(number)
        }
    }

    private func fillCache(_ core: inout GatewayCore, _ engine: borrowing Engine) {
        core.restorePublicStream(reportCount: position.publicReportCount)
        for number in 1...engine.limits.sessionCapacity {
            guard let session = engine.session(number) else { continue }
            core.restoreSession(
                number, expectedSequence: session.expectedSequence,
                reportSequence: session.reportSequence, logon: session.logon)
        }
    }

    /// Lets both halves and the other readers catch up with what was restored.
    private static func settle(
        _ core: inout GatewayCore, _ loop: inout EngineLoop,
        _ reader: inout RingReader<LogRecord>
    ) {
        var hasWorked = true
        while hasWorked {
            hasWorked = loop.poll()
            hasWorked = core.pollRecovery() || hasWorked
        }
        reader.consume(reader.available(atLeast: .max))
        reader.release()
    }

    private static func compare(
        _ instrument: Configuration.Instrument, _ defined: InstrumentView
    ) throws {
        guard
            defined.lowestPriceTicks != instrument.lowestPriceTicks
                || defined.highestPriceTicks != instrument.highestPriceTicks
                || defined.quantityLotsMax != instrument.quantityLotsMax
        else { return }
        throw problem(
            "instruments",
            "the journal defines number \(instrument.number) with prices "
                + "\(defined.lowestPriceTicks) to \(defined.highestPriceTicks) and at most "
                + "\(defined.quantityLotsMax) lots an order: put that back, or give "
                + "\(instrument.symbol) another number")
    }
}

extension SessionView {
    /// The logon that it is open by; nil when nobody is logged on.
    fileprivate var logon: SessionLogon? {
        guard isLoggedOn else { return nil }
        return SessionLogon(
            token: token, nonce: nonce, source: source, heartbeatMillis: heartbeatMillis,
            flags: (cancelsOnDisconnect ? RecordFlags.cancelOnDisconnect : 0)
                | (cancelsAllOnDisconnect ? RecordFlags.cancelAllOnDisconnect : 0)
                | (wantsExtendedReports ? RecordFlags.extendedReports : 0))
    }
}
