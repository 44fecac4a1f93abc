// SPDX-License-Identifier: Apache-2.0
internal import Settings

extension HardwareProfile {
    /// What the host must reach before it goes live; what is nil is measured and not judged.
    public struct QualifyLimits: Sendable, Equatable {
        /// The longest interruption of a polling processor, microseconds.
        public var jitterMicrosMax: UInt64?
        /// Frames a second that must be received without a loss.
        public var receiveFramesPerSecondMin: UInt64?
        /// Frames that may be lost of 65,536 at line rate.
        public var burstFramesLostMax: UInt64?
        /// How long 99 % of the journal's writes may take until they are durable, microseconds.
        public var fsyncMicrosP99Max: UInt64?
        /// How long 99 % of the writes into a standby's memory may take, microseconds.
        public var writeMicrosP99Max: UInt64?
        /// How long it may take to fence a standby off, microseconds.
        public var fenceMicrosMax: UInt64?

        /// Nothing asked for.
        public init() {}
    }

    internal mutating func readQualifyLimits(_ reader: inout SettingsReader) {
        guard reader.has("qualify") else { return }
        var inner = reader.inner("qualify")
        let micros: ClosedRange<UInt64> = 1...60_000_000
        qualify.jitterMicrosMax = inner.integer("jitterMicrosMax", in: micros)
        qualify.receiveFramesPerSecondMin = inner.integer(
            "receiveFramesPerSecondMin", in: 1...1_000_000_000)
        qualify.burstFramesLostMax = inner.integer("burstFramesLostMax", in: 0...65_536)
        qualify.fsyncMicrosP99Max = inner.integer("fsyncMicrosP99Max", in: micros)
        qualify.writeMicrosP99Max = inner.integer("writeMicrosP99Max", in: micros)
        qualify.fenceMicrosMax = inner.integer("fenceMicrosMax", in: micros)
        reader.absorb(inner)
    }
}
