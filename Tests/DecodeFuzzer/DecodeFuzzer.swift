// SPDX-License-Identifier: Apache-2.0
//
//  Random bytes against a whole shard: libFuzzer ─▶ bytes ─▶ frames ─▶ shard over a memory port.
//
//  The first byte of an input says what the rest is:
//    0…63     a frame as it stands
//    64…127   an order entry datagram in a sound UDP frame
//    128…     messages of the orders channel, behind a header that is right in all but what bits
//             0…5 make wrong: count, sequence ahead or behind, channel
//  What must hold after each input: a frame is counted once by what became of it, and one that was
//  dropped has changed nothing: not the log, not the sessions, not the state hash.
internal import Engine
internal import FuzzDriver
internal import NICGateway
internal import Pipeline
internal import ShardRig
internal import Wire

/// Where the package manager has an executable begin. Built by `hw/scripts/fuzz`.
@_cdecl("DecodeFuzzer_main")
public func start(_ argumentCount: CInt, _ arguments: UnsafeMutableRawPointer) -> CInt {
    unsafe runFuzzer(argumentCount, arguments) { unsafe Fuzz.target.take($0) }
}

/// One shard for all inputs: it must stand whatever came before.
final class Fuzz {
    nonisolated(unsafe) static let target = Fuzz()

    private var rig: ShardRig
    private var client = TestClient(1)
    private var inputCount = 0
    /// What became of a frame that was taken for what it is.
    private static let taken: [GatewayCounter] = [
        .datagramsTaken, .duplicateDatagrams, .heldDatagrams, .beyondWindowDropped, .logons,
        .resendRequests, .arpReplies, .echoReplies, .logonsRejected,
    ]
    /// Why a frame was dropped.
    private static let dropped: [GatewayCounter] = [
        .frameTooShort, .otherEtherType, .malformedIPv4, .otherAddress, .fragmentedIPv4,
        .otherProtocol, .malformedUDP, .wrongChecksum, .otherPort, .datagramTooShort,
        .wrongVersion, .wrongChannel, .unknownSession, .sessionNotOpen, .wrongEpoch,
        .wrongToken, .wrongSource, .unknownKey, .unknownMessage, .sizeMismatch,
        .tooManyMessages,
    ]

    private init() {
        rig = Self.open()
        client.heartbeatMillis = 60_000
        client.logOn(rig)
    }

    private static func open() -> ShardRig {
        do {
            return try ShardRig(buffers: 512) { $0.sessionCapacity = 4 }
        } catch {
            fatalError("a shard for the fuzzer: \(error)")
        }
    }

    func take(_ input: [UInt8]) {
        guard let first = input.first else { return }
        inputCount += 1
        prepare()
        let frame = frame(first, Array(input.dropFirst()))
        guard frame.count <= 2_048 else { return }
        let isRaw = first < 64
        let takenBefore = total(Self.taken)
        let droppedBefore = total(Self.dropped)
        let loggedBefore = rig.logged
        let hashBefore = rig.stateHash
        rig.inject(frame)
        rig.poll(3)
        let takenNow = total(Self.taken) - takenBefore
        let droppedNow = total(Self.dropped) - droppedBefore
        precondition(droppedNow <= 1, "a frame is dropped for one reason")
        if droppedNow == 1 {
            precondition(takenNow == 0, "a frame that is dropped is not taken")
            precondition(rig.logged == loggedBefore, "a frame that is dropped is not logged")
            precondition(rig.stateHash == hashBefore, "a frame that is dropped changes nothing")
        } else {
            // A datagram may bring held ones with it; a logon may be the open session's own.
            precondition(takenNow >= 1 || isRaw || isUncounted(frame), "a frame is counted")
        }
        rig.drain()
    }

    /// Now and then a new shard; and the session open, whatever the last input did to it.
    private func prepare() {
        if inputCount % 100_000 == 0 { rig = Self.open() }
        let session = rig.session(1)
        let isOurs = session.isLoggedOn && session.token == client.token
        if !isOurs || session.openOrders > 2_000 {
            client.nonce &+= 1
            client.flags = 1
            if session.openOrders > 2_000 {
                client.next = UInt32(truncatingIfNeeded: session.expectedSequence)
                _ = rig.exchange(client.frame(Logout()))
                client.nonce &+= 1
            }
            client.logOn(rig)
        }
        client.next = UInt32(truncatingIfNeeded: rig.session(1).expectedSequence)
    }

    private func frame(_ kind: UInt8, _ rest: [UInt8]) -> [UInt8] {
        var builder = client.builder
        builder.hasUDPChecksum = false
        switch kind {
        case 0..<64: return rest
        case 64..<128: return builder.frame(Array(rest.prefix(1_900)))
        default: break
        }
        var count = messageCount(rest)
        var sequence = client.next
        if kind & 1 != 0, let byte = rest.first { count = Int(byte) }
        if kind & 2 != 0 { sequence &+= UInt32(kind >> 4) }
        if kind & 4 != 0 { sequence &-= UInt32(kind >> 5) }
        let isControl = kind & 24 == 24
        if isControl { count = 1 }
        var header = client.header(
            isControl ? .control : .orders, count: count, sequence: sequence)
        if kind & 32 != 0 { header.receivedThrough = sequence }
        // A client that has not heard of this epoch: what it says is not taken.
        if kind & 28 == 12 { header.epoch -= 1 }
        return builder.frame(bytes(header) + rest.prefix(1_900))
    }

    /// As many messages as there are whole ones of known types.
    private func messageCount(_ messages: [UInt8]) -> Int {
        var offset = 0
        var count = 0
        while offset < messages.count {
            let size = MessageType(rawValue: messages[offset]).orderByteCount
            if size == 0 { break }
            offset += size
            count += 1
        }
        return count
    }

    /// Whether a frame of ours may be one that is only answered: a repeated logon, or an empty
    /// datagram ahead of what is expected.
    private func isUncounted(_ frame: [UInt8]) -> Bool {
        let isEmpty = frame.count >= 90 && frame[44] == 0 && frame[45] == 0
        return isEmpty
            || frame.count > 90 && frame[43] == 3 && frame[90] == MessageType.logon.rawValue
    }

    private func total(_ counters: [GatewayCounter]) -> UInt64 {
        counters.reduce(0) { $0 + rig[$1] }
    }
}
