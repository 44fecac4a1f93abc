// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The arbiter of production: a key in an etcd cluster of three members, one of them on a witness.
///
/// Everything is a transaction that goes through the cluster's log, reads too: plain linearizable
/// reads of some releases may be stale.
public final class EtcdArbiter: Arbiter {
    /// As in "etcd at https://a:2379, key /venue".
    public let description: String
    /// Its name as etcd's JSON has it.
    private let key: String
    private let members: Mutex<EtcdMembers>

    /// Asks nobody yet. Throws when the password cannot be read.
    public init(_ settings: EtcdSettings) throws(ArbiterError) {
        description = "etcd at \(settings.endpoints.joined(separator: ", ")), key \(settings.key)"
        key = Base64.encode(settings.key.utf8)
        members = Mutex(try EtcdMembers(settings))
    }

    /// The key as it is: a transaction with a condition that never holds, and a write behind it,
    /// because etcd takes one without any write past its log.
    public func read() throws(ArbiterError) -> (decision: Decision?, revision: UInt64) {
        let never = #"{"key":"\#(key)","target":"MOD","result":"LESS","mod_revision":"0"}"#
        switch try transact(if: never, put: "") {
        case .found(let value): return value
        case .put: throw ArbiterError("\(description): a condition held that cannot hold")
        }
    }

    /// As `Arbiter.swap`.
    public func swap(_ decision: Decision, for revision: UInt64) -> SwapOutcome {
        precondition(decision.flaw == nil, "a decision without a flaw")
        let same =
            #"{"key":"\#(key)","target":"MOD","result":"EQUAL","mod_revision":"\#(revision)"}"#
        do throws(ArbiterError) {
            switch try transact(if: same, put: Base64.encode(decision.text.utf8)) {
            case .put(let revision): return .won(revision: revision)
            case .found(let value):
                return SwapOutcome(
                    asked: decision, found: value.decision, revision: value.revision)
            }
        } catch {
            return .unknown(error.description)
        }
    }

    private enum Outcome {
        case put(revision: UInt64)
        case found((decision: Decision?, revision: UInt64))
    }

    private func transact(
        if condition: String, put value: String
    ) throws(ArbiterError) -> Outcome {
        let body = """
            {"compare":[\(condition)],\
            "success":[{"request_put":{"key":"\(key)","value":"\(value)"}}],\
            "failure":[{"request_range":{"key":"\(key)"}}]}
            """
        let answer = members.withLock { members -> Result<EtcdAnswer, ArbiterError> in
            do throws(ArbiterError) {
                return .success(try members.post("/v3/kv/txn", body, EtcdAnswer.init))
            } catch {
                return .failure(error)
            }
        }
        switch try answer.get() {
        case .put(let revision): return .put(revision: revision)
        case .absent: return .found((nil, 0))
        case .found(let value, let revision):
            do throws(ArbiterError) {
                return .found((try Decision(text: value), revision))
            } catch {
                throw ArbiterError(
                    "the value of the key in \(description) \(error): find out who writes there, "
                        + "and on both hosts who was the last primary")
            }
        }
    }
}

/// What a member says to a transaction.
enum EtcdAnswer: Equatable {
    /// The condition held, and what was written has this revision.
    case put(revision: UInt64)
    /// It did not, and there is no such key.
    case absent
    /// It did not, and this is there.
    case found([UInt8], revision: UInt64)

    /// Nil unless it has all that a member writes.
    init?(_ json: JSONText) {
        guard let revision = json["header"]?["revision"]?.unsigned, revision > 0 else { return nil }
        switch json["succeeded"] {
        // False and zero are left out.
        case nil, .flag(false):
            guard json["responses"]?.elements.count == 1,
                let range = json["responses"]?.elements.first?["response_range"]
            else { return nil }
            let found = range["kvs"]?.elements ?? []
            guard let first = found.first else {
                self = .absent
                return
            }
            guard let value = Base64.decode(first["value"]?.string ?? ""),
                let revision = first["mod_revision"]?.unsigned, revision > 0
            else { return nil }
            self = .found(value, revision: revision)
        case .flag(true): self = .put(revision: revision)
        default: return nil
        }
    }
}
