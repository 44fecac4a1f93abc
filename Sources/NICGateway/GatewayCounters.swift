// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a gateway core counts. The names are what an operator reads.
public enum GatewayCounter: Int, CaseIterable, Sendable {
    // Frames.
    case framesReceived, framesSent
    case frameTooShort, severalSegments, otherEtherType, malformedIPv4, otherAddress, fragmentedIPv4
    case otherProtocol, malformedUDP, wrongChecksum, otherPort
    case arpReplies, echoReplies, steeredInSoftware, steeringDropped
    // Datagrams that change nothing.
    case datagramTooShort, wrongVersion, wrongChannel, unknownSession, sessionNotOpen
    case wrongEpoch, wrongToken, wrongSource, unknownKey, unknownMessage, sizeMismatch
    case tooManyMessages
    // Sequences.
    case datagramsTaken, commands, refused, throttled, overLimitDropped
    case duplicateMessages, duplicateDatagrams, heldDatagrams, beyondWindowDropped, gapReports
    // Sessions.
    case logons, logonsRejected, timeouts, resendRequests, resentReports, resendsUnavailable
    case resendsFromHistory
    // Output.
    case commandsReported, reports, publicReports, heartbeats
    // Pressure: counted once for each poll that met it.
    case logFull, transmitFull, buffersExhausted
}

/// One number for each counter: written by the core's thread, readable by any.
///
/// SAFETY: `values` is initialised for every counter from `init` to `deinit`; the index is a case.
@safe public final class GatewayCounters: @unchecked Sendable {
    private let values: UnsafeMutablePointer<Atomic<UInt64>>

    /// All zero.
    public init() {
        unsafe values = .allocate(capacity: GatewayCounter.allCases.count)
        for index in 0..<GatewayCounter.allCases.count {
            unsafe (values + index).initialize(to: Atomic(0))
        }
    }

    deinit {
        unsafe values.deinitialize(count: GatewayCounter.allCases.count)
        unsafe values.deallocate()
    }

    /// Adds, by the core's thread only: a plain addition, for no other thread writes.
    @inline(__always)
    func add(_ counter: GatewayCounter, _ count: Int = 1) {
        let value = unsafe values + counter.rawValue
        let old = unsafe value.pointee.load(ordering: .relaxed)
        unsafe value.pointee.store(
            old &+ UInt64(truncatingIfNeeded: count), ordering: .relaxed)
    }

    /// The number now; any thread.
    public subscript(counter: GatewayCounter) -> UInt64 {
        unsafe values[counter.rawValue].load(ordering: .relaxed)
    }

    /// Every counter that is not zero, in order of declaration.
    public var nonZero: [(name: String, value: UInt64)] {
        GatewayCounter.allCases.compactMap { counter in
            let value = self[counter]
            return value == 0 ? nil : ("\(counter)", value)
        }
    }
}
