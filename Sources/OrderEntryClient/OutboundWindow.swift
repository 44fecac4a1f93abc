// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The messages of a session on their way: kept from `append` until committed.
///
///      firstKept ≤ receivedThrough + 1 ≤ cursor ≤ highestSent + 1 ≤ next
///      committed │ with the gateway     │ in flight │ not sent yet  │
///
/// `cursor` alone moves back: to what the gateway says it expects, or after a silence.
struct OutboundWindow: ~Copyable {
    /// A slot holds the longest message (88 bytes) on a multiple of the line.
    static let slotByteCount = 96

    private var slots: ByteSlab
    private let mask: UInt64
    private let inFlightMost: UInt64
    /// Messages that may be in flight now: halved when some were lost, grown while all arrive.
    private var inFlightMax: UInt64
    private let adaptsToLoss: Bool
    private(set) var firstKept: UInt64
    private(set) var next: UInt64
    private(set) var cursor: UInt64
    private(set) var highestSent: UInt64
    private(set) var receivedThrough: UInt64
    private var lastMovedNanos: UInt64 = 0
    private var resendNanos: UInt64
    private let resendNanosLeast: UInt64
    private let resendNanosMost: UInt64
    private var lastGoBack: UInt64 = 0
    private var lastGoBackNanos: UInt64 = 0

    init(settings: SessionSettings) {
        let capacity = settings.keptMessagesMax
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a power of two of slots")
        slots = ByteSlab(byteCount: capacity * Self.slotByteCount)
        mask = UInt64(capacity - 1)
        inFlightMost = UInt64(settings.inFlightMessagesMax)
        inFlightMax = inFlightMost
        adaptsToLoss = settings.adaptsToLoss
        resendNanosLeast = settings.resendNanos
        resendNanosMost = settings.resendNanosMax
        resendNanos = settings.resendNanos
        let start = SerialNumber.start(low: 1)
        firstKept = start
        next = start
        cursor = start
        highestSent = start - 1
        receivedThrough = start - 1
    }

    /// Messages that still fit.
    var room: Int { Int(mask + 1 - (next - firstKept)) }
    /// Whether everything appended is committed.
    var isEmpty: Bool { firstKept == next }
    /// Whether a datagram with messages may go out now.
    var mayFill: Bool { cursor < next && cursor &- receivedThrough <= inFlightMax }

    /// Keeps a message and gives its sequence; the caller has looked at `room`.
    mutating func append<Message: BitwiseCopyable>(_ message: Message) -> UInt64 {
        precondition(room > 0, "a message is appended only where there is room")
        let sequence = next
        slots.store(message, at: Int(sequence & mask) * Self.slotByteCount)
        next &+= 1
        return sequence
    }

    /// The gateway's first word, at each logon: what it expects next. False if it expects what we
    /// have dropped or never had.
    mutating func open(expectedLow: UInt32, isFirst: Bool, nowNanos: UInt64) -> Bool {
        if isFirst {
            // `submit` refuses before the logon, so the window may begin anywhere.
            precondition(next == firstKept, "nothing is appended before the first logon")
            let start = SerialNumber.start(low: expectedLow)
            firstKept = start
            next = start
            highestSent = start - 1
        }
        let expected = SerialNumber.extended(expectedLow, near: firstKept)
        guard expected >= firstKept && expected <= highestSent + 1 else { return false }
        cursor = expected
        receivedThrough = expected - 1
        lastMovedNanos = nowNanos
        resendNanos = resendNanosLeast
        return true
    }

    /// Takes the two acknowledgements of a header. Old or impossible ones change nothing.
    mutating func acknowledge(received: UInt32, committed: UInt32, nowNanos: UInt64) {
        let through = SerialNumber.extended(received, near: receivedThrough)
        if through > receivedThrough && through <= highestSent {
            inFlightMax = min(inFlightMost, inFlightMax + (through - receivedThrough) / 4)
            receivedThrough = through
            cursor = max(cursor, through + 1)
            lastMovedNanos = nowNanos
            resendNanos = resendNanosLeast
        }
        let kept = SerialNumber.extended(committed, near: firstKept) + 1
        if kept > firstKept && kept <= highestSent + 1 {
            firstKept = kept
            // Committed is more than received.
            if kept - 1 > receivedThrough {
                receivedThrough = kept - 1
                cursor = max(cursor, kept)
                lastMovedNanos = nowNanos
                resendNanos = resendNanosLeast
            }
        }
    }

    /// The gateway misses `expectedLow`: goes back there. The same gap told again within a
    /// millisecond (a duplicate on the network) is not answered twice.
    mutating func goBack(toLow expectedLow: UInt32, nowNanos: UInt64) {
        let expected = SerialNumber.extended(expectedLow, near: receivedThrough)
        guard expected > receivedThrough && expected <= highestSent else { return }
        if expected == lastGoBack && nowNanos &- lastGoBackNanos < 1_000_000 { return }
        lastGoBack = expected
        lastGoBackNanos = nowNanos
        receivedThrough = expected - 1
        cursor = expected
        lastMovedNanos = nowNanos
        slowDown()
    }

    /// Going back repeats all that is in flight: the less there is, the less is repeated.
    private mutating func slowDown() {
        if adaptsToLoss { inFlightMax = max(inFlightMax / 2, min(inFlightMost, 128)) }
    }

    /// When what is in flight must be repeated; nil with nothing in flight.
    var resendDeadlineNanos: UInt64? {
        receivedThrough + 1 < cursor ? lastMovedNanos + resendNanos : nil
    }

    /// Goes back to the first message not received, if that is due.
    mutating func resendIfDue(nowNanos: UInt64) -> Bool {
        guard let deadline = resendDeadlineNanos, nowNanos >= deadline else { return false }
        cursor = receivedThrough + 1
        lastMovedNanos = nowNanos
        resendNanos = min(resendNanos * 2, resendNanosMost)
        slowDown()
        return true
    }

    /// Copies messages from the cursor on to `target` from `offset`, as many as fit.
    mutating func fill(
        _ target: inout MutableRawSpan, from offset: Int, to end: Int, messagesMax: Int,
        nowNanos: UInt64
    ) -> (first: UInt64, count: Int, resent: Int, end: Int) {
        if receivedThrough + 1 == cursor { lastMovedNanos = nowNanos }
        let first = cursor
        let last = min(next, receivedThrough &+ inFlightMax &+ 1)
        var position = offset
        var count = 0
        while cursor < last && count < messagesMax {
            let slot = Int(cursor & mask) * Self.slotByteCount
            let size = slots.load(at: slot, as: MessageType.self).orderByteCount
            guard position + size <= end else { break }
            slots.copy(from: slot, count: size, to: &target, at: position)
            position += size
            count += 1
            cursor &+= 1
        }
        let resent = highestSent >= first ? Int(min(highestSent &+ 1, cursor) - first) : 0
        highestSent = max(highestSent, cursor - 1)
        return (first, count, resent, position)
    }
}
