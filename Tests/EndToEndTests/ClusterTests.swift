// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(
    .serialized,
    .enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"),
    .enabled(if: Machine.hasNamespaces, "needs root, iproute2 and network namespaces"))
struct `A pair of gateways` {
    private func expectNothingLost(_ load: Child, _ bench: ClusterBench) throws {
        let end = try load.wait(seconds: 90)
        #expect(end.output.contains("lost 0 · duplicated 0"), "\(end.output)\n\(bench.outputs)")
        #expect(end.status == 0, "\(end.output)\n\(bench.outputs)")
    }

    /// A primary goes on for the moment between the two ends: then there is nothing to compare.
    private func expectSameState(_ primary: Outcome, _ standby: Outcome) {
        // The last of each: a host that came back has told its end more than once.
        func last(_ what: String) -> [Substring?] {
            [primary, standby].map { outcome in
                outcome.output.split(separator: "\n").last { $0.contains(what) }
            }
        }
        let ends = last("last sequence")
        guard ends[0] == ends[1] else { return }
        let hashes = last("state hash")
        #expect(hashes[0] == hashes[1], "\(primary.output)\n\(standby.output)")
    }

    @Test func `switches over from either host under load, and loses and doubles nothing`()
        throws
    {
        let bench = try ClusterBench()
        try bench.startPair()
        let load = try bench.load(rate: 500, seconds: 12)
        usleep(1_500_000)
        let first = try bench.switchOver(1)
        #expect(first.status == 0, "\(first.output)\n\(bench.outputs)")
        #expect(first.output.hasPrefix("host 2 is the primary; for "), "\(first.output)")
        #expect(bench.becomes(2, "primary", inSync: true), "\(bench.outputs)")
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        // Now from the host that is to become the primary.
        let second = try bench.switchOver(1)
        #expect(second.status == 0, "\(second.output)\n\(bench.outputs)")
        #expect(second.output.hasPrefix("host 1 is the primary; for "), "\(second.output)")
        try expectNothingLost(load, bench)
        #expect(bench.becomes(2, "standby", inSync: true), "\(bench.outputs)")
        #expect(bench.becomes(1, "primary", inSync: true), "\(bench.outputs)")
        let text = try bench.cluster(1, "status")
        #expect(text.output.contains("primary of epoch 3, with its standby"), "\(text.output)")
        #expect(text.output.contains("arbiter says   epoch 3, host 1"), "\(text.output)")
        let standby = try bench.stop(2)
        #expect(standby.status == 0 && standby.stateHash != nil, "\(standby.output)")
        let primary = try bench.stop(1)
        expectSameState(primary, standby)
    }

    @Test func `has one host of each number, and the second one ends before it speaks`() throws {
        let bench = try ClusterBench()
        try bench.confuseNumbers()
        try bench.start(1, as: "gateway")
        #expect(bench.becomes(1, "primary", inSync: false), "\(bench.outputs)")
        try bench.start(2, as: "standby")
        let second = try #require(bench.running[1]).wait(seconds: 60)
        #expect(second.status == 78, "\(second.output)")
        #expect(second.output.contains("two hosts have one number"), "\(second.output)")
        let first = try bench.cluster(1, "status")
        #expect(first.output.contains("primary of epoch 1, alone"), "\(first.output)")
        #expect(try bench.stop(1).status == 0)
    }

    @Test func `goes on when its primary is killed, at once, and takes it back anew`() throws {
        let bench = try ClusterBench()
        try bench.startPair()
        let load = try bench.load(rate: 500, seconds: 6)
        usleep(1_500_000)
        bench.kill(1)
        #expect(bench.becomes(2, "primary", inSync: false), "\(bench.outputs)")
        // It says so a moment after it is.
        let why = "the other host is dead, says its watchdog"
        #expect(
            eventually(withinSeconds: 20) { bench.running[1]?.output.contains(why) == true },
            "\(bench.outputs)")
        try expectNothingLost(load, bench)
        let down = try bench.cluster(1, "status")
        #expect(down.status == 69 && down.output.contains("arbiter says   epoch 2, host 2"))
        try bench.start(1, as: "gateway")
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        let resync = try bench.cluster(1, "resync")
        #expect(resync.status == 0, "\(resync.output)")
        let kept = "\(bench.journal(1))/shard-0.before-resync-1"
        #expect(
            eventually(withinSeconds: 20) { FileManager.default.fileExists(atPath: kept) },
            "\(bench.outputs)")
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        let standby = try bench.stop(1)
        let primary = try bench.stop(2)
        expectSameState(primary, standby)
    }

    @Test func `goes on when a person says so, where no arbiter decides`() throws {
        let bench = try startPairByHand()
        let load = try bench.load(rate: 500, seconds: 8)
        usleep(1_500_000)
        let refused = try bench.cluster(2, "switchover")
        #expect(refused.status == 1 && refused.output.contains("manual"), "\(refused.output)")
        bench.kill(1)
        // Its watchdog has said so, and all the same nothing happens by itself.
        usleep(1_500_000)
        let waiting = bench.status(2)
        #expect(waiting?["role"] as? String == "standby" && waiting?["peerDead"] as? Bool == true)
        let promoted = try bench.cluster(2, "promote")
        #expect(promoted.status == 0, "\(promoted.output)\n\(bench.outputs)")
        #expect(bench.becomes(2, "primary", inSync: false), "\(bench.outputs)")
        try expectNothingLost(load, bench)
        #expect(bench.status(2)?["peerDead"] as? Bool == true)
        try bench.start(1, as: "gateway")
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        #expect(bench.status(2)?["peerDead"] as? Bool == false, "it is back")
        // A standby that comes back in time needs no word.
        bench.kill(1)
        try bench.start(1, as: "gateway")
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        #expect(bench.becomes(2, "primary", inSync: true), "\(bench.outputs)")
        // And the other order: the primary goes on without its standby.
        bench.kill(1)
        #expect(
            eventually(withinSeconds: 30) {
                (bench.status(2)?["state"] as? String)?.contains("acknowledges nothing") == true
            }, "\(bench.outputs)")
        let solo = try bench.cluster(2, "solo")
        #expect(solo.status == 0, "\(solo.output)\n\(bench.outputs)")
        #expect(bench.becomes(2, "primary", inSync: false), "\(bench.outputs)")
        // Alone it comes back by a person's word, and needs no force.
        bench.kill(2)
        try bench.start(2, as: "standby")
        #expect(bench.becomes(2, "starting", inSync: false), "\(bench.outputs)")
        let again = try bench.cluster(2, "promote")
        #expect(again.output.contains("host 2 is primary of epoch 4, alone"), "\(again.output)")
        try bench.start(1, as: "gateway")
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        let standby = try bench.stop(1)
        let primary = try bench.stop(2)
        expectSameState(primary, standby)
    }

    /// Two hosts that a person has made a pair.
    private func startPairByHand() throws -> ClusterBench {
        let bench = try ClusterBench(arbiter: "manual")
        try bench.start(2, as: "standby")
        try bench.start(1, as: "gateway")
        #expect(bench.becomes(1, "starting", inSync: false), "\(bench.outputs)")
        #expect(bench.becomes(2, "starting", inSync: false), "\(bench.outputs)")
        let wrong = try bench.cluster(2, "promote")
        #expect(wrong.status == 1, "a standby begins no pair: \(wrong.output)")
        let first = try bench.cluster(1, "promote")
        #expect(first.status == 0, "\(first.output)\n\(bench.outputs)")
        try #require(bench.becomes(1, "primary", inSync: true), "\(bench.outputs)")
        try #require(bench.becomes(2, "standby", inSync: true), "\(bench.outputs)")
        return bench
    }

    @Test func `obeys the last word of a person, whatever the cut between them hid`() throws {
        let bench = try startPairByHand()
        try bench.cutMirror(true)
        #expect(
            eventually(withinSeconds: 30) {
                (bench.status(1)?["state"] as? String)?.contains("acknowledges nothing") == true
            }, "\(bench.outputs)")
        #expect(bench.status(2)?["role"] as? String == "standby")
        let second = try bench.cluster(2, "promote")
        #expect(second.output.contains("host 2 is primary of epoch 2, alone"), "\(second.output)")
        #expect(bench.status(1)?["role"] as? String == "primary", "it cannot know")
        // The one that waits for its standby gives way as soon as it hears of it.
        try bench.cutMirror(false)
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        #expect(bench.becomes(2, "primary", inSync: true), "\(bench.outputs)")
        // Both are promoted, which no person should do: one of the two is left in the end.
        try bench.cutMirror(true)
        let third = try bench.cluster(1, "promote")
        #expect(third.output.contains("host 1 is primary of epoch 3, alone"), "\(third.output)")
        bench.kill(2)
        try bench.start(2, as: "standby")
        #expect(bench.becomes(2, "starting", inSync: false), "\(bench.outputs)")
        let refused = try bench.cluster(2, "promote")
        #expect(refused.status == 1 && refused.output.contains("--force"), "\(refused.output)")
        let fourth = try bench.cluster(2, "promote", "--force")
        #expect(fourth.output.contains("host 2 is primary of epoch 4, alone"), "\(fourth.output)")
        try bench.cutMirror(false)
        #expect(bench.becomes(1, "standby", inSync: true), "\(bench.outputs)")
        #expect(bench.becomes(2, "primary", inSync: true), "\(bench.outputs)")
    }

    @Test func `draws no clients to a host that cannot ask whether it is replaced`() throws {
        let bench = try ClusterBench()
        try bench.startPair()
        #expect(try bench.answersForAddress(), "\(bench.outputs)")
        try bench.hideArbiter(true)
        try bench.cutMirror(true)
        let isSilent = eventually(withinSeconds: 30) {
            (try? bench.answersForAddress()) == false
        }
        #expect(isSilent, "\(bench.outputs)")
        #expect(bench.status(1)?["role"] as? String == "primary", "it has not heard otherwise")
        let state = bench.status(1)?["state"] as? String
        #expect(
            state?.contains("says nothing before the arbiter answers") == true, "\(state ?? "")")
        try bench.hideArbiter(false)
        let isHeard = eventually(withinSeconds: 30) { (try? bench.answersForAddress()) == true }
        #expect(isHeard, "\(bench.outputs)")
        let roles = (1...2).map { bench.status($0)?["role"] as? String }
        #expect(roles.count { $0 == "primary" } == 1, "\(roles)")
    }

    @Test func `obeys no configuration of another pair, whatever else is the same in it`()
        throws
    {
        let bench = try ClusterBench()
        try bench.startPair()
        let foreign = try bench.foreignConfiguration(1)
        for words in [
            ["status"], ["status", "--json"], ["switchover"], ["promote"], ["promote", "--force"],
            ["solo"], ["resync"], ["activate-rules", "1"],
        ] {
            let refused = try bench.cluster(1, words, configuration: foreign)
            #expect(refused.status == 78, "\(words): \(refused.output)")
            #expect(
                refused.output.contains("of the pair `\(bench.port)`, and not of `another pair`"),
                "\(words): \(refused.output)")
            #expect(!refused.output.contains("arbiter says"), "\(words): \(refused.output)")
        }
        #expect(bench.becomes(1, "primary", inSync: true), "\(bench.outputs)")
        let text = try bench.cluster(1, "status")
        #expect(text.output.contains("arbiter says   epoch 1, host 1"), "\(text.output)")
    }

    @Test func `is begun by a gateway or by force, and refuses what does not fit`() throws {
        let bench = try ClusterBench()
        try bench.start(2, as: "standby")
        #expect(bench.becomes(2, "starting", inSync: false), "\(bench.outputs)")
        for words in [["promote"], ["switchover"], ["solo"], ["resync"]] {
            let refused = try bench.cluster(2, words[0])
            #expect(refused.status == 1, "\(words): \(refused.output)")
            #expect(refused.output.contains("not done: this host "), "\(refused.output)")
        }
        let forced = try bench.cluster(2, "promote", "--force")
        #expect(forced.status == 0, "\(forced.output)\n\(bench.outputs)")
        #expect(forced.output.contains("is lost"), "\(forced.output)")
        #expect(forced.output.contains("host 2 is primary of epoch 1"), "\(forced.output)")
        #expect(bench.running[1]?.output.contains("asks: cluster promote force") == true)
        let again = try bench.cluster(2, "promote")
        #expect(again.status == 1, "\(again.output)")
        let absent = try bench.cluster(1, "promote")
        #expect(absent.status == 69, "\(absent.output)")
    }
}

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `The cluster and standby commands` {
    @Test func `refuse the configuration of a gateway that is alone`() throws {
        let folder = try ScratchFolder()
        let file = folder.path + "/alone.yaml"
        let text = RunningGateway.configuration
            .replacingOccurrences(of: "PORT", with: "udp:127.0.0.1:7000")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        for words in [["standby"], ["cluster", "status"], ["cluster", "promote"]] {
            let end = try run([Machine.needletail] + words + ["--config", file])
            #expect(end.status == 78, "\(words): \(end.output)")
            #expect(end.output.contains("cluster"), "\(end.output)")
        }
    }

    @Test func `find in a check what a start would lack, all at once`() throws {
        let folder = try ScratchFolder()
        let file = folder.path + "/pair.yaml"
        let text = RunningGateway.configuration
            .replacingOccurrences(of: "PORT", with: "af_packet:gw0")
        for arbiter in ["file: /nowhere/arbiter", "manual: /nowhere/arbiter"] {
            let cluster =
                "\ncommit: mirrored\njournal: {folder: \(folder.path)/journal}\n"
                + "cluster: {host: 1, peer: 2, peerAddress: '10.78.0.2:7471', "
                + "keyFile: /nowhere/key, arbiter: {\(arbiter)}}\n"
            try (text + cluster).write(toFile: file, atomically: true, encoding: .utf8)
            for command in ["gateway", "standby"] {
                let end = try run([Machine.needletail, command, "--config", file, "--check"])
                #expect(end.status == 74, "\(command): \(end.output)")
                #expect(
                    end.output.contains("key of the mirror cannot be read from /nowhere/key")
                        && end.output.contains("cannot list /nowhere/arbiter"), "\(end.output)")
            }
        }
    }

    @Test func `teach what they do and how they end`() throws {
        for words in [
            ["standby"], ["cluster"], ["cluster", "status"], ["cluster", "switchover"],
            ["cluster", "promote"], ["cluster", "solo"], ["cluster", "resync"],
            ["cluster", "activate-rules"],
        ] {
            let help = try run([Machine.needletail] + words + ["--help"])
            #expect(help.status == 0)
            #expect(help.output.contains("EXIT CODES"), "\(words)")
        }
    }
}
