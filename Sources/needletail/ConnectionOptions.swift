// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
public import OrderEntryClient

extension SocketAddress: ExpressibleByArgument {
    /// Reads what the command line says, for example `10.77.0.1:7000`.
    public init?(argument: String) { self.init(argument) }
}

/// How to reach the gateway: shared by the clients.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Order entry address of the gateway.", valueName: "address:port"))
    var gateway = SocketAddress(address: 0x7F00_0001, port: 7_000)

    @Option(help: "Session number, as the gateway's configuration has it.")
    var session: UInt32 = 1

    @Option(
        help: ArgumentHelp(
            "Send from here; the kernel chooses otherwise.", valueName: "address:port"))
    var from: SocketAddress?

    @Option(help: "Lose this percentage of datagrams, both ways: a drill.")
    var loss = 0.0

    @Option(help: "Duplicate this percentage of datagrams.")
    var duplicate = 0.0

    @Option(help: "Hold back this percentage of datagrams, so that others overtake them.")
    var reorder = 0.0

    @Option(help: "Seed of the drill.")
    var seed: UInt64 = 1

    func validate() throws {
        guard session > 0 else { throw ValidationError("--session: sessions are numbered from 1.") }
        for (name, percent) in [("loss", loss), ("duplicate", duplicate), ("reorder", reorder)]
        where !(0..<90).contains(percent) {
            throw ValidationError("--\(name) \(percent): a percentage from 0 to below 90.")
        }
    }

    /// The faults asked for.
    var faults: LinkFaults {
        LinkFaults(
            lossPercent: loss, duplicatePercent: duplicate, reorderPercent: reorder, seed: seed)
    }

    /// Opens the socket and logs on.
    func connect(
        extended: Bool, deliver: (SessionReport) -> Void
    ) throws -> OrderEntryConnection {
        var settings = SessionSettings(session: session, nonce: UInt64.random(in: 1...UInt64.max))
        settings.extendedReports = extended
        do throws(ClientError) {
            var connection = try OrderEntryConnection(
                gateway: gateway, from: from, settings: settings, faults: faults)
            try connection.logon(deliver: deliver)
            return connection
        } catch {
            throw failure(
                ClientError("session \(session) at \(gateway): \(error.description)"),
                Exit.unavailable)
        }
    }
}
