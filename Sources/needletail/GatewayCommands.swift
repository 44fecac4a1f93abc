// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `needletail gateway`: runs a gateway until it is told to stop.
struct Gateway: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a gateway: port, sessions, log, engine, reports.",
        discussion: """
            The configuration is a YAML file; the smallest one is

              port: af_packet:eth1        # or udp:127.0.0.1:7000 without root
              address: 10.77.0.2
              instruments:
                - number: 1
                  symbol: GOOG
                  lowestPriceTicks: 1
                  highestPriceTicks: 1000000

            Everything else has a default: docs/operations/configuration.md lists all keys. SIGINT \
            and SIGTERM stop the gateway in order; it then prints what it counted and the hash of \
            its state. SIGUSR1 asks for a snapshot of each shard now, behind which old segments of \
            the journal go as `journal.oldSegments` says.

            With a section `cluster` it is one host of a pair: it speaks or follows as the arbiter \
            says, and the first one begins the pair. `needletail cluster status` shows how it \
            stands; docs/operations/standby.md tells how to set it up.

            EXIT CODES
              0   stopped in order
              64  the command line is wrong
              74  the port or the memory could not be had, or not where it should be
                  (--strict), or the journal is damaged or could not be written;
                  --check: this host lacks something
              78  the configuration is wrong, or is not the journal's
            """)

    @OptionGroup var gateway: GatewayRun

    func run() throws { try gateway.run(asStandby: false) }
}

/// `needletail standby`: the same for a host that never begins a pair.
struct Standby: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the standby of a pair: follow the primary, and take over from it.",
        discussion: """
            The same as `needletail gateway`, with the same configuration, whose section `cluster` \
            must be there, but for one thing: where the arbiter has no decision yet, a gateway \
            makes itself the first primary, and a standby waits for one. So start the second host \
            with this, and the order in which the two start does not matter. Once there was a \
            primary the two commands do the same: a standby takes over, and a gateway that was \
            replaced follows.

            EXAMPLES
              needletail standby --config /etc/needletail/venue.yaml
              needletail cluster status --config /etc/needletail/venue.yaml

            EXIT CODES
              0   stopped in order
              64  the command line is wrong
              74  as for `needletail gateway`
              78  the configuration is wrong, or has no section `cluster`
            """)

    @OptionGroup var gateway: GatewayRun

    func run() throws { try gateway.run(asStandby: true) }
}
