// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
internal import Hardware
internal import Pipeline
internal import Platform
internal import RDMAReplica
internal import Wire

/// How a run's world is: chosen by its seed before anything happens.
struct FaultPlan {
    let policy: CommitPolicy
    /// A bad datagram in so many.
    let badDatagramOneIn: UInt64
    /// A client acts once in so many turns.
    let orderOneIn: UInt64
    let badCompletionOneIn: UInt64
    /// Steps between two faults of a kind, about: some runs are calm, some are not.
    let faultOneIn: UInt64
    /// A line in so many arrives with a wrong bit; 0 = none.
    let damagedLineOneIn: UInt64
    /// Something breaks right behind a decision, or a change of a role, in one of so many.
    let strikeOneIn: UInt64
    /// So long nothing breaks: in most runs until the two are in sync.
    let calmNanos: UInt64
    private let ringCapacity: Int
    private let batchesInFlight: Int
    private let takeOverMillis: UInt32
    /// A host that stands still is replaced no sooner than this.
    var takeOverNanos: UInt64 { UInt64(takeOverMillis) * 1_000_000 }
    private let snapshotEvery: UInt64
    /// Old segments go: a standby that was away needs a snapshot.
    let deletesSegments: Bool

    init(_ random: inout SeededRandom) {
        policy = random.below(4) == 0 ? .mirroredAndDurable : .mirrored
        badDatagramOneIn = 3 + random.below(60)
        orderOneIn = 1 + random.below(40)
        badCompletionOneIn = random.below(2) == 0 ? 0 : 20 + random.below(200)
        damagedLineOneIn = random.below(4) == 0 ? 500 + random.below(5_000) : 0
        strikeOneIn = 2 + random.below(40)
        faultOneIn = 100 + random.below(2_000)
        calmNanos = random.below(4) == 0 ? 0 : 110_000_000
        ringCapacity = 512 << Int(random.below(2))
        batchesInFlight = 1 + Int(random.below(4))
        takeOverMillis = 3 + UInt32(random.below(5))
        deletesSegments = random.below(3) == 0
        snapshotEvery = deletesSegments ? 50 + random.below(100) : 200 + random.below(1_000)
    }

    func configuration(host: Int, folder: String, market: MarketPlan?) -> Configuration {
        var configuration = Configuration()
        configuration.ipv4Address = Frames.gatewayAddress
        configuration.udpPort = Frames.gatewayPort
        configuration.sessionCapacity = 4
        configuration.heartbeatMillis = 40
        configuration.host.rings.logRecords = ringCapacity
        configuration.host.rings.events = 4_096
        configuration.orderCapacity = 512
        configuration.sessionOpenOrdersMax = 256
        configuration.instrumentCapacity = 1
        configuration.publicGroup = 0xEF00_0001
        configuration.instruments = [
            .init(number: 1, symbol: "ONE", lowestPriceTicks: 1, highestPriceTicks: 200)
        ]
        market?.extend(&configuration)
        configuration.commitPolicies = [policy]
        var journal = Configuration.Journal(folder: folder)
        journal.segmentByteCount = (deletesSegments ? 4 : 12) * 4_096
        journal.oldSegments = deletesSegments ? .delete : .keep
        journal.snapshotsKept = deletesSegments ? 1 : 3
        journal.batchesInFlight = batchesInFlight
        journal.snapshotEvery = snapshotEvery
        configuration.journal = journal
        var mirror = MirrorSettings(peerAddress: 0x0A4E_0001, peerPort: 7_471)
        mirror.transport = .rdma
        mirror.timeoutMillis = 100
        var cluster = ClusterSettings(
            host: UInt32(host + 1), peer: UInt32(2 - host), listenPort: 7_471, mirror: mirror,
            arbiter: ArbiterSettings(kind: .file(folder: folder)))
        cluster.takeOverMillis = takeOverMillis
        cluster.soloMillis = takeOverMillis
        // Nobody has another's number here.
        cluster.lookAroundMillis = 0
        cluster.mayFound = host == 0
        configuration.cluster = cluster
        return configuration
    }
}

extension World {
    /// Before each step: now and then something breaks.
    func fault() {
        guard nowNanos > 1_000_000_000 + plan.calmNanos else { return }
        if nowNanos >= strikeNanos { strike() }
        guard chance(plan.faultOneIn) else { return }
        let host = hosts[Int(random.below(2))]
        switch random.below(13) {
        case 0: kill(host, power: false)
        case 1: kill(host, power: true)
        case 2, 3: pause(host)
        case 4, 5: cut()
        case 6: cutArbiter(host)
        case 7: breakArbiter()
        case 8: breakDisk(host)
        case 9: handOver()
        case 10: jump(host)
        case 11: stall(host)
        default: for _ in 0..<1 + random.below(8) { sendForeign() }
        }
    }

    /// What was decided, or begun, is half done: now is the time.
    func aim() {
        guard hasFaults, chance(plan.strikeOneIn) else { return }
        strikeNanos = nowNanos + random.below(2_000_000)
    }

    private func strike() {
        strikeNanos = .max
        figures[.strikes] += 1
        let host = hosts[Int(random.below(2))]
        switch random.below(5) {
        case 0: kill(host, power: false)
        case 1: kill(host, power: true)
        case 2: pause(host)
        case 3: stall(host)
        default: cut()
        }
    }

    private func kill(_ host: SimulatedHost, power: Bool) {
        guard host.isAlive, mayKill(host) else { return }
        note("host \(host.index + 1) \(power ? "loses its power" : "is killed")")
        figures[power ? .powerLosses : .kills] += 1
        countSnapshots(host)
        let other = hosts[1 - host.index]
        let isSpare = other.isSpeaking && !isReplaced(other)
        host.kill(power: power)
        host.restartsNanos = nowNanos + random.below(60_000_000)
        // Its last word may make it the one that has all.
        guard isSpare, !arbiter.awaitsLate, chance(3), host.disk.flipBit() else { return }
        note("a bit flips on the disk of host \(host.index + 1)")
        figures[.bitFlips] += 1
        host.isDoubtful = true
        host.hasFlipped = true
    }

    private func pause(_ host: SimulatedHost) {
        host.pausedUntilNanos = nowNanos + random.below(chance(4) ? 60_000_000 : 8_000_000)
        figures[.pauses] += 1
        note("host \(host.index + 1) is paused")
    }

    private func cut() {
        let way = Int(random.below(2))
        network.isCut[way].toggle()
        if chance(2) { network.isCut[1 - way] = network.isCut[way] }
        if network.isCut[way] { figures[.partitions] += 1 }
        note("ways between the hosts are cut: \(network.isCut)")
    }

    private func cutArbiter(_ host: SimulatedHost) {
        guard let desk = host.desk else { return }
        if chance(2) { desk.isCutThere.toggle() } else { desk.isCutBack.toggle() }
        figures[.partitions] += 1
        note("host \(host.index + 1) and arbiter: cut \(desk.isCutThere), \(desk.isCutBack)")
    }

    private func breakArbiter() {
        arbiter.isDown.toggle()
        if arbiter.isDown { figures[.arbiterOutages] += 1 }
        note("the arbiter is \(arbiter.isDown ? "down" : "back")")
    }

    private func breakDisk(_ host: SimulatedHost) {
        guard mayKill(host), hosts[1 - host.index].hasSoundDisk else { return }
        let faults: [SimulatedDisk.Fault] = [.write(EIO), .sync(EIO), .short, .full]
        host.disk.fault = faults[Int(random.below(4))]
        note("the disk of host \(host.index + 1) is about to fail: \(host.disk.fault)")
    }

    private func stall(_ host: SimulatedHost) {
        host.disk.stalledUntilNanos = nowNanos + random.below(40_000_000)
        figures[.diskStalls] += 1
        note("the disk of host \(host.index + 1) stands still")
    }

    private func handOver() {
        guard let host = hosts.first(where: { $0.role == .primary(.mirrored) }) else { return }
        if host.process?.cluster.view.ask(.handOver) == true {
            note("host \(host.index + 1) is asked to hand over")
        }
    }

    private func jump(_ host: SimulatedHost) {
        host.utcOffsetNanos += Int64(random.below(20_000_000_000)) - 10_000_000_000
        figures[.clockJumps] += 1
        note("the clock of host \(host.index + 1) jumps")
    }

    /// Everything stands still, as of a machine that is looked at.
    func lull() {
        nowNanos += 200_000_000 + random.below(1_000_000_000)
        figures[.lulls] += 1
        note("nobody has done anything for a while")
    }

    func countSnapshots(_ host: SimulatedHost) {
        if host.process?.snapshots.last != nil { figures[.snapshots] += 1 }
    }

    /// Everything works from here on.
    func heal() {
        note("faults stop")
        hasFaults = false
        ledger.mayLogOut = false
        if market != nil {
            closing = SimulatedOperator.closing(sessionCount: clients.count)
            // Most of what follows is waiting.
            stepNanosMax = 60_000
        }
        network.isCut = [false, false]
        network.badCompletionOneIn = 0
        network.damagedLineOneIn = 0
        arbiter.isDown = false
        for host in hosts {
            countSnapshots(host)
            host.desk?.isCutThere = false
            host.desk?.isCutBack = false
            host.disk.fault = .none
            host.disk.stalledUntilNanos = 0
            host.pausedUntilNanos = 0
            host.restartsNanos = 0
        }
        for client in clients { client.countSinceHealing = 0 }
    }
}
