// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// What benchmarks read of the machine and the process.
public enum Measurement {
    /// Bytes that malloc has handed out and not got back, in the whole process.
    public static var mallocByteCount: Int { Int(cplatform_malloc_byte_count()) }

    /// The cycle counter, read after everything before it has finished.
    @inline(__always) public static var cyclesOrdered: UInt64 { cplatform_cycles_ordered() }
}
