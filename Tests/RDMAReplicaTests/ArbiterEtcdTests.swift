// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Synchronization
import TestSeed
import Testing

@testable import RDMAReplica

@Suite(
    .serialized,
    .enabled(if: EtcdCluster.isInstalled, "skipped: no /usr/bin/etcd (apt-get install etcd-server)")
)
struct `An arbiter in etcd` {
    /// What one swap did to the key: from a revision to another, neither shared with a second one.
    private struct Win {
        let from: UInt64
        let to: UInt64
    }

    /// Contenders that read and swap until each has had so many turns; their wins must not overlap.
    private func contend(
        _ cluster: EtcdCluster, contenders: Int, turns: Int, meanwhile: () throws -> Void
    ) throws {
        let wins = Mutex<[Win]>([])
        let group = DispatchGroup()
        for contender in 0..<contenders {
            let arbiter = try cluster.arbiter(from: contender, timeoutMillis: 300)
            let thread = Thread {
                defer { group.leave() }
                for turn in 0..<turns {
                    guard let (_, revision) = found(arbiter) else { return }
                    let host = UInt32(contender + 1)
                    let new = decision(
                        1, host, [host], nonce: UInt64(contender * 1_000_000 + turn))
                    switch settled(arbiter, new, for: revision) {
                    case .won(let to): wins.withLock { $0.append(Win(from: revision, to: to)) }
                    case .lost(_, let now): #expect(now != revision)
                    case .unknown, nil: Issue.record("never known")
                    }
                }
            }
            group.enter()
            thread.start()
        }
        try meanwhile()
        #expect(group.wait(timeout: .now() + 120) == .success)
        let sorted = wins.withLock { $0.sorted { $0.from < $1.from } }
        #expect(!sorted.isEmpty && sorted.allSatisfy { $0.from < $0.to })
        for (win, next) in zip(sorted, sorted.dropFirst()) {
            #expect(win.to <= next.from, "two won from one revision")
        }
        let last = try #require(found(try cluster.arbiter()))
        #expect(last.revision >= sorted.last?.to ?? 0)
    }

    private func startCluster() throws -> EtcdCluster {
        let cluster = try EtcdCluster(count: 3, folder: ArbiterFolder())
        let (decision, revision) = try #require(found(try cluster.arbiter()), "no cluster")
        #expect(decision == nil && revision == 0)
        return cluster
    }

    @Test func `is one cell, whichever member is asked`() throws {
        let cluster = try startCluster()
        let arbiters = try (0..<3).map { try cluster.arbiter(from: $0) }
        var random = SeededRandom(seed: TestSeed.run)
        var naive = NaiveArbiter()
        // Naive revisions count from 0; etcd's are its own.
        var revisions: [UInt64] = [0]
        for _ in 0..<100 {
            let new = anyDecision(&random)
            let asked = random.below(3) == 0 ? random.below(naive.revision + 1) : naive.revision
            let isWon = naive.swap(new, for: asked)
            let arbiter = arbiters[Int(random.below(3))]
            let outcome = settled(arbiter, new, for: revisions[Int(asked)])
            if isWon, case .won(let revision) = outcome {
                #expect(revision > revisions.last!)
                revisions.append(revision)
            } else {
                #expect(!isWon && outcome == .lost(naive.decision, revision: revisions.last!))
            }
            #expect(
                settled(arbiters[Int(random.below(3))], new, for: revisions[Int(asked)]) == outcome)
            let (last, revision) = try #require(found(arbiters[Int(random.below(3))]))
            #expect(last == naive.decision && revision == revisions.last)
        }
    }

    @Test func `lets one win each revision, also when its leader is killed`() throws {
        let cluster = try startCluster()
        try contend(cluster, contenders: 4, turns: 40) {}
        try contend(cluster, contenders: 4, turns: 60) {
            usleep(100_000)
            let leader = try #require(cluster.leader())
            cluster.signal(SIGKILL, leader)
            usleep(400_000)
            try cluster.restart(leader)
        }
    }

    @Test func `lets one win each revision while members stall as on a slow disk`() throws {
        let cluster = try startCluster()
        var random = SeededRandom(seed: TestSeed.run)
        try contend(cluster, contenders: 3, turns: 60) {
            for _ in 0..<12 {
                let member = Int(random.below(3))
                cluster.signal(SIGSTOP, member)
                usleep(UInt32(20_000 + random.below(300_000)))
                cluster.signal(SIGCONT, member)
                usleep(UInt32(random.below(50_000)))
            }
        }
    }

    @Test func `knows nothing while two of three members are silent, and all of it then`() throws {
        let cluster = try startCluster()
        let arbiters = try (0..<3).map { try cluster.arbiter(from: $0, timeoutMillis: 300) }
        guard case .won(let first)? = settled(arbiters[0], decision(1, 1, [1], nonce: 1), for: 0)
        else {
            Issue.record("no first decision")
            return
        }
        cluster.stop(0)
        cluster.stop(1)
        let wanted = (1...3).map { (host: UInt32) in
            decision(2, host, [host], nonce: 100 + UInt64(host))
        }
        for index in 0..<3 {
            let outcome = arbiters[index].swap(wanted[index], for: first)
            guard case .unknown(let cause) = outcome else {
                Issue.record("\(outcome) by a minority")
                continue
            }
            #expect(cause.contains("no member of etcd answers"))
            #expect(throws: ArbiterError.self) { try arbiters[index].read() }
        }
        cluster.signal(SIGCONT, 0)
        cluster.signal(SIGCONT, 1)
        let start = DispatchTime.now().uptimeNanoseconds
        let outcomes = (0..<3).map { settled(arbiters[$0], wanted[$0], for: first) }
        show(
            [Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6],
            "two silent and back, three swaps")
        let winners = outcomes.indices.filter { outcomes[$0]?.wonRevision != nil }
        try #require(winners.count == 1, "\(outcomes)")
        let (last, revision) = try #require(found(arbiters[2]))
        #expect(last == wanted[winners[0]])
        for index in 0..<3 where index != winners[0] {
            #expect(outcomes[index] == .lost(last, revision: revision))
        }
    }

    /// Puts a decision there, and says how long that took.
    private func decide(
        _ arbiter: EtcdArbiter, _ nonce: Int, _ revision: inout UInt64
    ) throws -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        let outcome = settled(arbiter, decision(1, 1, [1], nonce: UInt64(nonce)), for: revision)
        let end = DispatchTime.now().uptimeNanoseconds
        revision = try #require(outcome?.wonRevision, "\(String(describing: outcome))")
        return Double(end - start) / 1e6
    }

    private func show(_ millis: [Double], _ what: String) {
        let sorted = millis.sorted()
        let texts = [sorted[sorted.count / 2], sorted[sorted.count * 99 / 100], sorted.last!]
            .map { String(format: "%.1f", $0) }
        print(
            "etcd, three members, \(what): decided after \(texts[0]) ms (median of "
                + "\(sorted.count)), \(texts[1]) (p99), \(texts[2]) (max)")
    }

    @Test func `decides after its leader is killed`() throws {
        let cluster = try startCluster()
        let arbiter = try cluster.arbiter()
        var revision: UInt64 = 0
        show(try (0..<200).map { try decide(arbiter, $0, &revision) }, "all well")
        var millis: [Double] = []
        for round in 200..<210 {
            let leader = try #require(cluster.leader())
            cluster.signal(SIGKILL, leader)
            millis.append(try decide(arbiter, round, &revision))
            try cluster.restart(leader)
            // Until it answers, and so follows the new one.
            _ = try #require(found(try EtcdArbiter(cluster.single(leader))))
        }
        show(millis, "leader killed")
    }

    @Test func `decides while its leader is cut off, which has lost when it is back`() throws {
        let cluster = try startCluster()
        let arbiter = try cluster.arbiter()
        var revision: UInt64 = 0
        var millis = [try decide(arbiter, 0, &revision)]
        for round in 1...10 {
            let leader = try #require(cluster.leader())
            let before = revision
            cluster.stop(leader)
            millis.append(try decide(arbiter, round, &revision))
            cluster.signal(SIGCONT, leader)
            let late = settled(
                try EtcdArbiter(cluster.single(leader)), decision(1, 2, [2], nonce: 1), for: before)
            #expect(late == .lost(decision(1, 1, [1], nonce: UInt64(round)), revision: revision))
        }
        show(Array(millis.dropFirst()), "leader cut off")
    }

    @Test(.enabled(if: SlowDisk.isThere, "skipped: no strace (apt-get install strace), or no root"))
    func `decides on slow disks`() throws {
        let cluster = try startCluster()
        let arbiter = try cluster.arbiter()
        var revision: UInt64 = 0
        _ = try decide(arbiter, 0, &revision)
        for syncMillis in [20, 100] {
            let disks = try cluster.members.map { try SlowDisk($0, syncMillis: syncMillis) }
            let millis = try withExtendedLifetime(disks) {
                try (1...20).map { try decide(arbiter, 100 * syncMillis + $0, &revision) }
            }
            show(millis, "disks that take \(syncMillis) ms to sync")
        }
    }
}
