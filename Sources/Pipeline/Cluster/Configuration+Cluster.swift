// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Hardware
internal import NICGateway
internal import Platform
internal import RDMAReplica
public import Settings

// The key `cluster`: docs/operations/configuration.md.
extension Configuration {
    mutating func readCluster(_ reader: inout SettingsReader) {
        guard reader.has("cluster") else {
            if let policy = commitPolicies.first(where: \.needsStandby) {
                reader.fail(
                    "commit", "\(policy.rawValue) needs a cluster: see `cluster` in the manual")
            }
            return
        }
        var inner = reader.inner("cluster")
        // What is wrong is noted, and the configuration refused for it: all the rest is read
        // nevertheless, so that every mistake is found at once.
        let numbers = readHosts(&inner)
        let arbiter = readArbiter(&inner)
        let peer = Self.place(&inner, "peerAddress", example: "10.78.0.2:7471")
        let listen =
            inner.has("listen")
            ? Self.place(&inner, "listen", example: "10.78.0.1:7471")
            : (0, ClusterSettings.portDefault)
        var settings = ClusterSettings(
            host: numbers?.host ?? 0, peer: numbers?.peer ?? 0,
            listenPort: listen?.port ?? 0,
            mirror: MirrorSettings(
                peerAddress: peer?.address ?? 0, peerPort: peer?.port ?? 0),
            arbiter: arbiter ?? ArbiterSettings(kind: .manual(folder: "")))
        settings.listenAddress = listen?.address ?? 0
        readRest(&inner, &settings)
        cluster = settings
        reader.absorb(inner)
        checkCluster(&reader)
    }

    /// Of a host that never begins a pair. Throws where there is none.
    public mutating func becomeStandby(file: String) throws(SettingsError) {
        guard cluster != nil else {
            throw SettingsError(
                file: file,
                problems: [
                    .init(
                        line: 0, key: "cluster",
                        message: "missing: a standby follows the other host of a pair; see "
                            + "docs/operations/standby.md")
                ])
        }
        cluster?.mayFound = false
    }

    private func readHosts(
        _ inner: inout SettingsReader
    ) -> (host: UInt32, peer: UInt32)? {
        for key in ["host", "peer"] where !inner.has(key) {
            inner.fail(key, "missing; the numbers of this host and of the other, from 1")
        }
        let host: UInt32? = inner.integer("host", in: 1...65_535)
        let peer: UInt32? = inner.integer("peer", in: 1...65_535)
        guard let host, let peer else { return nil }
        if host == peer { inner.fail("peer", "\(peer) is this host's own number") }
        return (host, peer)
    }

    private func readRest(
        _ inner: inout SettingsReader, _ settings: inout ClusterSettings
    ) {
        if let name = inner.string("name") {
            // It goes over the control socket, in a line of few bytes.
            if !(1...100).contains(name.utf8.count) || name.utf8.contains(where: { $0 < 0x20 }) {
                inner.fail("name", "takes a text of 1 to 100 bytes on one line")
            }
            settings.name = name
        }
        settings.mirror.transport =
            inner.choice("transport", MirrorTransport.self) ?? settings.mirror.transport
        settings.mirror.keyFile = inner.string("keyFile")
        settings.mirror.device = host.rdma.map { .init(name: $0.device, port: $0.port) }
        settings.takeOverMillis =
            inner.integer("takeOverMillis", in: 1...60_000) ?? settings.takeOverMillis
        settings.soloMillis = inner.integer("soloMillis", in: 1...60_000) ?? settings.soloMillis
        settings.solo = inner.choice("solo", ClusterSettings.Solo.self) ?? settings.solo
        // The decision to do without a standby is the host's, not the connection's.
        settings.mirror.timeoutMillis = max(1_000, 4 * settings.soloMillis)
    }

    /// `ADDRESS:PORT`, where it is wanted.
    private static func place(
        _ inner: inout SettingsReader, _ key: String, example: String
    ) -> (address: UInt32, port: UInt16)? {
        guard let text = inner.string(key) else {
            if !inner.has(key) { inner.fail(key, "missing; for example `\(key): \(example)`") }
            return nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Text.parse(parts[0]),
            let port = UInt16(parts[1]), port > 0
        else {
            inner.fail(key, "`\(text)` is not an address with a port such as \(example)")
            return nil
        }
        return (address, port)
    }

    // MARK: The arbiter

    private func readArbiter(_ inner: inout SettingsReader) -> ArbiterSettings? {
        guard inner.has("arbiter") else {
            inner.fail(
                "arbiter",
                "missing; for example `arbiter: {etcd: {endpoints: [https://a:2379]}}`, or on one "
                    + "machine `arbiter: {file: /var/lib/needletail/arbiter}`")
            return nil
        }
        var kinds = inner.inner("arbiter")
        defer { inner.absorb(kinds) }
        let given = ["file", "manual", "etcd"].filter { kinds.has($0) }
        guard given.count == 1 else {
            inner.fail("arbiter", "one of file, manual and etcd, not \(given.count) of them")
            return nil
        }
        let settings: ArbiterSettings
        if let folder = kinds.string("file") {
            settings = ArbiterSettings(kind: .file(folder: folder))
        } else if let folder = kinds.string("manual") {
            settings = ArbiterSettings(kind: .manual(folder: folder))
        } else if let etcd = readEtcd(&kinds) {
            settings = ArbiterSettings(kind: .etcd(etcd))
        } else {
            return nil
        }
        for problem in settings.problems() { inner.fail("arbiter", problem) }
        return settings
    }

    private func readEtcd(_ kinds: inout SettingsReader) -> EtcdSettings? {
        guard kinds.has("etcd") else { return nil }
        var etcd = kinds.inner("etcd")
        defer { kinds.absorb(etcd) }
        var settings = EtcdSettings(
            endpoints: etcd.strings("endpoints") ?? [],
            key: etcd.string("key") ?? "/needletail/decision")
        settings.authoritiesFile = etcd.string("authoritiesFile")
        settings.certificateFile = etcd.string("certificateFile")
        settings.privateKeyFile = etcd.string("privateKeyFile")
        settings.user = etcd.string("user")
        settings.passwordFile = etcd.string("passwordFile")
        settings.timeoutMillis =
            etcd.integer("timeoutMillis", in: 50...60_000) ?? settings.timeoutMillis
        return settings
    }

    // MARK: What is only wrong together

    private func checkCluster(_ reader: inout SettingsReader) {
        if journal == nil {
            reader.fail("cluster", "needs a journal: a host comes back by what is in it")
        }
        if let policy = commitPolicies.first(where: { !$0.needsStandby }) {
            reader.fail(
                "commit",
                "\(policy.rawValue) waits for no standby: with `cluster` write `commit: mirrored`, "
                    + "or `mirrored+durable`")
        }
        if Set(commitPolicies).count > 1 {
            reader.fail("commit", "one policy for all shards of a cluster")
        }
        if host.port?.hasPrefix("udp:") == true {
            reader.fail(
                "port",
                "a udp: port cannot take the other host's address over; use af_xdp: or "
                    + "af_packet:")
        }
    }
}
