// SPDX-License-Identifier: Apache-2.0
import Hardware
import Settings
import ArgumentParser
import CommandLog
import Foundation
import NICGateway
import Pipeline
import Platform
import RDMAReplica

/// A gateway from its start to its end: what `needletail gateway` and `needletail standby` have in
/// common.
struct GatewayRun: ParsableArguments {
    @Option(name: .shortAndLong, help: "The YAML file that says everything.")
    var config: String

    @Option(
        name: .shortAndLong,
        help: "The YAML file of the host: processors, memory, NIC (see hw/profiles).")
    var profile: String?

    @Option(help: "Use this port instead of the file's, for example af_xdp:eth1.")
    var port: String?

    @Flag(help: "Only check the configuration; print the layout of threads, and the calendar.")
    var check = false

    @Flag(help: "Refuse to run when a thread or memory is not where it should be.")
    var strict = false

    @Flag(help: "Print a line of counters every second.")
    var statistics = false

    @Option(help: "Stop by itself after so many seconds; 0 = run until told.")
    var seconds: UInt32 = 0

    /// Runs it until it is told to stop. A standby begins no cluster.
    func run(asStandby: Bool) throws {
        var configuration: Configuration
        do {
            let host = try profile.map { (yaml: try SettingsFile.text($0), file: $0) }
            configuration = try Configuration(
                yaml: try SettingsFile.text(config), file: config, profile: host, port: port)
            if asStandby { try configuration.becomeStandby(file: config) }
            try configuration.calendarFile.map {
                try configuration.readCalendar(SettingsFile.text($0), file: $0)
            }
        } catch {
            complain(error)
            throw Exit.wrongSettings
        }
        let plan = ThreadPlan(configuration)
        if check {
            for line in plan.lines + configuration.calendarLines { say(line) }
            return try refuseWhatIsMissing(plan.host.cpus, configuration.cluster)
        }
        configuration.host = plan.host
        try serve(configuration, plan)
    }

    /// For `--check`: what a start would end with, or wait for.
    private func refuseWhatIsMissing(
        _ roles: HardwareProfile.Roles, _ cluster: ClusterSettings?
    ) throws {
        var problems = cluster?.hostProblems() ?? []
        let named = roles.polling + roles.journal + roles.housekeeping
        let missing = Set(named).subtracting(Affinity.usableCPUs(others: named)).sorted()
        if !missing.isEmpty {
            problems.append(
                "processors \(CPUList.text(missing)) are not there or not for this process: change "
                    + "`cpus`, or see what `needletail hw check` says")
        }
        for problem in problems { complain(problem) }
        guard problems.isEmpty else { throw Exit.inputOutput }
    }

    private static var noCounters: String {
        "no folder in memory for counters: needletail top and stats do not see this gateway; make "
            + "/run/needletail a tmpfs that it may write in"
    }

    private func serve(_ configuration: Configuration, _ plan: ThreadPlan) throws {
        var notes: [String] = []
        var port: NICGateway.Port?
        let opened: NICGateway.Port
        let pipeline: Pipeline
        let stop = StopSignal()
        // Before DPDK starts, which sets its own folder where the system's is not ours.
        let countersFolder = CountersFolders.forWriting()
        let watchdog: Watchdog?
        do {
            // What is started from here on and has no core of its own does housekeeping.
            let housekeeping = configuration.host.cpus.housekeeping
            if !housekeeping.isEmpty { try Affinity.restrictCurrentThread(to: housekeeping) }
            watchdog = try WatchedProcess.begin(configuration)
            opened = try GatewayPort.open(configuration, notes: &notes)
            port = opened
            pipeline = try Pipeline(
                configuration, port: opened, plan: plan, countersFolder: countersFolder,
                watchdog: watchdog)
            let offHugePages = MemoryRegion.warning(pipeline.regions).map { [$0] } ?? []
            notes += pipeline.warnings + offHugePages
            if countersFolder == nil { notes.append(Self.noCounters) }
            try pipeline.start()
            let placement = pipeline.placement(of: opened)
            let outOfPlace = placement.warnings + offHugePages
            if strict, !outOfPlace.isEmpty {
                pipeline.stop()
                throw PlacementRefused(causes: outOfPlace)
            }
            announce(configuration, opened, pipeline, placement, notes + placement.warnings)
        } catch {
            complain(error)
            // Before DPDK ends, which must find no port open.
            port?.close()
            EAL.stop()
            throw error is SettingsError ? Exit.wrongSettings : Exit.inputOutput
        }
        let journals = pipeline.journals
        let control = GatewayControl(configuration, pipeline, folder: countersFolder)
        for line in control.lines { say(line) }
        var service = ServiceReport(pipeline, place: Self.place(configuration))
        let end = wait(stop, opened, pipeline, &service)
        service?.stopping()
        control.close()
        pipeline.stop()
        pipeline.sample()
        // Asked after the end: the last records may be the ones that the disk did not take.
        let failure: (any Error)? = Self.failure(journals) ?? TwinFound(pipeline)
        report(pipeline, opened)
        opened.close()
        EAL.stop()
        do {
            if let failure { throw failure }
            guard end == .replaced, let cluster = pipeline.cluster else { return }
            try ComeBack(cluster, configuration, watchdog).perform()
        } catch {
            complain(error)
            throw error is TwinFound ? Exit.wrongSettings : Exit.inputOutput
        }
    }

    /// Why a gateway ends.
    private enum End { case told, replaced }

    /// What the journals gave back.
    private func announceRecovery(_ pipeline: Pipeline) {
        for (shard, (log, snapshot)) in pipeline.recovered.enumerated() where log.lastSequence > 0 {
            say(
                "shard \(shard): recovered to sequence \(log.lastSequence) from "
                    + (snapshot == 0 ? "" : "the snapshot of \(snapshot) and ")
                    + "\(log.segments.count) segments of epoch \(log.epoch) and before")
        }
    }

    private func announce(
        _ configuration: Configuration, _ port: NICGateway.Port, _ pipeline: Pipeline,
        _ placement: Placement, _ notes: [String]
    ) {
        for note in notes { say("note: \(note)") }
        if profile == nil { say("host  \(pipeline.plan.host.summary)") }
        for line in placement.lines { say(line) }
        for line in pipeline.journalDescriptions { say("journal  \(line)") }
        if let cluster = pipeline.cluster {
            say("arbiter  \(cluster.arbiterDescription)")
            say("standby  would be served from \(cluster.listenDescription)")
        }
        if let path = pipeline.countersPath { say("counters  \(path)") }
        if let path = EAL.telemetryPath { say("telemetry  \(path)") }
        announceRecovery(pipeline)
        say(
            Self.place(configuration)
                + ", port \(configuration.port) (\(port.driverName), \(port.macAddress)), commit "
                + configuration.commitPolicies.map(\.rawValue).joined(separator: "/") + ", "
                + "\(pipeline.plan.mode.rawValue)")
    }

    private static func place(_ configuration: Configuration) -> String {
        "listening on \(IPv4Text.format(configuration.ipv4Address)) UDP \(configuration.udpPort)"
    }

    /// Until somebody asks for the end, or a journal fails: then nothing more can be promised.
    private func wait(
        _ stop: StopSignal, _ port: NICGateway.Port, _ pipeline: Pipeline,
        _ service: inout ServiceReport?
    ) -> End {
        var elapsed: UInt32 = 0
        var looks: UInt32 = 0
        var watch = JournalWatch(pipeline)
        var cluster = pipeline.cluster.map { ClusterWatch($0) }
        var link = LinkWatch(port)
        while !stop.wait(milliseconds: 100) {
            pipeline.sample()
            if Self.failure(pipeline.journals) != nil { return .told }
            if stop.takeSnapshotRequest() {
                pipeline.snapshots.forEach { $0.request() }
                if pipeline.snapshots.isEmpty { complain("no snapshot: there is no journal") }
            }
            for news in watch.look() + [link.look()].compactMap({ $0 }) {
                if news.isBad { complain(news.line) } else { say(news.line) }
            }
            if let news = service?.look() { complain(news) }
            // Asked before the look: what it ends with is told in any case.
            let isReplaced = pipeline.cluster?.mustComeBack == true
            for news in cluster?.look() ?? [] { say(news) }
            if pipeline.cluster?.view.twinDescription != nil { return .told }
            if isReplaced { return .replaced }
            looks += 1
            guard looks % 10 == 0 else { continue }
            elapsed += 1
            if statistics {
                let line = pipeline.counters.enumerated().map { shard, counters in
                    "shard \(shard): "
                        + (counters.nonZero.map { "\($0.name) \($0.value)" }
                        + [CommitLatencyText.line(pipeline, shard: shard)])
                        .joined(separator: " · ")
                }
                say(line.joined(separator: "\n"))
            }
            if seconds > 0, elapsed >= seconds { return .told }
        }
        return .told
    }

    /// The first journal that can no longer be written.
    private static func failure(_ journals: [JournalStatus]) -> JournalFailure? {
        for (shard, journal) in journals.enumerated() {
            if let cause = journal.failure {
                return JournalFailure(
                    shard: shard, cause: cause, durableSequence: journal.durable.load())
            }
        }
        return nil
    }

    private func report(_ pipeline: Pipeline, _ port: NICGateway.Port) {
        for (shard, counters) in pipeline.counters.enumerated() {
            say("shard \(shard)")
            for (name, value) in counters.nonZero {
                say("  \(name.padding(toLength: 24, withPad: " ", startingAt: 0))\(value)")
            }
            let progress = pipeline.progress[shard]
            say("  last sequence           \(progress.sequence)")
            say("  state hash              \(String(progress.stateHash, radix: 16))")
            say("  \(CommitLatencyText.line(pipeline, shard: shard))")
        }
    }

    /// A line at once, also into a pipe.
    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    private func complain(_ error: any Error) { complain("\(error)") }

    private func complain(_ line: String) { StandardError.write("\(line)\n") }
}

/// Another host has this one's number.
private struct TwinFound: Error, CustomStringConvertible {
    let twin: String

    /// Nil when nobody has.
    init?(_ pipeline: Pipeline) {
        guard let twin = pipeline.cluster?.view.twinDescription else { return nil }
        self.twin = twin
    }

    var description: String {
        "the primary \(twin) says that it is this host: two hosts have one number; correct "
            + "cluster.host and cluster.peer on one of them. This one has not spoken"
    }
}

/// `--strict` found something out of its place.
private struct PlacementRefused: Error, CustomStringConvertible {
    let causes: [String]

    var description: String {
        causes.map { "--strict: \($0)" }.joined(separator: "\n")
            + "\nChange the profile's cpus, or reserve huge pages on that node; or start without "
            + "--strict."
    }
}
