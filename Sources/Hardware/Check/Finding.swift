// SPDX-License-Identifier: Apache-2.0

/// What a look at one matter of a host has found.
public struct Finding: Equatable, Sendable {
    /// How bad it is; the worse comes first.
    public enum Severity: String, CaseIterable, Sendable {
        /// The gateway will not start, or will not do what it should.
        case error
        /// It works, slower than it could.
        case warning
        /// The kernel does not tell.
        case unknown
        /// As it should be.
        case ok
    }

    /// What helps.
    public enum Remedy: String, Sendable {
        /// Nothing need be done.
        case none
        /// `needletail hw apply`.
        case apply
        /// `needletail hw apply --bind-nic`: it takes the NIC from the kernel.
        case bind
        /// Another kernel command line, `needletail hw plan`, and a reboot.
        case boot
        /// Another profile.
        case profile
        /// A person's hands, or a command that is given.
        case hand
    }

    /// The matter in a word or two, such as "huge pages".
    public let topic: String
    /// How bad it is.
    public let severity: Severity
    /// What is.
    public let found: String
    /// What should be; empty if that is what is.
    public let wanted: String
    /// Why it should be so; empty if it is.
    public let reason: String
    /// What to do, a command or a change; empty if there is nothing.
    public let fix: String
    /// Of which kind that is.
    public let remedy: Remedy

    internal static func ok(_ topic: String, _ found: String) -> Finding {
        Finding(
            topic: topic, severity: .ok, found: found, wanted: "", reason: "", fix: "",
            remedy: .none)
    }

    internal static func unknown(
        _ topic: String, _ found: String, wanted: String, fix: String = ""
    ) -> Finding {
        Finding(
            topic: topic, severity: .unknown, found: found, wanted: wanted, reason: "", fix: fix,
            remedy: fix.isEmpty ? .none : .hand)
    }

    internal static func warning(
        _ topic: String, _ found: String, wanted: String, because reason: String, fix: String,
        _ remedy: Remedy
    ) -> Finding {
        wrong(.warning, topic, found, wanted, reason, fix, remedy)
    }

    internal static func error(
        _ topic: String, _ found: String, wanted: String, because reason: String, fix: String,
        _ remedy: Remedy
    ) -> Finding {
        wrong(.error, topic, found, wanted, reason, fix, remedy)
    }

    private static func wrong(
        _ severity: Severity, _ topic: String, _ found: String, _ wanted: String,
        _ reason: String, _ fix: String, _ remedy: Remedy
    ) -> Finding {
        Finding(
            topic: topic, severity: severity, found: found, wanted: wanted, reason: reason,
            fix: fix, remedy: remedy)
    }
}
