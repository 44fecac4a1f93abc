// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the semaphore lies in memory of its own that this object frees, after the thread, the
// only other one to touch it, was joined.
internal import Glibc
public import Platform
internal import Synchronization

/// Where questions for an arbiter are left, one at a time, and its answers found.
///
/// Threading: one thread. Neither call waits.
public protocol ArbiterDesk: AnyObject {
    /// Hands a request over; false, and nothing happens, while the one before has no answer that
    /// was taken.
    func ask(_ request: ArbiterRunner.Request) -> Bool
    /// The answer, once.
    func takeAnswer() -> ArbiterRunner.Answer?
}

/// Asks an arbiter on a thread of its own, one request at a time, so that the asking thread never
/// blocks.
///
/// Threading: `ask` and `takeAnswer` belong to one thread. Each costs it an atomic load while there
/// is nothing; a request costs one system call.
public final class ArbiterRunner: ArbiterDesk, Sendable {
    /// What can be asked.
    public enum Request: Equatable, Sendable {
        /// `Arbiter.read`.
        case read
        /// `Arbiter.swap`.
        case swap(Decision, for: UInt64)
    }

    /// What came of it.
    public enum Answer: Equatable, Sendable {
        /// Of `read`.
        case read(Decision?, revision: UInt64)
        /// Of `read`, when it threw.
        case failed(ArbiterError)
        /// Of `swap`. When it is unknown, ask the same again.
        case swap(SwapOutcome)
    }

    private let mailbox: Mailbox
    private let thread: PinnedThread

    /// Starts the thread. Throws when the system has none left.
    public init(_ arbiter: any Arbiter) throws(PlatformError) {
        let mailbox = Mailbox()
        self.mailbox = mailbox
        thread = try PinnedThread(name: "nt-arbiter") {
            while let request = mailbox.nextRequest() {
                mailbox.answer(Self.put(request, to: arbiter))
            }
        }
    }

    /// As `ArbiterDesk` says.
    public func ask(_ request: Request) -> Bool { mailbox.ask(request) }

    /// As `ArbiterDesk` says.
    public func takeAnswer() -> Answer? { mailbox.takeAnswer() }

    /// Waits for the request under way, if any, then for the thread's end.
    deinit {
        mailbox.close()
        thread.join()
    }

    private static func put(_ request: Request, to arbiter: any Arbiter) -> Answer {
        switch request {
        case .swap(let decision, let revision): return .swap(arbiter.swap(decision, for: revision))
        case .read:
            do {
                let (decision, revision) = try arbiter.read()
                return .read(decision, revision: revision)
            } catch {
                return .failed(error)
            }
        }
    }
}

/// One request on its way, then its answer on the way back.
@safe private final class Mailbox: @unchecked Sendable {
    private enum Turn {
        static let caller: UInt32 = 0, thread: UInt32 = 1, answered: UInt32 = 2
    }

    /// Whose the two slots are: their mutexes are for the compiler, nobody ever waits for one.
    private let turn = Atomic(Turn.caller)
    private let request = Mutex<ArbiterRunner.Request?>(nil)
    private let answer = Mutex<ArbiterRunner.Answer?>(nil)
    private let isClosed = Atomic(false)
    private let requests: UnsafeMutablePointer<sem_t>

    init() {
        unsafe requests = .allocate(capacity: 1)
        let result = unsafe sem_init(requests, 0, 0)
        precondition(result == 0, "a semaphore of one process can always be made")
    }

    deinit {
        unsafe sem_destroy(requests)
        unsafe requests.deallocate()
    }

    func ask(_ asked: ArbiterRunner.Request) -> Bool {
        guard turn.load(ordering: .relaxed) == Turn.caller else { return false }
        request.withLock { $0 = asked }
        // Release: pairs with the acquire in `nextRequest`; the request comes before it.
        turn.store(Turn.thread, ordering: .releasing)
        unsafe sem_post(requests)
        return true
    }

    func takeAnswer() -> ArbiterRunner.Answer? {
        // Acquire: pairs with the release in `answer(_:)`; the answer comes before it.
        guard turn.load(ordering: .acquiring) == Turn.answered else { return nil }
        let taken = answer.withLock { slot in
            defer { slot = nil }
            return slot
        }
        turn.store(Turn.caller, ordering: .relaxed)
        return taken
    }

    /// Sleeps until there is one; nil when it was closed.
    func nextRequest() -> ArbiterRunner.Request? {
        repeat {
            while unsafe sem_wait(requests) != 0 {}
            if isClosed.load(ordering: .acquiring) { return nil }
            // Acquire: pairs with the release in `ask`.
        } while turn.load(ordering: .acquiring) != Turn.thread
        return request.withLock { $0 }
    }

    func answer(_ given: ArbiterRunner.Answer) {
        answer.withLock { $0 = given }
        // Release: pairs with the acquire in `takeAnswer`; the answer comes before it.
        turn.store(Turn.answered, ordering: .releasing)
    }

    func close() {
        // Release: pairs with the acquire in `nextRequest`.
        isClosed.store(true, ordering: .releasing)
        unsafe sem_post(requests)
    }
}
