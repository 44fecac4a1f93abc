// SPDX-License-Identifier: Apache-2.0
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// SAFETY: `ring` and `records` are as large as the loop below says.
@Suite struct `Bursts` {
    /// Applies a whole flow: what is not a pair in bursts of `length`; answers hash and digest.
    private func applyAll(
        _ commands: [Command], length: Int, sliceEvents: Int, room: UInt64,
        bounds: StepBounds, shallowOrdersMax: UInt32 = 0, limits: EngineLimits = smallLimits
    ) throws -> [UInt64] {
        let ring = UnsafeMutablePointer<Event>.allocate(capacity: Rig.ringCapacity)
        defer { unsafe ring.deallocate() }
        var outbox = unsafe EventOutbox(slots: ring, capacity: Rig.ringCapacity, position: 1)
        var engine = try Engine(
            limits: limits, sliceEvents: sliceEvents, bounds: bounds,
            shallowOrdersMax: shallowOrdersMax)
        var records: [LogRecord] = []
        var next: UInt64 = 1
        for command in commands {
            var record = command.record
            record.sequence = next
            next += command.continuation == nil ? 1 : 2
            records.append(record)
        }
        var index = 0
        while index < records.count {
            if commands[index].continuation != nil {
                _ = engine.apply(
                    records[index], continuation: commands[index].continuation, into: &outbox)
                index += 1
            } else {
                let end = commands[index...].firstIndex { $0.continuation != nil }
                let count = min(length, (end ?? commands.count) - index)
                let applied = unsafe records.withUnsafeBufferPointer { buffer in
                    unsafe engine.applyBurst(
                        buffer.baseAddress! + index, count: count,
                        roomEnd: outbox.position + room, into: &outbox)
                }
                #expect(applied > 0 && applied <= count)
                index += applied
            }
            while !engine.isComplete { _ = engine.resume(into: &outbox) }
        }
        #expect(engine.checkInvariants() == nil)
        return [engine.stateHash, engine.digest(), outbox.position]
    }

    @Test(arguments: [StepBounds(), StepBounds(own: 2, behind: 1, behindTime: 2)])
    func `give the same events and state whatever their length and room`(
        bounds: StepBounds
    ) throws {
        announce(TestSeed.run)
        var flow = RandomFlow(seed: TestSeed.run, limits: smallLimits, rules: 3)
        var commands = flow.opening()
        for _ in 0..<8000 { commands.append(flow.next()) }
        let least = UInt64(Engine.eventsPerSliceMax)
        let expected = try applyAll(
            commands, length: 1, sliceEvents: 256, room: least, bounds: bounds)
        for (length, sliceEvents, room) in [
            (3, 256, least + 1), (16, 2, least + 9), (97, 256, 700),
        ] {
            // Never deep, now and then, and nearly always.
            for shallowOrdersMax in [1_000, 20, 0] as [UInt32] {
                let found = try applyAll(
                    commands, length: length, sliceEvents: sliceEvents, room: room,
                    bounds: bounds, shallowOrdersMax: shallowOrdersMax)
                #expect(found == expected)
            }
        }
    }

    @Test func `give the same in an engine for many instruments`() throws {
        announce(TestSeed.run)
        var limits = smallLimits
        limits.instrumentCapacity = Engine.manyInstruments
        var flow = RandomFlow(seed: TestSeed.run, limits: limits, rules: 3)
        var commands = flow.opening()
        for _ in 0..<8000 { commands.append(flow.next()) }
        let found = try [1_000, 0].map { shallowOrdersMax in
            try applyAll(
                commands, length: 97, sliceEvents: 256, room: 700, bounds: StepBounds(),
                shallowOrdersMax: shallowOrdersMax, limits: limits)
        }
        #expect(found[0] == found[1])
    }
}
