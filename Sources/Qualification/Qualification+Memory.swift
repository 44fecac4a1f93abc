// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Hardware
internal import NICGateway
internal import Pipeline
internal import Platform

extension Qualification {
    /// Takes memory and threads as the gateway does, and asks the kernel where they are; all of it
    /// but the journal and the cluster, which would begin a log on the disk and take the standby's
    /// place from the question that is about it.
    func checkMemory(
        _ ports: QualificationPorts, _ report: inout QualificationReport, _ watch: StickyWatch
    ) {
        guard configuration.host.port != nil else {
            return report.note(.memory, notRun: QualificationPorts.noPort)
        }
        watch.show("memory: opening the port, taking what a gateway takes")
        var configuration = configuration
        configuration.journal = nil
        configuration.cluster = nil
        configuration.commitPolicies = [.none]
        configuration.shards = 1
        do {
            let port = try ports.port()
            let pipeline = try Pipeline(configuration, port: port)
            try pipeline.start()
            let placement = pipeline.placement(of: port)
            pipeline.stop()
            note(placement, pipeline.regions, &report)
        } catch {
            report.note(.memory, failed: "\(error)")
        }
    }

    private func note(
        _ placement: Placement, _ regions: [MemoryRegion], _ report: inout QualificationReport
    ) {
        let withoutHugePages = regions.filter { $0.missingHugePages > 0 }
        // Who reserves no huge pages does not ask for them.
        let limit: UInt64? = configuration.host.hugePages.isEmpty ? nil : 0
        report.note(
            .memory, "regions without huge pages\(scope)", UInt64(withoutHugePages.count),
            max: limit,
            .regions)
        report.note(
            .memory, "threads and regions out of place\(scope)", UInt64(placement.warnings.count),
            max: 0,
            .regions)
        let warnings =
            (MemoryRegion.warning(regions).map { [$0] } ?? []) + placement.warnings
        report.detail(
            "memory",
            placement.lines.map { "  \($0)\n" }.joined()
                + warnings.map { "  note: \($0)\n" }.joined(),
            "memory",
            .object([
                ("placement", JSONValue(placement.lines)), ("warnings", JSONValue(warnings)),
            ]))
    }
}
