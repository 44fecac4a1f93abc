// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RDMAReplica

/// Both sides of a notice of death: what our watchdog would say of us, and what the other host's
/// says of it.
///
/// Threading: of the cluster's thread.
final class DeathWatch: @unchecked Sendable {
    private let identity: MirrorIdentity
    private let key: MirrorKey?
    private let watchdog: Watchdog?
    private let listener: NoticeListener
    private var prepared: (epoch: UInt32, nonce: UInt32) = (0, 0)
    private var dead: DeathNotice?
    /// Nobody has waited, or something was there then.
    private var mayHaveCome = true

    /// Datagrams that were no notice of the other host; any thread.
    var refusedCount: UInt64 { listener.refusedCount }

    init(_ settings: ClusterSettings, watchdog: Watchdog?) throws(MirrorError) {
        identity = settings.identity
        self.watchdog = watchdog
        let key = try settings.mirror.keyFile.map { (file) throws(MirrorError) in
            try MirrorKey(file: file)
        }
        self.key = key
        listener = try NoticeListener(
            address: settings.listenAddress, port: settings.listenPort, to: settings.identity,
            key: key)
    }

    /// Waits for a notice, at most so long.
    func wait(nanos: UInt64) { mayHaveCome = listener.wait(nanos: nanos) }

    /// Of a primary: what its standby is to be told. Epoch 0: nobody is.
    func prepare(epoch: UInt32, nonce: UInt32) {
        guard let watchdog, prepared != (epoch, nonce) else { return }
        prepared = (epoch, nonce)
        let isWorthIt = epoch != 0 && nonce != 0
        let notice = DeathNotice(identity: identity, epoch: epoch, nonce: nonce)
        watchdog.tell(isWorthIt ? notice.bytes(key: key) : [])
    }

    /// Takes what has come.
    func look() {
        guard mayHaveCome else { return }
        if let notice = listener.take() { dead = notice }
    }

    /// Of a standby: whether the process is gone whose mirror has this nonce.
    func isDead(nonce: UInt32) -> Bool { nonce != 0 && dead?.nonce == nonce }
}
