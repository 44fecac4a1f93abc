// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import NICGateway
internal import Pipeline

/// The gateway's port and the one that sends to it, each opened when it is first asked for.
///
/// Threading: one control thread.
final class QualificationPorts {
    static let noPort = "neither profile nor configuration names a port"
    private var configuration: Configuration
    private let generator: String?
    private var opened: Port?
    private var openedRig: TrafficRig?

    init(_ configuration: Configuration, generator: String?) {
        self.configuration = configuration
        self.configuration.shards = 1
        self.generator = generator
    }

    /// The gateway's, opened as the gateway does. Throws what a person can mend.
    func port() throws -> Port {
        if let opened { return opened }
        try startDPDK()
        var notes: [String] = []
        let port = try GatewayPort.open(configuration, notes: &notes)
        opened = port
        return port
    }

    /// With the other one. Throws what a person can mend.
    func rig(generator name: String) throws -> TrafficRig {
        if let openedRig { return openedRig }
        let specification = try PortSpecification(name)
        let rig = try TrafficRig(port(), configuration, generator: specification)
        openedRig = rig
        return rig
    }

    /// Closes both.
    func close() {
        openedRig?.close()
        opened?.close()
    }

    /// With memory for both ports; `GatewayPort` would take what one needs.
    private func startDPDK() throws {
        let sending = try generator.map { try PortSpecification($0) }
        let receiving = try PortSpecification(configuration.port)
        guard receiving.needsEAL || sending?.needsEAL == true else { return }
        // 4,095 buffers of the generator are 10 MB, and its rings some more.
        try GatewayPort.startDPDK(
            configuration, for: receiving, moreMB: sending == nil ? 0 : 32)
    }
}
