// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

@testable import RDMAReplica

/// Authorities, and what they sign, made by openssl.
private struct Certificates {
    let folder: ArbiterFolder

    init(in folder: ArbiterFolder) throws {
        self.folder = folder
        for authority in ["ca", "other"] {
            try openssl(
                ["req", "-x509", "-days", "2", "-subj", "/CN=\(authority)"] + Self.newKey
                    + ["-keyout", key(authority), "-out", certificate(authority)])
        }
        try folder.write("subjectAltName=IP:127.0.0.1\n", to: "extensions")
        for (name, subject) in [
            ("server", "/CN=server"), ("client", "/O=client"), ("named", "/CN=named"),
        ] {
            try openssl(
                ["req", "-subj", subject] + Self.newKey
                    + ["-keyout", key(name), "-out", "\(folder.path)/\(name).csr"])
            try openssl([
                "x509", "-req", "-days", "2", "-in", "\(folder.path)/\(name).csr",
                "-CA", certificate("ca"), "-CAkey", key("ca"), "-CAcreateserial",
                "-extfile", "\(folder.path)/extensions", "-out", certificate(name),
            ])
        }
    }

    func certificate(_ name: String) -> String { "\(folder.path)/\(name).pem" }
    func key(_ name: String) -> String { "\(folder.path)/\(name).key" }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }
}

@Suite(
    .enabled(
        if: EtcdCluster.isInstalled
            && FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"),
        "skipped: no /usr/bin/etcd or no openssl (apt-get install etcd-server openssl)"))
struct `An arbiter in etcd behind TLS` {
    @Test func `knows the member, is known to it, and outlives its token`() throws {
        let folder = try ArbiterFolder()
        let certificates = try Certificates(in: folder)
        let cluster = try EtcdCluster(
            count: 1, folder: folder, scheme: "https",
            extra: [
                "--cert-file", certificates.certificate("server"),
                "--key-file", certificates.key("server"), "--client-cert-auth",
                "--trusted-ca-file", certificates.certificate("ca"),
            ])
        var settings = cluster.settings(timeoutMillis: 5_000)
        settings.authoritiesFile = certificates.certificate("ca")
        settings.certificateFile = certificates.certificate("client")
        settings.privateKeyFile = certificates.key("client")
        #expect(settings.problems().isEmpty)
        let (none, revision) = try #require(found(try EtcdArbiter(settings)))
        #expect(none == nil && revision == 0)
        try enableUsers(settings)

        #expect(problem(settings).contains("user name is empty"))
        settings.user = "needletail"
        settings.passwordFile = folder.path + "/password"
        try folder.write("wrong\n", to: "password", mode: 0o600)
        #expect(problem(settings).contains("authentication failed"))
        try folder.write("a \"secret\"\\\n", to: "password", mode: 0o600)
        let arbiter = try EtcdArbiter(settings)
        let first = try #require(
            settled(arbiter, decision(1, 1, [1], nonce: 1), for: 0)?.wonRevision)
        // A member that starts again knows no token from before.
        try cluster.restart(0)
        let second = try #require(
            settled(arbiter, decision(1, 1, [1, 2], nonce: 2), for: first)?.wonRevision)
        #expect(try arbiter.read() == (decision(1, 1, [1, 2], nonce: 2), second))
        try sayWhatIsWrong(settings, certificates)
    }

    private func sayWhatIsWrong(
        _ right: EtcdSettings, _ certificates: Certificates
    ) throws {
        var settings = right
        settings.key = "/elsewhere"
        #expect(problem(settings).contains("permission denied"))
        settings = right
        settings.authoritiesFile = certificates.certificate("other")
        #expect(problem(settings).contains("certificate"))
        settings.authoritiesFile = certificates.folder.path + "/none.pem"
        #expect(problem(settings).contains("none.pem"))
        settings = right
        settings.certificateFile = certificates.certificate("named")
        settings.privateKeyFile = certificates.key("named")
        #expect(problem(settings).contains("CommonName of client"))
        (settings.certificateFile, settings.privateKeyFile) = (nil, nil)
        #expect(problem(settings).contains("alert"))
        settings.endpoints = right.endpoints.map { $0.replacing("https", with: "http") }
        #expect(problem(settings).contains("no member of etcd answers"))
    }

    /// What a read says.
    private func problem(_ settings: EtcdSettings) -> String {
        do throws(ArbiterError) { _ = try EtcdArbiter(settings).read() } catch {
            return error.description
        }
        return "nothing"
    }

    private func enableUsers(_ settings: EtcdSettings) throws {
        var member = try EtcdMembers(settings)
        let prefix = (Base64.encode("/needletail/".utf8), Base64.encode("/needletail0".utf8))
        for (path, body) in [
            ("user/add", #"{"name":"root","password":"r"}"#), ("role/add", #"{"name":"root"}"#),
            ("user/grant", #"{"user":"root","role":"root"}"#),
            ("user/add", #"{"name":"needletail","password":"a \"secret\"\\"}"#),
            ("role/add", #"{"name":"needletail"}"#),
            (
                "role/grant",
                #"{"name":"needletail","perm":{"permType":"READWRITE","key":"\#(prefix.0)","#
                    + #""range_end":"\#(prefix.1)"}}"#
            ),
            ("user/grant", #"{"user":"needletail","role":"needletail"}"#), ("enable", "{}"),
        ] {
            // Once: who is asked to add a user that is there refuses.
            let answer = try member.authorized(
                0, "/v3/auth/" + path, body, turn: 30_000, until: EtcdMembers.nowMillis() + 30_000)
            #expect(answer["header"] != nil)
        }
    }
}
