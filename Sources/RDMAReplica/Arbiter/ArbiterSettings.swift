// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a path is lent for one call, which fills a structure of the caller.
internal import Glibc
internal import Platform

/// Which arbiter, and where.
public struct ArbiterSettings: Equatable, Sendable {
    /// The kinds, with what each needs.
    public enum Kind: Equatable, Sendable {
        /// A folder that both processes of one machine see.
        case file(folder: String)
        /// An operator, and a folder of this host.
        case manual(folder: String)
        /// Members of an etcd cluster.
        case etcd(EtcdSettings)
    }

    /// The kind.
    public var kind: Kind

    /// Of a kind.
    public init(kind: Kind) { self.kind = kind }

    /// Everything that is wrong with it and can be seen without asking anybody, a sentence each.
    public func problems() -> [String] {
        switch kind {
        case .file(let folder), .manual(let folder):
            folder.hasPrefix("/")
                ? []
                : [
                    "the arbiter's folder '\(folder)' is to be a path from / on, the same one "
                        + "wherever a gateway is started"
                ]
        case .etcd(let settings): settings.problems()
        }
    }

    /// The arbiter for a host, by its number. Throws when there are problems, or a file of them
    /// cannot be read.
    public func makeArbiter(host: UInt32) throws(ArbiterError) -> any Arbiter {
        let problems = problems()
        guard problems.isEmpty else { throw ArbiterError(problems.joined(separator: "; ")) }
        switch kind {
        case .file(let folder): return FileArbiter(folder: folder)
        case .manual(let folder): return ManualArbiter(folder: folder, host: host)
        case .etcd(let settings): return try EtcdArbiter(settings)
        }
    }

    /// Whether this host has what the arbiter of a host needs on it; nobody else is asked. Throws
    /// what is missing.
    public func checkHost(_ host: UInt32) throws(ArbiterError) {
        let arbiter = try makeArbiter(host: host)
        if case .etcd = kind { return }
        _ = try arbiter.read()
    }
}

/// Where an etcd cluster is, and how it knows us.
public struct EtcdSettings: Equatable, Sendable {
    /// Its members, as `https://HOST:PORT`.
    public var endpoints: [String]
    /// Of the group of shards: one key for each, never shared by two.
    public var key: String
    /// PEM: what the members' certificates are checked against; nil = what the system trusts.
    public var authoritiesFile: String?
    /// PEM: what we show to members that ask, and the private key to it; both or neither.
    public var certificateFile: String?
    /// See `certificateFile`.
    public var privateKeyFile: String?
    /// The name of a user, with the file of the password; both or neither.
    public var user: String?
    /// Its first line is the password. Only its owner, or its group, may read it.
    public var passwordFile: String?
    /// How long a read or a swap may take in all, whatever the members do; milliseconds.
    public var timeoutMillis: UInt32

    /// The time-out unless one is given.
    public static var timeoutMillisDefault: UInt32 { 1_000 }

    /// Without TLS and without a user, unless they are set.
    public init(
        endpoints: [String], key: String,
        timeoutMillis: UInt32 = EtcdSettings.timeoutMillisDefault
    ) {
        self.endpoints = endpoints
        self.key = key
        self.timeoutMillis = timeoutMillis
    }

    /// See `ArbiterSettings.problems`.
    func problems() -> [String] {
        var problems: [String] = []
        if endpoints.isEmpty {
            problems.append("an arbiter in etcd needs its endpoints: name all three members")
        }
        for endpoint in endpoints where endpoint.wholeMatch(of: Self.endpoint) == nil {
            problems.append(
                "'\(endpoint)' is no endpoint of etcd: write https://HOST:PORT, without a path")
        }
        if Set(endpoints).count != endpoints.count {
            problems.append("an endpoint of etcd is there twice: name each member once")
        }
        if key.isEmpty || key.utf8.count > 1_024 {
            problems.append("the key in etcd has 1 to 1,024 bytes, as in /needletail/venue")
        }
        if (certificateFile == nil) != (privateKeyFile == nil) {
            problems.append(
                "a certificate for etcd and its private key come together: name both files or "
                    + "neither")
        }
        if (user == nil) != (passwordFile == nil) {
            problems.append(
                "a user of etcd and the file of the password come together: name both or neither")
        }
        let needsTLS = authoritiesFile != nil || certificateFile != nil
        if needsTLS || user != nil, endpoints.contains(where: { $0.hasPrefix("http:") }) {
            problems.append(
                "an endpoint of etcd begins with http: where a certificate or a password is named: "
                    + "write https:, or the password goes in clear")
        }
        if !(50...60_000).contains(timeoutMillis) {
            problems.append("the time-out of etcd is 50 to 60,000 ms, not \(timeoutMillis)")
        }
        return problems
    }

    private static var endpoint: Regex<Substring> {
        /https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}/
    }

    /// The password, from its file.
    func password() throws(ArbiterError) -> String? {
        guard let path = passwordFile else { return nil }
        let file = RootedFile.open(path, below: "/", flags: O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw ArbiterError(
                "cannot open the password file \(path): \(SystemText.of(errno)); write the "
                    + "password of etcd's user into it, readable for its owner alone")
        }
        defer { _ = close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & 0o007 == 0 else {
            throw ArbiterError("everybody may read the password file \(path): chmod 600 it")
        }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1_024) {
            $1 = max(unsafe read(file, $0.baseAddress, $0.count), 0)
        }
        let password = String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
        guard !password.isEmpty else { throw ArbiterError("the password file \(path) is empty") }
        return password
    }
}
