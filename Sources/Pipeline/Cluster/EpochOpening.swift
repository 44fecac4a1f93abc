// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Platform
internal import Wire

/// The commands that a gateway writes of its own: those with which an epoch begins, its start and
/// the instruments that the configuration has and the log has not, those of operators and of the
/// calendar, and what time it is when an order expires or when something is left over.
///
/// Threading: of the thread that writes the log.
struct EpochOpening {
    private let shard: UInt32
    private let host: UInt32
    private var limits: EngineLimits
    private var undefined: [Configuration.Instrument]
    /// Commands that are ready and not written.
    private var waiting: [(command: OperatorCommand, isAsked: Bool)] = []
    /// What people reach of the shard.
    let desk: ShardDesk
    /// The rules that the end of the log is under; 0 = it has no record yet.
    private var rulesInForce: UInt32
    /// The operator's command whose outcome is waited for; 0 = none.
    private var awaitedSequence: UInt64 = 0
    private var expiry: ExpiryAlarm
    /// What this host folds.
    var folded: RulesRange { desk.rules.folded }

    /// Of a shard whose log is under `rulesInForce` and defines the instruments for which
    /// `isDefined` says so.
    init(
        _ configuration: Configuration, shard: UInt32, limits: EngineLimits, rulesInForce: UInt32,
        desk: ShardDesk, expiry: ExpiryAlarm, isDefined: (UInt32) -> Bool
    ) {
        self.expiry = expiry
        self.rulesInForce = rulesInForce
        self.desk = desk
        desk.rules.tell(inForce: rulesInForce, sequence: 0)
        self.shard = shard
        host = configuration.cluster?.host ?? 0
        self.limits = limits
        undefined = configuration.instruments.filter {
            $0.shard == shard && !isDefined($0.number)
        }
    }

    /// Why this host cannot go on with a record of the other one; nil where it can.
    func refusal(of record: LogRecord, _ continuation: LogRecord?) -> String? {
        if let why = folded.refusal(of: record) { return why }
        guard record.kind == .epochStart, let continuation else { return nil }
        let logged = EngineLimits(continuation: continuation)
        var wanted = limits
        wanted.ladderTickCapacity = logged.ladderTickCapacity
        guard logged == wanted else {
            return "the log was begun with other limits: "
                + ShardRecovery.differences(logged, wanted)
                + ". Make the configuration the same on both hosts"
        }
        // What a log was begun with stays. Where there is none yet, more is no harm.
        let levels = logged.ladderTickCapacity
        let isRoom = rulesInForce == 0 ? levels <= limits.ladderTickCapacity : logged == limits
        guard levels == 0 || !isRoom else { return nil }
        return "the log was begun with room for \(levels) prices, and this host has it for "
            + "\(limits.ladderTickCapacity): set engine.priceCapacity to \(levels) in its "
            + "configuration"
    }

    /// A command that came from elsewhere.
    mutating func see(_ record: LogRecord, _ continuation: LogRecord?) {
        desk.names.see(record, continuation)
        if record.kind == .epochStart, let continuation {
            limits = EngineLimits(continuation: continuation)
        }
        seeRules(record, sequence: record.sequence)
        if rulesInForce >= ExpiryAlarm.rulesVersion { expiry.see(record) }
        guard record.kind == .defineInstrument, !undefined.isEmpty else { return }
        undefined.removeAll { $0.number == record.instrument }
    }

    /// As the engine does: an activation of other rules than the next ones changes nothing.
    private mutating func seeRules(_ record: LogRecord, sequence: UInt64) {
        guard let version = record.rulesPutInForce,
            record.kind == .epochStart || version == rulesInForce &+ 1
        else { return }
        rulesInForce = version
        desk.rules.tell(inForce: version, sequence: sequence)
    }

    /// Makes ready what an epoch begins with, under the rules that the log is under; a new one
    /// begins under the newest.
    mutating func begin(epoch: UInt32, lastCarriedSequence: UInt64) {
        let start = LogRecord.epochStart(
            epoch: epoch, rulesVersion: rulesInForce == 0 ? folded.newest : rulesInForce,
            lastCarriedSequence: lastCarriedSequence, indexSeed: Chance.nonZero(),
            shard: shard, host: host)
        let commands =
            [OperatorCommand(start, limits.continuation)]
            + undefined.map { OperatorCommand(defining: $0, by: 0) }
        waiting = commands.map { ($0, false) }
        undefined = []
        awaitedSequence = 0
        desk.commands.forget()
        desk.calendar.leave([])
    }

    /// Writes what is ready, as far as the log has room. False when there is more.
    mutating func write(to core: inout GatewayCore) -> Bool {
        if let wish = desk.commands.takeWish() { take(wish) }
        if awaitedSequence != 0, let answer = core.commandAnswer,
            answer.sequence == awaitedSequence
        {
            awaitedSequence = 0
            desk.commands.tell(answer)
        }
        while let (command, isAsked) = waiting.first {
            guard core.control(command.record, continuation: command.continuation) else {
                return false
            }
            waiting.removeFirst()
            let last = core.logEnd.lastSequence
            let sequence = command.continuation == nil ? last : last &- 1
            seeRules(command.record, sequence: sequence)
            desk.names.see(command.record, command.continuation)
            if isAsked {
                awaitedSequence = sequence
                core.awaitAnswer(to: sequence)
                #if NEEDLETAIL_MUTANTS
                if Mutant.answeredUncommitted.isPlanted {
                    desk.commands.tell(CommandAnswer(sequence: sequence, reason: .none))
                }
                #endif
            }
        }
        // What follows holds nothing up: what has no room now has it in a later poll.
        desk.calendar.write { record in
            core.control(record, continuation: nil) ? core.logEnd.lastSequence : nil
        }
        let isWanted =
            expiry.isWanted(behind: core.logEnd.lastSequence) && core.hasFewEventsToTell
        if isWanted || expiry.isDue(core.logNanos),
            core.control(ExpiryAlarm.record, continuation: nil)
        {
            expiry.ring(core.logNanos)
        }
        return true
    }

    /// What is in force already, or is not the next, is not written.
    private mutating func take(_ wish: OperatorCommand) {
        if wish.record.kind == .activateRules,
            wish.record.rulesPutInForce != rulesInForce &+ 1
        {
            desk.commands.tell(CommandAnswer(sequence: 0, reason: .invalidControl))
        } else {
            waiting.append((wish, true))
            #if NEEDLETAIL_MUTANTS
            if Mutant.wishWrittenTwice.isPlanted { waiting.append((wish, true)) }
            #endif
        }
    }
}
