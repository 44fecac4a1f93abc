// SPDX-License-Identifier: Apache-2.0

/// The arbiter of one machine: a folder on a local disk that both processes see. It survives the
/// death of either, and neither can make the other wait.
public final class FileArbiter: Arbiter {
    private let folder: DecisionFolder

    /// Over a folder, which must be there when it is asked.
    public init(folder path: String) { folder = DecisionFolder(path: path) }

    /// For tests: with what is called on the way of a swap, with the name of each step.
    @_spi(Testing)
    public init(folder path: String, passes: @escaping @Sendable (String) -> Void) {
        folder = DecisionFolder(path: path) { passes($0.rawValue) }
    }

    /// The names of the steps of a swap, in their order.
    @_spi(Testing) public static var steps: [String] {
        DecisionFolder.Step.allCases.map(\.rawValue)
    }

    /// As in "file arbiter in /FOLDER".
    public var description: String { "file arbiter in \(folder.path)" }

    /// As `Arbiter.read`.
    public func read() throws(ArbiterError) -> (decision: Decision?, revision: UInt64) {
        try folder.read()
    }

    /// As `Arbiter.swap`.
    public func swap(_ decision: Decision, for revision: UInt64) -> SwapOutcome {
        folder.swap(decision, for: revision)
    }
}
