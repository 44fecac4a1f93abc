// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import RDMAReplica
internal import Synchronization

/// Where this host waits for the other to mirror its log here.
///
/// Threading: `turn` belongs to a thread of its own, for setting a connection up may wait.
final class StandbyListener: @unchecked Sendable {
    private let listener: MirrorListener
    private let identity: MirrorIdentity
    private let view: ClusterView
    private let duties: [ShardDuty]
    private let isManual: Bool
    private let lastProblem = Mutex<String?>(nil)

    /// Where it listens, for people.
    var description: String { listener.description }
    /// Requests that were turned away.
    var refusals: MirrorRefusals { listener.refusals }
    /// Why the last one was.
    var problem: String? { lastProblem.withLock { $0 } }

    /// Takes over a listener that is open: `ClusterSettings.listen`.
    init(
        _ listener: MirrorListener, identity: MirrorIdentity, view: ClusterView,
        duties: [ShardDuty], isManual: Bool
    ) {
        self.listener = listener
        self.identity = identity
        self.view = view
        self.duties = duties
        self.isManual = isManual
    }

    /// Waits so long for a request, and hands it to its shard.
    func turn(timeoutMillis: UInt32) {
        do throws(MirrorError) {
            guard let request = try listener.next(timeoutMillis: timeoutMillis) else { return }
            let state = view.current
            let epoch = state.decision?.epoch ?? 0
            let shard = Int(request.hello.shard)
            let refusal = request.hello.refusal(by: identity, knownEpoch: epoch)
            if refusal == .host, request.hello.host == identity.host {
                view.tellTwin(request.description)
            }
            try request.check(by: identity, knownEpoch: epoch)
            view.hear(peerEpoch: request.hello.epoch)
            // A host that speaks, or is about to, follows nobody. One that a person decides for
            // has to write down first whom it follows.
            let mustWrite = isManual && request.hello.epoch > epoch
            guard state.role == .standby, !mustWrite, shard < duties.count else {
                return request.reject(.shard, by: identity, knownEpoch: epoch)
            }
            duties[shard].arrive(request)
        } catch {
            lastProblem.withLock { $0 = error.description }
        }
    }
}

extension ClusterSettings {
    /// Where this host is to listen; what is wrong with it shows before a journal is touched.
    func listen(_ clock: CycleClock) throws(MirrorError) -> MirrorListener {
        let key = try mirror.keyFile.map { (file) throws(MirrorError) in
            try MirrorKey(file: file)
        }
        return try MirrorListener(
            address: listenAddress, port: listenPort, transport: mirror.transport, key: key,
            clock: clock)
    }
}
