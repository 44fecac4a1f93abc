// SPDX-License-Identifier: Apache-2.0
internal import NICGateway

/// A gateway core of no pair: takes its commands from its port, and now and then one from an
/// operator.
///
/// Threading: of the gateway thread.
struct AloneCore: PolledCore, ~Copyable {
    private var core: GatewayCore
    private var opening: EpochOpening

    /// Around a core whose epoch has begun.
    init(_ core: consuming GatewayCore, opening: EpochOpening) {
        self.core = core
        self.opening = opening
    }

    /// As `GatewayCore.poll`.
    mutating func poll() -> Bool {
        guard opening.write(to: &core) else { return core.pollOutput() }
        return core.poll()
    }

    /// As `GatewayCore.pollIntake`.
    mutating func pollIntake() -> Bool { opening.write(to: &core) && core.pollIntake() }

    /// As `GatewayCore.pollOutput`.
    mutating func pollOutput() -> Bool { core.pollOutput() }

    /// It follows nobody.
    mutating func close() {}
}
