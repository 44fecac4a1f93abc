// SPDX-License-Identifier: Apache-2.0
//
//  Random bytes against the fold: libFuzzer ─▶ bytes ─▶ records ─▶ small engine.
//
//  The first byte of an input says what the rest is:
//    bit 0      whether what a record says is brought to what could be (`Righted`): sessions and their
//               sequences, so that orders get through, and small ranges of all numbers
//    bits 1…2   the size of a slice: 1, 2, 16 or 256 events
//    bits 3…4   the version of the rules, from the oldest that is folded
//    bit 5      whether commands take few steps, so that much is left over
//  Then 64 bytes are a record each, and two a command where the first says so. Behind an epoch, two
//  instruments and the logons of all sessions they are given to the engine, numbered densely.
//  What must hold: a command has events, the last of which is marked and no other; a slice has no
//  more than there is room for; after each command the invariants; at the end an image gives an
//  engine that gives the same image, and so does a fold in slices of another size.
@_spi(Testing) internal import Engine
internal import FuzzDriver
internal import Wire

/// Where the package manager has an executable begin. Built by `hw/scripts/fuzz`.
@_cdecl("FoldFuzzer_main")
public func start(_ argumentCount: CInt, _ arguments: UnsafeMutableRawPointer) -> CInt {
    unsafe runFuzzer(argumentCount, arguments, take)
}

let limits = EngineLimits(
    orderCapacity: 24, sessionCapacity: 3, instrumentCapacity: 3, ladderTickCapacity: 200,
    sessionOpenOrdersMax: 12)

private func take(_ input: [UInt8]) {
    guard let first = input.first else { return }
    let isRight = first & 1 != 0
    let sliceEvents = [1, 2, 16, 256][Int(first >> 1 & 3)]
    let range = RulesRange.build
    let rules = min(range.oldest + UInt32(first >> 3 & 3), range.newest)
    let records = records(input.dropFirst())
    func image(sliceEvents: Int) -> [UInt8] {
        let bounds =
            first & 32 == 0 ? StepBounds() : StepBounds(own: 2, behind: 1, behindTime: 2)
        var fold = Fold(sliceEvents: sliceEvents, rules: rules, bounds: bounds)
        fold.play(records, isRight: isRight)
        return fold.finish()
    }
    let one = image(sliceEvents: sliceEvents)
    let other = image(sliceEvents: sliceEvents == 256 ? 3 : 256)
    precondition(one == other, "slices of another size come to another image")
}

private func records(_ bytes: ArraySlice<UInt8>) -> [LogRecord] {
    stride(from: bytes.startIndex, through: bytes.endIndex - 64, by: 64).map { start in
        // SAFETY: 64 bytes are there, and any are a record.
        unsafe bytes[start..<start + 64].withUnsafeBytes {
            unsafe $0.loadUnaligned(as: LogRecord.self)
        }
    }
}

/// An engine and the ring for its events.
///
/// SAFETY: `ring` has `ringCapacity` events from `init` to `deinit`.
@safe private struct Fold: ~Copyable {
    private static let ringCapacity = 512
    private let ring: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var engine: Engine
    private var nextSequence: UInt64 = 1

    init(sliceEvents: Int, rules: UInt32, bounds: StepBounds) {
        unsafe ring = .allocate(capacity: Self.ringCapacity)
        outbox = unsafe EventOutbox(slots: ring, capacity: Self.ringCapacity, position: 1)
        do {
            engine = try Engine(limits: limits, sliceEvents: sliceEvents, bounds: bounds)
        } catch {
            fatalError("an engine for the fuzzer: \(error)")
        }
        apply(
            .epochStart(
                epoch: 1, rulesVersion: rules, lastCarriedSequence: 0, indexSeed: 3, shard: 1,
                host: 1), limits.continuation)
        let detail = InstrumentDetail(symbol: "X", priceDecimals: 0, quantityDecimals: 0)
        // Before rules 3 there is room for all prices of a range.
        let far: Int64 = rules < 3 ? 40 : 1 << 61
        for (instrument, lowest, highest) in [(1, 1, 90), (2, -20, far)] as [(UInt32, Int64, Int64)]
        {
            apply(
                .defineInstrument(
                    instrument: instrument, lowestPriceTicks: lowest, highestPriceTicks: highest,
                    quantityLotsMax: 1000, operatorID: 1), detail.continuation)
        }
        for session in 1...limits.sessionCapacity {
            apply(
                .logon(
                    session: session, nonce: 1, token: 1, heartbeatMillis: 1000, source: 1,
                    flags: 0), nil)
        }
    }

    deinit { unsafe ring.deallocate() }

    mutating func play(_ records: [LogRecord], isRight: Bool) {
        var index = 0
        while index < records.count {
            var record = records[index]
            if isRight {
                record = Righted.record(record, before: nextSequence) {
                    engine.session($0)?.expectedSequence ?? 0
                }
            }
            index += 1
            if record.isPair {
                guard index < records.count else { return }
                let second = records[index]
                apply(record, isRight ? Righted.second(second, of: record) : second)
                index += 1
            } else {
                apply(record, nil)
            }
            if let broken = engine.checkInvariants() { fatalError("after \(record): \(broken)") }
        }
    }

    private mutating func apply(_ given: LogRecord, _ continuation: LogRecord?) {
        var record = given
        record.sequence = nextSequence
        nextSequence += record.isPair ? 2 : 1
        var start = outbox.position
        var count = 0
        var isComplete = engine.apply(record, continuation: continuation, into: &outbox)
        while true {
            let length = outbox.position - start
            precondition(length <= UInt64(Engine.eventsPerSliceMax), "a slice fits its room")
            for position in start..<outbox.position {
                let event = unsafe ring[Int(position) & (Self.ringCapacity - 1)]
                count += 1
                let isLast = isComplete && position == outbox.position - 1
                precondition(event.attributes.contains(.last) == isLast, "the last one is marked")
            }
            if isComplete { break }
            start = outbox.position
            isComplete = engine.resume(into: &outbox)
        }
        precondition(count > 0, "a command has an event")
    }

    /// The image, which gives an engine like this one.
    func finish() -> [UInt8] {
        let image = engine.encodeImage()
        do {
            let again = try Engine.decodeImage(
                // SAFETY: bytes are bytes.
                unsafe image.span.bytes, limits: limits, sliceEvents: 256)
            precondition(again.encodeImage() == image, "an image gives the same image")
            precondition(again.stateHash == engine.stateHash, "an image keeps the hash")
            precondition(again.digest() == engine.digest(), "an image keeps the state")
            if let broken = again.checkInvariants() { fatalError("from an image: \(broken)") }
        } catch {
            fatalError("an engine's own image is refused: \(error)")
        }
        return image
    }
}
