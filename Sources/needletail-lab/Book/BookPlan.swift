// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Wire

/// How a file of the yardstick becomes commands of ours: one instrument whose ladder covers the
/// file's prices, `sessionCount` sessions to which the file's users are dealt out, every command
/// one whole log record. A replace keeps its id; its total is what was executed plus the file's
/// quantity, which a rehearsal finds out before anything is timed.
///
/// SAFETY: the caller's records have room for every command of the file; order ids are at most the
/// file's highest.
struct BookPlan {
    let file: YardstickFile
    let sessionCount: UInt32
    let limits: EngineLimits
    private(set) var opening: [(LogRecord, LogRecord?)]

    init(file: YardstickFile, sessionCount: UInt32, orderCapacity: UInt32) {
        self.file = file
        self.sessionCount = sessionCount
        var lowest = Int64.max
        var highest = Int64.min
        for index in 0..<file.commandCount where file[index].kind != .cancel {
            lowest = min(lowest, file[index].price)
            highest = max(highest, file[index].price)
        }
        limits = EngineLimits(
            orderCapacity: orderCapacity, sessionCapacity: sessionCount, instrumentCapacity: 1,
            ladderTickCapacity: UInt32(highest - lowest + 1),
            sessionOpenOrdersMax: orderCapacity)
        var opening: [(LogRecord, LogRecord?)] = [
            (
                .epochStart(
                    epoch: 1, rulesVersion: 1, lastCarriedSequence: 0, indexSeed: 0x5EED,
                    shard: 1, host: 1), limits.continuation
            ),
            (
                .defineInstrument(
                    instrument: 1, lowestPriceTicks: lowest, highestPriceTicks: highest,
                    quantityLotsMax: 1 << 40, operatorID: 1),
                InstrumentDetail(symbol: "BENCH", priceDecimals: 0, quantityDecimals: 0)
                    .continuation
            ),
        ]
        for session in 1...sessionCount {
            opening.append(
                (
                    .logon(
                        session: session, nonce: 1, token: 1, heartbeatMillis: 1000, source: 0,
                        flags: 0), nil
                ))
        }
        self.opening = opening
    }

    /// The records, but for the totals of replaces, which still lack what was executed.
    func buildRecords(into records: UnsafeMutablePointer<LogRecord>) {
        var owners = [UInt32](repeating: 1, count: Int(file.highestID) + 1)
        var sequences = [UInt32](repeating: 0, count: Int(sessionCount) + 1)
        for index in 0..<file.commandCount {
            let command = file[index]
            if command.kind == .new {
                owners[Int(command.id)] = command.user % sessionCount + 1
            }
            let session = owners[Int(command.id)]
            sequences[Int(session)] += 1
            var record = LogRecord(
                kind: command.kind == .new
                    ? .newOrder : command.kind == .cancel ? .cancelOrder : .replaceOrder,
                session: session, sessionSequence: sequences[Int(session)], orderID: command.id,
                priceTicks: command.kind == .cancel ? 0 : command.price,
                quantityLots: command.kind == .cancel ? 0 : command.lots,
                account: session, instrument: 1,
                attributes: OrderAttributes(
                    rawValue: command.kind == .new ? command.side.rawValue : 0),
                sequence: UInt64(index) + 100_000, timestampNanos: UInt64(index))
            if command.kind == .replace { record.originalOrderID = command.id }
            unsafe records[index] = record
        }
    }

    /// Runs everything once and adds to each replace what its order had executed.
    func settleReplaces(in records: UnsafeMutablePointer<LogRecord>) throws {
        var executed = [UInt64](repeating: 0, count: Int(file.highestID) + 1)
        var run = unsafe try BookRun(
            records: records, recordCount: file.commandCount, plan: self)
        unsafe executed.withUnsafeMutableBufferPointer { executed in
            run.rehearse { record in
                if record.kind == .replaceOrder {
                    record.quantityLots += unsafe executed[Int(record.orderID)]
                }
            } see: { event in
                if event.kind == .traded || event.kind == .accepted {
                    unsafe executed[Int(event.orderID)] = event.executedLots
                }
            }
        }
    }
    /// Makes a log of it: dense sequences from 1 on, the opening first, and chained checksums.
    mutating func seal(_ records: UnsafeMutablePointer<LogRecord>) {
        var chain = RecordChain()
        func sealed(_ record: LogRecord) -> LogRecord {
            var record = record
            record.sequence = chain.lastSequence + 1
            record.crc32c = RecordChain.crc(record, chain.crc32c)
            precondition(chain.take(record), "what was sealed is the next")
            return record
        }
        opening = opening.map { record, continuation in
            var first = record
            if continuation != nil { first.flags |= RecordFlags.pair }
            return (sealed(first), continuation.map(sealed))
        }
        for index in 0..<file.commandCount {
            unsafe records[index] = sealed(unsafe records[index])
        }
    }
}
