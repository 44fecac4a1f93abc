// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: strings are lent for one call; an answer is copied before the client is used again; the
// client is closed once, by its owner.
internal import CHTTP
internal import Glibc
internal import Platform

/// The members of an etcd cluster, asked over their JSON gateway: the one that answered last first,
/// then the next, and all of them again. All answers that say something are alike, whichever member
/// gave them.
@safe struct EtcdMembers: ~Copyable {
    private let client: OpaquePointer
    private let settings: EtcdSettings
    private let password: String?
    /// Where the last answer came from.
    private var preferred = 0
    /// What a password was given for, until a member does not know it any more.
    private var token: String?
    /// Whether a member was silent for all of its time since this was set back. The clock does not
    /// say: a request that had 50 ms may have ended after 49.6.
    private var hasTimedOut = false

    init(_ settings: EtcdSettings) throws(ArbiterError) {
        let password = try settings.password()
        guard let client = unsafe Self.open(settings) else {
            throw ArbiterError("there is no memory for a client of etcd")
        }
        unsafe self.client = client
        self.settings = settings
        self.password = password
    }

    deinit { unsafe chttp_close(client) }

    /// Posts until a member answers with what `read` can use, for the time-out at most. What throws
    /// says what each of them said; the request may have been carried out all the same.
    mutating func post<Answer>(
        _ path: String, _ body: String, _ read: (JSONText) -> Answer?
    ) throws(ArbiterError) -> Answer {
        let start = Self.nowMillis()
        let end = start + UInt64(settings.timeoutMillis)
        let count = settings.endpoints.count
        // Short at first, so that each is asked.
        var turn = min(Self.turnMillisLeast, UInt64(settings.timeoutMillis) / UInt64(count + 1))
        var causes = settings.endpoints.map { "\($0) was not asked" }
        hasTimedOut = true
        // Round after round, unless nobody is silent: what a member passed on to a leader that is
        // dead is lost, and nobody ever says so.
        while hasTimedOut {
            hasTimedOut = false
            for index in (0..<count).map({ (preferred + $0) % count }) {
                guard Self.nowMillis() < end else { break }
                do throws(ArbiterError) {
                    let json = try authorized(index, path, body, turn: turn, until: end)
                    if let answer = read(json) {
                        preferred = index
                        return answer
                    }
                    causes[index] =
                        "\(settings.endpoints[index]) gives an answer that etcd would not"
                } catch {
                    causes[index] = "\(settings.endpoints[index]): \(error)"
                }
            }
            // It is no election then. For a slow disk, as much time as has gone.
            let gone = Self.nowMillis() - start
            if gone >= Self.electionMillis { turn = max(turn, gone) }
        }
        throw ArbiterError("no member of etcd answers: \(causes.joined(separator: "; "))")
    }

    /// How long a member has at first. Its leader may be dead, and a new one there in a moment:
    /// then whoever is asked next knows it.
    private static var turnMillisLeast: UInt64 { 50 }

    /// An election with the time-outs that we advise takes less, unless the vote is split.
    private static var electionMillis: UInt64 { 300 }

    /// One request, with a token if there is a user: a new one when the member does not take the
    /// one that we have. It was refused then, so nothing happens twice.
    mutating func authorized(
        _ index: Int, _ path: String, _ body: String, turn: UInt64, until end: UInt64
    ) throws(ArbiterError) -> JSONText {
        // A member takes its time over a password, on purpose.
        let longTurn = max(turn, Self.passwordMillis)
        func millis(_ turn: UInt64) -> UInt32 {
            UInt32(clamping: max(1, min(Int64(turn), Int64(end) - Int64(Self.nowMillis()))))
        }
        if let user = settings.user, let password, token == nil {
            token = try authenticate(index, user, password, millis: millis(longTurn))
        }
        let first = try request(index, path, body, token, millis: millis(turn))
        guard Self.isStale(first), let user = settings.user, let password else {
            return try Self.checked(first)
        }
        token = nil
        let new = try authenticate(index, user, password, millis: millis(longTurn))
        token = new
        return try Self.checked(try request(index, path, body, new, millis: millis(turn)))
    }

    private static var passwordMillis: UInt64 { 200 }

    private mutating func authenticate(
        _ index: Int, _ user: String, _ password: String, millis: UInt32
    ) throws(ArbiterError) -> String {
        var body = JSONObject()
        body.add("name", user)
        body.add("password", password)
        let answer = try request(index, "/v3/auth/authenticate", body.text, nil, millis: millis)
        guard let token = try Self.checked(answer)["token"]?.string,
            token.utf8.allSatisfy({ 0x21..<0x7f ~= $0 })
        else { throw ArbiterError("no token for user \(user)") }
        return token
    }

    private typealias Answer = (status: Int32, body: [UInt8])

    /// "invalid auth token", "revision of auth store is old".
    private static func isStale(_ answer: Answer) -> Bool {
        guard answer.status != 200 else { return false }
        let text = reason(answer)
        return text.contains("invalid auth token") || text.contains("auth store is old")
    }

    private static func checked(_ answer: Answer) throws(ArbiterError) -> JSONText {
        if answer.status == 200, let json = JSONText(answer.body) { return json }
        throw ArbiterError("\(reason(answer)) (HTTP status \(answer.status))")
    }

    /// What a member says is wrong: in JSON, or in the first line of a text.
    private static func reason(_ answer: Answer) -> String {
        if let text = JSONText(answer.body)?["error"]?.string { return text }
        let line = answer.body.prefix(200).prefix { 0x20..<0x7f ~= $0 }
        return line.isEmpty ? "no reason" : String(decoding: line, as: UTF8.self)
    }

    private mutating func request(
        _ index: Int, _ path: String, _ body: String, _ token: String?, millis: UInt32
    ) throws(ArbiterError) -> Answer {
        var answer = unsafe chttp_answer()
        unsafe Self.withOptional(token) {
            unsafe chttp_post(
                client, settings.endpoints[index] + path, $0, body, millis, &answer)
        }
        if unsafe answer.has_timed_out { hasTimedOut = true }
        guard unsafe answer.status != 0 else {
            let text = unsafe withUnsafeBytes(of: &answer.error) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw ArbiterError(text)
        }
        let bytes = unsafe Array(UnsafeBufferPointer(start: answer.bytes, count: answer.byte_count))
        return (unsafe answer.status, bytes)
    }

    private static func open(_ settings: EtcdSettings) -> OpaquePointer? {
        unsafe withOptional(settings.authoritiesFile) { authorities in
            unsafe withOptional(settings.certificateFile) { certificate in
                unsafe withOptional(settings.privateKeyFile) { key in
                    var tls = unsafe chttp_tls(
                        authorities: authorities, certificate: certificate, private_key: key)
                    return unsafe chttp_open(&tls)
                }
            }
        }
    }

    private static func withOptional<Result>(
        _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
    ) -> Result {
        guard let text else { return body(nil) }
        return unsafe text.withCString { unsafe body($0) }
    }

    static func nowMillis() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }
}
