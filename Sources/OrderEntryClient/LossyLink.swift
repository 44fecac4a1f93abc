// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// What a bad network does to datagrams, each in percent, decided by a seed.
public struct LinkFaults: Equatable, Sendable {
    /// Of datagrams that never arrive.
    public var lossPercent = 0.0
    /// Of datagrams that arrive twice.
    public var duplicatePercent = 0.0
    /// Of datagrams that later ones overtake.
    public var reorderPercent = 0.0
    /// How long an overtaken datagram is held, at most.
    public var delayNanosMax: UInt64 = 500_000
    /// Same seed and same datagrams: same faults.
    public var seed: UInt64 = 1

    /// No faults, unless given.
    public init(
        lossPercent: Double = 0, duplicatePercent: Double = 0, reorderPercent: Double = 0,
        seed: UInt64 = 1
    ) {
        self.lossPercent = lossPercent
        self.duplicatePercent = duplicatePercent
        self.reorderPercent = reorderPercent
        self.seed = seed
    }
    /// Whether it does anything.
    public var isActive: Bool { lossPercent > 0 || duplicatePercent > 0 || reorderPercent > 0 }
}

/// One direction of a bad network: datagrams go in, and come out later, twice, or never.
///
/// For tests and drills; it allocates. One thread.
public struct LossyLink {
    private struct Waiting {
        var dueNanos: UInt64
        var bytes: [UInt8]
    }

    private let faults: LinkFaults
    private var random: SeededRandom
    private var waiting: [Waiting] = []
    /// Datagrams that it swallowed.
    public private(set) var lost: UInt64 = 0
    /// Datagrams that it gave twice.
    public private(set) var duplicated: UInt64 = 0
    /// Datagrams that it held back.
    public private(set) var reordered: UInt64 = 0

    /// A link with these faults.
    public init(_ faults: LinkFaults) {
        self.faults = faults
        random = SeededRandom(seed: faults.seed)
    }

    private mutating func happens(_ percent: Double) -> Bool {
        Double(random.next() >> 11) * 0x1p-53 * 100 < percent
    }

    /// Takes a datagram.
    public mutating func push(_ datagram: RawSpan, nowNanos: UInt64) {
        if happens(faults.lossPercent) {
            lost &+= 1
            return
        }
        let isTwice = happens(faults.duplicatePercent)
        if isTwice { duplicated &+= 1 }
        for _ in 0..<(isTwice ? 2 : 1) {
            var dueNanos = nowNanos
            if happens(faults.reorderPercent) {
                reordered &+= 1
                dueNanos += random.below(faults.delayNanosMax + 1)
            }
            insert(Waiting(dueNanos: dueNanos, bytes: copy(datagram)))
        }
    }

    private func copy(_ datagram: RawSpan) -> [UInt8] {
        (0..<datagram.byteCount).map { datagram.value(at: $0, as: UInt8.self) }
    }

    /// Keeps the order of those that are due at the same time.
    private mutating func insert(_ entry: Waiting) {
        var index = waiting.endIndex
        while index > 0 && waiting[index - 1].dueNanos > entry.dueNanos { index -= 1 }
        waiting.insert(entry, at: index)
    }

    /// The next datagram that is due; nil = none is.
    public mutating func pop(nowNanos: UInt64) -> [UInt8]? {
        guard let first = waiting.first, first.dueNanos <= nowNanos else { return nil }
        waiting.removeFirst()
        return first.bytes
    }

    /// When the next one is due.
    public var nextDeadlineNanos: UInt64? { waiting.first?.dueNanos }
}
