// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing

@testable import RDMAReplica

@Suite struct `An arbiter that is an operator` {
    @Test func `lets a program take no power, whatever it asks for`() throws {
        var random = SeededRandom(seed: TestSeed.run)
        func small(_ nonce: UInt64) -> Decision {
            let primary = UInt32(1 + random.below(2))
            return decision(
                UInt32(1 + random.below(3)), primary,
                random.below(2) == 0 ? [primary] : [primary, 3 - primary],
                random.below(2) == 0 ? .active : .promoting, nonce: nonce)
        }
        for nonce in 0..<3_000 {
            let old = random.below(5) == 0 ? nil : small(0)
            let new = small(UInt64(nonce))
            guard ManualArbiter.mayProgram(put: new, over: old, on: 1) else { continue }
            // Naive: host 1 leads afterwards only if it led before, in that epoch, and it does
            // without nobody whom it waited for. Never is an epoch taken back.
            #expect(new.epoch >= old?.epoch ?? 0)
            if new.primary == 1 {
                #expect(old?.primary == 1 && old?.epoch == new.epoch)
                #expect(old!.inSync.allSatisfy(new.inSync.contains))
                #expect(!(old!.phase == .active && new.phase == .promoting))
            } else if old?.primary == 1 {
                #expect(new.epoch > old!.epoch)
            }
        }
    }

    @Test func `wants a folder of each host's own, and says so of one that is missing`() {
        let arbiter = ManualArbiter(folder: "/nowhere/arbiter", host: 1)
        let error = #expect(throws: ArbiterError.self) { try arbiter.read() }
        let text = error?.description ?? ""
        #expect(text.contains("make the folder that") && !text.contains("both"), "\(text)")
    }

    @Test func `carries two hosts through a fail-over and back`() throws {
        let folders = try [ArbiterFolder(), ArbiterFolder()]
        let (first, second) = (
            ManualArbiter(folder: folders[0].path, host: 1),
            ManualArbiter(folder: folders[1].path, host: 2)
        )
        let begun = try first.carryOut(.begin, peer: 2, firstEpoch: 1, nonce: 1)
        #expect(begun == decision(1, 1, [1], .promoting, nonce: 1))
        let active = decision(1, 1, [1], nonce: 2)
        #expect(first.swap(active, for: 1) == .won(revision: 2))
        let both = decision(1, 1, [1, 2], nonce: 3)
        #expect(second.swap(both, for: 0) == .won(revision: 1))
        #expect(first.swap(both, for: 2) == .won(revision: 3))
        // The first falls silent. Neither may do anything about it by itself.
        let promotion = decision(2, 2, [2], .promoting, nonce: 4)
        #expect(first.swap(decision(1, 1, [1], nonce: 5), for: 3) == .lost(both, revision: 3))
        #expect(second.swap(promotion, for: 1) == .lost(both, revision: 1))
        // The operator has the say, and the standby's own swap finds it done.
        let ordered = try second.carryOut(.promote, peer: 1, firstEpoch: 1, nonce: 6)
        #expect(ordered == decision(2, 2, [2], .promoting, nonce: 6))
        #expect(second.swap(promotion, for: 1) == .won(revision: 2))
        #expect(second.swap(decision(2, 2, [2], nonce: 7), for: 2) == .won(revision: 3))
        // The first comes back, gives way, and is in sync again.
        let back = decision(2, 2, [2, 1], nonce: 8)
        #expect(first.swap(back, for: 3) == .won(revision: 4))
        #expect(second.swap(back, for: 3) == .won(revision: 4))
        // And the second goes on alone only when it is told so.
        #expect(second.swap(decision(2, 2, [2], nonce: 9), for: 4) == .lost(back, revision: 4))
        let alone = try second.carryOut(.goSolo, peer: 1, firstEpoch: 1, nonce: 10)
        #expect(alone == decision(2, 2, [2], nonce: 10))
        #expect(second.swap(decision(2, 2, [2], nonce: 9), for: 4) == .won(revision: 5))
    }

    @Test func `says why an order makes no sense, and changes nothing`() throws {
        let folder = try ArbiterFolder()
        let arbiter = ManualArbiter(folder: folder.path, host: 2)
        func refused(_ order: ManualArbiter.Order) -> String {
            let names = folder.names
            let error = #expect(throws: ArbiterError.self) {
                try arbiter.carryOut(order, peer: 1, firstEpoch: 1, nonce: 1)
            }
            #expect(folder.names == names)
            return error?.description ?? ""
        }
        #expect(refused(.promote).contains("has no decision yet: begin on the host"))
        _ = arbiter.swap(decision(4, 1, [1], nonce: 2), for: 0)
        #expect(refused(.begin).contains("has a decision already, epoch 4 with host 1"))
        #expect(refused(.promote).contains("host 2 does not hold all that was acknowledged"))
        #expect(refused(.goSolo).contains("host 2 does not lead, host 1 does"))
        _ = arbiter.swap(decision(.max, 1, [1, 2], nonce: 3), for: 1)
        #expect(refused(.promote) == "there is no epoch left")
        #expect(refused(.promoteByForce) == "there is no epoch left")
        try folder.write("torn", to: "state.3")
        #expect(refused(.promote).contains("does not begin with"))
    }

    @Test func `lets a host that has led lead again alone, or by force`() throws {
        let folder = try ArbiterFolder()
        let arbiter = ManualArbiter(folder: folder.path, host: 1)
        func order(_ order: ManualArbiter.Order, _ nonce: UInt64) throws -> Decision {
            try arbiter.carryOut(order, peer: 2, firstEpoch: 6, nonce: nonce)
        }
        // The folder is a new one, and the log is not: its epochs are over.
        let begun = try order(.promoteByForce, 1)
        #expect(begun == decision(7, 1, [1], .promoting, nonce: 1))
        #expect(try order(.promote, 2) == begun, "ordered already")
        #expect(try order(.promoteByForce, 3) == begun)
        #expect(throws: ArbiterError.self) { try order(.begin, 3) }
        #expect(arbiter.swap(decision(7, 1, [1], nonce: 4), for: 1) == .won(revision: 2))
        #expect(try order(.promote, 5) == decision(9, 1, [1], .promoting, nonce: 5))
        #expect(arbiter.swap(decision(9, 1, [1], nonce: 6), for: 3) == .won(revision: 4))
        #expect(arbiter.swap(decision(9, 1, [1, 2], nonce: 7), for: 4) == .won(revision: 5))
        // The other may hold what was here in memory only.
        let error = #expect(throws: ArbiterError.self) { try order(.promote, 8) }
        #expect(error?.description.contains("may have lost in its fall") == true)
        #expect(try order(.promoteByForce, 9) == decision(11, 1, [1], .promoting, nonce: 9))
    }

    @Test func `gives two hosts that are both promoted two epochs, whatever came before`() throws {
        for seen in [0, 1, 2, 7, 8, UInt32.max - 3] as [UInt32] {
            let lower = try #require(ManualArbiter.epoch(after: seen, host: 1, peer: 2))
            let higher = try #require(ManualArbiter.epoch(after: seen, host: 2, peer: 1))
            #expect(lower > seen && higher > seen && lower % 2 == 1 && higher % 2 == 0)
        }
        #expect(ManualArbiter.epoch(after: .max, host: 1, peer: 2) == nil)
        #expect(ManualArbiter.epoch(after: .max, host: 2, peer: 1) == nil)
    }
}

@Suite struct `An arbiter's thread` {
    @Test func `has one request at a time, and gives each answer once`() throws {
        let folder = try ArbiterFolder()
        let runner = try ArbiterRunner(FileArbiter(folder: folder.path))
        #expect(runner.takeAnswer() == nil)
        var revision: UInt64 = 0
        for nonce in 0..<50 as Range<UInt64> {
            let new = decision(1, 1, [1], nonce: nonce)
            #expect(runner.ask(.swap(new, for: revision)))
            #expect(!runner.ask(.read), "the answer was not taken yet")
            #expect(answer(of: runner) == .swap(.won(revision: revision + 1)))
            #expect(runner.takeAnswer() == nil)
            #expect(runner.ask(.read))
            revision += 1
            #expect(answer(of: runner) == .read(new, revision: revision))
        }
        try folder.write("torn", to: "state.51")
        #expect(runner.ask(.read))
        guard case .failed = answer(of: runner) else {
            Issue.record("read what is torn")
            return
        }
    }

    @Test func `ends with its owner, with a request under way or an answer not taken`() throws {
        let folder = try ArbiterFolder()
        for turn in 0..<50 {
            let runner = try ArbiterRunner(FileArbiter(folder: folder.path))
            if turn % 3 > 0 { #expect(runner.ask(.read)) }
            if turn % 3 > 1 { usleep(500) }
        }
    }

    private func answer(of runner: ArbiterRunner) -> ArbiterRunner.Answer? {
        for _ in 0..<200_000 {
            if let answer = runner.takeAnswer() { return answer }
            usleep(50)
        }
        return nil
    }
}

@Suite struct `Settings of an arbiter` {
    @Test func `that are wrong are refused with cause and cure, all at once`() throws {
        var settings = EtcdSettings(endpoints: ["https://a:2379", "https://[::1]:2379"], key: "k")
        #expect(settings.problems().isEmpty)
        settings.certificateFile = "/c.pem"
        settings.user = "u"
        settings.endpoints = ["http://a:2379", "a:2379", "https://a:2379/v3", "http://a:2379"]
        settings.key = ""
        settings.timeoutMillis = 5
        let text = settings.problems().joined(separator: "\n")
        for clause in [
            "'a:2379' is no endpoint", "'https://a:2379/v3' is no endpoint", "is there twice",
            "1 to 1,024 bytes", "its private key come together", "the file of the password come",
            "begins with http:", "50 to 60,000 ms, not 5",
        ] { #expect(text.contains(clause), "\(clause)") }
        #expect(ArbiterSettings(kind: .etcd(settings)).problems() == settings.problems())
        #expect(!ArbiterSettings(kind: .file(folder: "here")).problems().isEmpty)
        #expect(throws: ArbiterError.self) {
            try ArbiterSettings(kind: .manual(folder: "here")).makeArbiter(host: 1)
        }
        let arbiter = try ArbiterSettings(kind: .manual(folder: "/there")).makeArbiter(host: 1)
        #expect(arbiter.description == "manual arbiter of host 1 in /there")
    }

    @Test func `take a password from a file that not everybody may read`() throws {
        let folder = try ArbiterFolder()
        var settings = EtcdSettings(endpoints: ["https://a:2379"], key: "k")
        settings.user = "u"
        settings.passwordFile = folder.path + "/password"
        func problem() -> String {
            do throws(ArbiterError) { _ = try settings.password() } catch {
                return error.description
            }
            return ""
        }
        #expect(problem().contains("cannot open the password file"))
        try folder.write("\nx", to: "password", mode: 0o600)
        #expect(problem().contains("is empty"))
        try folder.write("secret\n", to: "password", mode: 0o644)
        #expect(problem().contains("chmod 600"))
        try folder.write("secret\n", to: "password", mode: 0o640)
        #expect(try settings.password() == "secret")
    }
}
