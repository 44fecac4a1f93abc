// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Synchronization
import TestSeed
import Testing

@_spi(Testing) @testable import RDMAReplica

@Suite struct `An arbiter in a folder` {
    @Test func `is one cell, whoever asks and however often`() throws {
        var random = SeededRandom(seed: TestSeed.run)
        for _ in 0..<20 {
            let folder = try ArbiterFolder()
            let hosts = (0..<3).map { _ in FileArbiter(folder: folder.path) }
            var naive = NaiveArbiter()
            for _ in 0..<40 {
                let host = hosts[Int(random.below(3))]
                let new = anyDecision(&random)
                let revision = random.below(3) == 0 ? random.below(12) : naive.revision
                let isWon = naive.swap(new, for: revision)
                let outcome = host.swap(new, for: revision)
                let again = host.swap(new, for: revision)
                #expect(
                    outcome
                        == (isWon
                            ? .won(revision: naive.revision)
                            : .lost(naive.decision, revision: naive.revision)))
                #expect(again == outcome)
                let (decision, found) = try hosts[Int(random.below(3))].read()
                #expect(decision == naive.decision && found == naive.revision)
            }
            #expect(folder.names.count <= Int(DecisionFolder.keptCount))
        }
    }

    @Test func `lets one of many threads win each revision`() throws {
        let folder = try ArbiterFolder()
        let wins = Mutex<[UInt64]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            let arbiter = FileArbiter(folder: folder.path)
            for attempt in 0..<40 {
                guard let (_, revision) = try? arbiter.read() else {
                    Issue.record("not read")
                    return
                }
                let new = decision(
                    1, UInt32(index + 1), [UInt32(index + 1)], nonce: UInt64(index * 100 + attempt))
                switch arbiter.swap(new, for: revision) {
                case .won(let revision): wins.withLock { $0.append(revision) }
                case .lost: break
                case .unknown(let cause): Issue.record("\(cause)")
                }
            }
        }
        let (_, last) = try FileArbiter(folder: folder.path).read()
        let won = wins.withLock { $0 }
        #expect(Set(won).count == won.count && (won.max() ?? 0) <= last)
        #expect(!won.isEmpty)
    }

    @Test func `lets one of several processes win each revision`() throws {
        let folder = try ArbiterFolder()
        let racers = try (1...4).map { try Racer([folder.path, "\($0)", "50"]) }
        let lines = racers.flatMap { $0.lines() }
        let won = lines.compactMap { $0.split(separator: " ").dropFirst().first }
        #expect(lines.count == 200 && lines.allSatisfy { $0.hasPrefix("won ") }, "\(lines)")
        #expect(Set(won).count == 200, "a revision was won twice")
    }

    @Test(arguments: FileArbiter.steps)
    func `is as before or as after when the one who swaps is killed`(step: String) throws {
        for before in [0, 1, 9] {
            let folder = try ArbiterFolder()
            let arbiter = FileArbiter(folder: folder.path)
            for nonce in 0..<before {
                _ = arbiter.swap(decision(1, 1, [1], nonce: UInt64(nonce)), for: UInt64(nonce))
            }
            let racer = try Racer([folder.path, "2", "1", step])
            #expect(racer.lines().isEmpty && racer.process.terminationReason == .uncaughtSignal)
            let isPut = ["linked", "folderSynchronized", "pruned"].contains(step)
            let (found, revision) = try arbiter.read()
            #expect(revision == UInt64(before + (isPut ? 1 : 0)))
            #expect(found?.primary == (isPut ? 2 : before == 0 ? nil : 1))
            // And the next one goes on, and clears away what was left.
            let next = decision(9, 3, [3], nonce: 77)
            #expect(arbiter.swap(next, for: revision) == .won(revision: revision + 1))
            #expect(folder.names.allSatisfy { $0.hasPrefix("state.") })
        }
    }

    /// The race that pruning opens: the name is free again, and the link succeeds.
    @Test func `is lost to one who slept before its link until its revision was pruned`() throws {
        let folder = try ArbiterFolder()
        let others = FileArbiter(folder: folder.path)
        let sleeper = FileArbiter(folder: folder.path) { step in
            guard step == "synchronized" else { return }
            for nonce in 0..<UInt64(20) {
                let new = decision(2, 2, [2], nonce: nonce)
                // The first prune takes the sleeper's own file: give it back, as a slow disk might.
                let mine = folder.names.first { $0.hasSuffix(".abc") }
                let bytes = mine.flatMap { try? folder.bytes(of: $0) }
                #expect(others.swap(new, for: nonce) == .won(revision: nonce + 1))
                if let mine, let bytes {
                    try? folder.write(String(decoding: bytes, as: UTF8.self), to: mine)
                }
            }
        }
        let outcome = sleeper.swap(decision(1, 1, [1], nonce: 0xabc), for: 0)
        #expect(folder.names.contains("state.1"), "the link went through")
        #expect(outcome == .lost(decision(2, 2, [2], nonce: 19), revision: 20))
        #expect(try others.read().revision == 20)
    }

    @Test func `believes no newest file that is torn, edited, empty or foreign`() throws {
        let right = decision(3, 1, [1, 2], nonce: 5).text
        for (text, clause) in [
            ("", "is empty"), (String(right.prefix(40)), "has no 'in-sync:'"),
            (right.replacing("epoch: 3", with: "epoch: 4"), "torn or was edited"),
            (right + right, "torn or was edited"),
            ("hello\n", "does not begin with 'needletail decision 1'"),
            (String(repeating: "x", count: 9_999), "a decision has fewer"),
        ] {
            let folder = try ArbiterFolder()
            let arbiter = FileArbiter(folder: folder.path)
            _ = arbiter.swap(decision(1, 1, [1], nonce: 1), for: 0)
            try folder.write(text, to: "state.2")
            let error = #expect(throws: ArbiterError.self) { try arbiter.read() }
            #expect(error?.description.contains(clause) == true, "\(String(describing: error))")
            guard case .unknown = arbiter.swap(decision(2, 2, [2], nonce: 2), for: 2) else {
                Issue.record("swapped over what cannot be read")
                return
            }
            #expect(folder.names == ["state.1", "state.2"])
        }
    }

    @Test func `passes over names that are no revisions`() throws {
        let folder = try ArbiterFolder()
        for name in ["state.", "state.0", "state.01", "state.-1", "state.9x", "STATE.7", "state"] {
            try folder.write("x", to: name)
        }
        try folder.write("x", to: "state.99999999999999999999")
        let arbiter = FileArbiter(folder: folder.path)
        #expect(try arbiter.read().revision == 0)
        #expect(arbiter.swap(decision(1, 1, [1], nonce: 1), for: 0) == .won(revision: 1))
    }

    @Test func `says what is wrong with its folder and its files`() throws {
        func problem(_ folder: ArbiterFolder) -> String {
            let arbiter = FileArbiter(folder: folder.path)
            guard case .unknown(let cause) = arbiter.swap(decision(1, 1, [1], nonce: 1), for: 0)
            else { return "" }
            return cause
        }
        let open = try ArbiterFolder()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o777], ofItemAtPath: open.path)
        #expect(problem(open).contains("whoever writes there decides who speaks"))
        let writable = try ArbiterFolder()
        try writable.write(decision(1, 1, [1], nonce: 1).text, to: "state.1", mode: 0o666)
        #expect(problem(writable).contains("is no file that only its owner may write"))
        let nested = try ArbiterFolder()
        try FileManager.default.createDirectory(
            atPath: nested.path + "/state.1", withIntermediateDirectories: false)
        #expect(problem(nested).contains("is no file"))
        let linked = try ArbiterFolder()
        try FileManager.default.createSymbolicLink(
            atPath: linked.path + "/state.1", withDestinationPath: "/etc/passwd")
        #expect(problem(linked).contains("cannot open"))
        let missing = try ArbiterFolder()
        try FileManager.default.removeItem(atPath: missing.path)
        #expect(problem(missing).contains("make the folder that"))
    }

    @Test(.enabled(if: geteuid() == 0, "skipped: only root can mount a disk that is full"))
    func `says that its disk is full, and is as before`() throws {
        let folder = try ArbiterFolder()
        let mount = try run(
            "/usr/bin/mount",
            [
                "-t", "tmpfs", "-o", "size=4k,mode=755", "none",
                folder.path,
            ])
        guard mount == 0 else { return print("skipped: no tmpfs can be mounted here") }
        defer { _ = try? run("/usr/bin/umount", [folder.path]) }
        try folder.write(String(repeating: "x", count: 4_096), to: "other")
        let arbiter = FileArbiter(folder: folder.path)
        guard case .unknown(let cause) = arbiter.swap(decision(1, 1, [1], nonce: 1), for: 0) else {
            Issue.record("written to a full disk")
            return
        }
        #expect(cause.contains("No space left on device; make room on its disk"))
        #expect(folder.names == ["other"])
    }

    private func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        let process = try Process.run(URL(fileURLWithPath: program), arguments: arguments)
        process.waitUntilExit()
        return process.terminationStatus
    }
}
