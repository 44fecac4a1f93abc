// SPDX-License-Identifier: Apache-2.0

/// The bytes of a plain value.
public func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}

/// A plain value from bytes; traps when they do not reach.
public func value<Value: BitwiseCopyable>(
    _ bytes: [UInt8], at offset: Int, as type: Value.Type = Value.self
) -> Value {
    precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= bytes.count, "in the bytes")
    return unsafe bytes.withUnsafeBytes {
        unsafe $0.loadUnaligned(fromByteOffset: offset, as: type)
    }
}

/// Two bytes in network order.
public func big16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

/// Four bytes in network order.
public func big32(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
}

/// Reads two bytes in network order.
public func big16(_ bytes: [UInt8], _ offset: Int) -> Int {
    Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
}

/// Reads four bytes in network order.
public func big32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(big16(bytes, offset)) << 16 | UInt32(big16(bytes, offset + 2))
}

/// The Internet checksum, word by word as RFC 1071 writes it.
public func internetChecksum(_ bytes: [UInt8]) -> Int {
    var sum = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
        sum += Int(bytes[index]) << 8 | (index + 1 < bytes.count ? Int(bytes[index + 1]) : 0)
        sum = (sum & 0xFFFF) + sum >> 16
    }
    return ~sum & 0xFFFF
}
