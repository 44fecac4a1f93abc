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
    /// Whether ids are spread over 64 bits, as clients' own are, and not counted from 1.
    let isSparse: Bool
    private(set) var opening: BookOpening

    init(
        file: YardstickFile, sessionCount: UInt32, orderCapacity: UInt32, isSparse: Bool = false,
        hasRules: Bool = false
    ) {
        self.file = file
        self.sessionCount = sessionCount
        self.isSparse = isSparse
        var lowest = Int64.max
        var highest = Int64.min
        for index in 0..<file.commandCount where file[index].kind != .cancel {
            lowest = min(lowest, file[index].price)
            highest = max(highest, file[index].price)
        }
        opening = BookOpening(
            EngineLimits(
                orderCapacity: orderCapacity, sessionCapacity: sessionCount, instrumentCapacity: 1,
                ladderTickCapacity: UInt32(min(highest - lowest + 1, 1 << 28)),
                sessionOpenOrdersMax: orderCapacity),
            priceTicks: lowest...highest)
        if hasRules { opening.addOrderRules(priceTicks: lowest...highest) }
    }

    /// The engine's id of an order of the file: multiplied by an odd number, so each has another.
    private func orderID(_ id: UInt64) -> UInt64 {
        isSparse ? id &* 0x9E37_79B9_7F4A_7C15 : id
    }

    /// The file's, multiplied by the inverse.
    private func fileID(_ orderID: UInt64) -> Int {
        Int(isSparse ? orderID &* 0xF1DE_83E1_9937_733D : orderID)
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
                session: session, sessionSequence: sequences[Int(session)],
                orderID: orderID(command.id),
                priceTicks: command.kind == .cancel ? 0 : command.price,
                quantityLots: command.kind == .cancel ? 0 : command.lots,
                account: session, instrument: 1,
                attributes: OrderAttributes(
                    rawValue: command.kind == .new ? command.side.rawValue : 0),
                sequence: UInt64(index) + 100_000, timestampNanos: UInt64(index))
            if command.kind == .replace { record.originalOrderID = record.orderID }
            unsafe records[index] = record
        }
    }

    /// Runs everything once and adds to each replace what its order had executed.
    func settleReplaces(in records: UnsafeMutablePointer<LogRecord>) throws {
        var executed = [UInt64](repeating: 0, count: Int(file.highestID) + 1)
        var run = unsafe try BookRun(
            records: records, recordCount: file.commandCount, opening: opening)
        unsafe executed.withUnsafeMutableBufferPointer { executed in
            run.rehearse { record in
                if record.kind == .replaceOrder {
                    record.quantityLots += unsafe executed[fileID(record.orderID)]
                }
            } see: { event in
                if event.kind == .traded || event.kind == .accepted {
                    unsafe executed[fileID(event.orderID)] = event.executedLots
                }
            }
        }
    }

    /// Whether the totals are the file's. The hash of the trades has the ids in it.
    func matches(_ totals: YardstickFile.Totals) -> Bool {
        var expected = file.expected
        if isSparse { expected.hash = totals.hash }
        return totals == expected
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
        opening.commands = opening.commands.map { record, continuation in
            var first = record
            if continuation != nil { first.flags |= RecordFlags.pair }
            return (sealed(first), continuation.map(sealed))
        }
        for index in 0..<file.commandCount {
            unsafe records[index] = sealed(unsafe records[index])
        }
    }
}
