// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import NICGateway
import Pipeline
import ShardRig
import Wire

/// Shards of one venue, one behind the other: the first speaks, the next follows its log, record by
/// record, until the first is killed; then it speaks, and one more follows. Nothing leaves before
/// the follower has it.
final class Succession {
    /// Who speaks, whoever followed and is still there behind it.
    private(set) var primary: ShardRig
    private(set) var standby: ShardRig?
    /// The log, as whoever speaks has it; what died with its host is not in it.
    private(set) var log: [LogRecord] = []
    /// Takeovers so far.
    private(set) var takeovers: UInt32 = 0
    /// Called with the new one, after it has taken over.
    var onTakeover: (ShardRig) -> Void = { _ in }
    private let configuration: Configuration
    private var kills: [Int]

    /// A primary that is killed when its log has so many records, its heir at the next number, and
    /// so on.
    init(_ configuration: Configuration, kills: [Int]) throws {
        self.configuration = configuration
        self.kills = kills
        let port = try ShardRig.port(buffers: 2_047)
        primary = try ShardRig(configuration, port: port, number: 0, steering: nil)
        try follow()
    }

    var isDone: Bool { kills.isEmpty }

    /// One poll of everybody; the moment of death lies between the log and the reports.
    func poll() throws {
        _ = primary.shard.core.pollIntake()
        _ = primary.shard.loop.poll()
        if mirror() {
            _ = primary.shard.core.pollOutput()
        } else {
            try takeOver()
        }
        if let standby { _ = standby.shard.core.discardIntake() }
    }

    /// Copies what is new in the log to the standby. False when the primary dies before it is
    /// through.
    private func mirror() -> Bool {
        var records = primary.records(from: UInt64(log.count) + 1)
        let end = kills.first.map { max(0, $0 - log.count) } ?? records.count
        let isAlive = records.count <= end
        if !isAlive {
            records.removeLast(records.count - end)
            // Never half of a pair.
            if records.last?.isPair == true { records.removeLast() }
        }
        log += records
        standby?.follow(records)
        return isAlive
    }

    private func takeOver() throws {
        guard let heir = standby.take() else { return }
        kills.removeFirst()
        takeovers += 1
        heir.takeOver(epoch: configuration.epoch + takeovers, lastCarriedSequence: log.count)
        primary = heir
        try follow()
        onTakeover(heir)
    }

    private func follow() throws {
        guard !kills.isEmpty else { return }
        let rig = try ShardRig(
            configuration, port: ShardRig.port(buffers: 2_047), number: 0, steering: nil,
            opened: false)
        rig.follow(log)
        standby = rig
    }
}

extension ShardRig {
    /// A shard that followed all that is in this one's log, and speaks from now on.
    func heir(_ change: (ShardRig) -> Void = { _ in }) throws -> ShardRig {
        let heir = try follower()
        change(heir)
        heir.takeOver(epoch: configuration.epoch + 1, lastCarriedSequence: Int(logged))
        heir.settle()
        _ = heir.sent()
        return heir
    }

    /// A shard that has followed all that is in this one's log so far.
    func follower() throws -> ShardRig {
        let rig = try ShardRig(
            configuration, port: ShardRig.port(buffers: 2_047), number: 0, steering: nil,
            opened: false)
        rig.follow(records())
        return rig
    }

    /// Takes up whole commands of somebody else's log.
    func follow(_ records: [LogRecord]) {
        var index = 0
        while index < records.count {
            let continuation = records[index].isPair ? records[index + 1] : nil
            while !shard.core.restore(records[index], continuation: continuation) { catchUp() }
            index += continuation == nil ? 1 : 2
        }
        catchUp()
    }

    private func catchUp() {
        var hasWorked = true
        while hasWorked {
            hasWorked = shard.loop.poll()
            hasWorked = shard.core.pollRecovery() || hasWorked
        }
    }

    /// Speaks from now on, behind a log that was followed so far.
    func takeOver(epoch: UInt32, lastCarriedSequence: Int, toldSequence: UInt64 = 0) {
        shard.core.open(
            epoch: epoch, policy: .none, journal: nil, history: nil, toldSequence: toldSequence)
        let isWritten = shard.core.control(
            .epochStart(
                epoch: epoch, rulesVersion: 1, lastCarriedSequence: UInt64(lastCarriedSequence),
                indexSeed: UInt64(epoch), shard: 0, host: 1),
            continuation: shard.loop.engine.limits.continuation)
        precondition(isWritten, "the log has room for the epoch")
        while shard.loop.poll() {}
        shard.core.announceAddress()
    }

    /// Polls until all of the public stream is published again that is to be.
    func settlePublicTail() {
        // A poll has something to do as long as anything is left.
        while settle() == 2_000 {}
        _ = sent()
    }
}
