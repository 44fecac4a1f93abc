// SPDX-License-Identifier: Apache-2.0

/// One file of the kernel's that is to hold another value.
public struct TuningStep: Equatable, Sendable {
    /// What it is about, such as "governor".
    public let topic: String
    /// Why.
    public let reason: String
    /// Below the root, without a slash in front.
    public let path: String
    /// What the file holds, as far as it was known.
    public let before: String
    /// What it is to hold.
    public let after: String
    /// Whether the kernel may refuse it without harm.
    public var mayBeRefused = false
    /// What helps when it cannot be done.
    public var cure = ""
    /// For a file that only takes orders: what takes this one back, and where a success shows.
    public var order: Order?

    /// What it is to be, for people.
    public var result: String { order?.result ?? after }

    /// An order has no value that could be read and put back.
    public struct Order: Equatable, Sendable {
        /// What comes of it, such as "bound to vfio-pci".
        public let result: String
        /// The file that takes it back.
        public let undoPath: String
        /// What is written there.
        public let undoValue: String
        /// The card's own file that shows its driver, and a line that must be in it then; nil where
        /// nothing shows.
        public let proof: Proof?
    }

    /// A line that a file must have.
    public struct Proof: Equatable, Sendable {
        /// Below the root.
        public let path: String
        /// The line.
        public let line: String
    }
}

/// Files that are written; below the root, without a slash in front.
internal enum TuningPath {
    static let transparentHugePages = "sys/kernel/mm/transparent_hugepage/enabled"
    static let noIOMMU = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
    static let clockSource = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    static let defaultInterrupts = "proc/irq/default_smp_affinity"

    static func governor(_ cpu: Int) -> String { "\(cpuFolder)/cpu\(cpu)/cpufreq/scaling_governor" }

    static func idleState(_ cpu: Int, _ state: Int) -> String {
        "\(cpuFolder)/cpu\(cpu)/cpuidle/state\(state)/disable"
    }

    static func interrupt(_ number: Int) -> String { "proc/irq/\(number)/smp_affinity_list" }

    static func diskScheduler(_ disk: BlockDevice) -> String {
        "sys/class/block/\(disk.disk ?? disk.name)/queue/scheduler"
    }
}

/// Text for a POSIX shell.
internal enum ShellText {
    /// As one word, whatever is in it.
    static func quoted(_ text: String) -> String {
        if !text.isEmpty, isPlain(text) { return text }
        return "'"
            + text.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }

    /// Whether there is nothing in it but ASCII letters, digits and "-._/:", which mean nothing to
    /// a shell, nor within a word of YAML.
    static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x2F, 0x3A, 0x5F].contains(byte)
        }
    }

    /// For a comment: on one line, with nothing that steers a terminal.
    static func comment(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "?" : scalar
                }))
    }
}
