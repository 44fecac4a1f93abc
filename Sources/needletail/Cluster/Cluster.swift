// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Platform

/// `needletail cluster`: what operators ask of a pair.
struct Cluster: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See how a pair of hosts stands, and say what it is to do.",
        discussion: """
            Each command speaks to the gateway of this host over its control socket, which only \
            root and the gateway's own user may use. docs/operations/standby.md says which of \
            them to take when.

            EXIT CODES
              0   done, or shown
              1   refused: not in the state that the pair is in
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, has no section `cluster`, or is another pair's
            """,
        subcommands: [
            ClusterStatus.self, ClusterSwitchover.self, ClusterPromote.self, ClusterSolo.self,
            ClusterResync.self, ClusterActivateRules.self,
        ])
}

/// `needletail cluster switchover`.
struct ClusterSwitchover: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchover",
        abstract: "Let the standby become the primary, in order: nothing is lost or done twice.",
        discussion: """
            On either host, while the standby is in sync. The primary takes nothing new, the \
            standby takes over what is left and speaks; sessions go on there by themselves. The \
            old primary starts anew and follows. If the standby does not take over in time it is \
            called off, and the primary goes on.

            The answer says for how long no host took an order: seen from the old primary until \
            the arbiter says that the other one speaks, from the new one until it does.

            EXAMPLES
              needletail cluster switchover --config /etc/needletail/venue.yaml

            EXIT CODES
              0   the other host is the primary
              1   refused: no primary with a standby in sync
              69  no such gateway is running here, or it was called off
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget

    func run() throws {
        let answer = try target.ask("cluster switchover")
        let primary = answer.role == "primary" ? answer.host : answer.peer
        guard answer.lastHandOverNanos > 0 else {
            print("host \(primary) is the primary; it had to take over without a last word")
            return
        }
        let millis = (Double(answer.lastHandOverNanos) / 1e6).text(2)
        print("host \(primary) is the primary; for \(millis) ms no order was taken")
    }
}

/// `needletail cluster promote`.
struct ClusterPromote: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Make this host the primary, whatever the other one does.",
        discussion: """
            On the standby, when the primary is gone for good or must be. A host in sync holds \
            all that was acknowledged: nothing is lost. The old primary is fenced off, and falls \
            silent as soon as it learns of it. Where both are well take `switchover` instead.

            A host that is not in sync is refused without --force. With --force it takes over \
            what it has: every order, cancel and trade that was acknowledged behind its own last \
            record is lost, as are those of a primary that is speaking still. Clients are told \
            the new epoch and find out what is not there. The request is logged by the gateway.

            With a manual arbiter this is the operator's order, and the first one begins the \
            pair. You vouch for it that the other host was not told to go on alone since this one \
            was in sync, and will not be: docs/operations/arbiter.md says what to look at.

            EXAMPLES
              needletail cluster promote --config /etc/needletail/venue.yaml
              needletail cluster promote --force --config /etc/needletail/venue.yaml

            EXIT CODES
              0   this host is the primary
              1   refused: it is one already, or is not in sync
              69  no such gateway is running here, or the arbiter has not agreed in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget

    @Flag(help: "Also where this host is not in sync: what it lacks is lost.")
    var force = false

    func run() throws {
        if force {
            StandardError.write(
                "needletail: --force: what was acknowledged and is not on this host is lost\n")
        }
        let answer = try target.ask(force ? "cluster promote force" : "cluster promote")
        print("host \(answer.host) is \(answer.state)")
    }
}

/// `needletail cluster solo`.
struct ClusterSolo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "solo",
        abstract: "Let a primary that has lost its standby go on alone.",
        discussion: """
            On the primary, where `cluster.solo` is `halt` or the arbiter is manual: elsewhere it \
            goes on by itself. From then on what is acknowledged is on this host's disk and \
            nowhere else, until a standby is in sync again: do not promote the other host before \
            that.

            EXAMPLES
              needletail cluster solo --config /etc/needletail/venue.yaml

            EXIT CODES
              0   it goes on
              1   refused: it is no primary that waits for this
              69  no such gateway is running here, or the arbiter has not agreed in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget

    func run() throws {
        let answer = try target.ask("cluster solo")
        print("host \(answer.host) is \(answer.state)")
    }
}

/// `needletail cluster resync`.
struct ClusterResync: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resync",
        abstract: "Let this standby take everything anew from the primary.",
        discussion: """
            For a standby whose journal is damaged, or whose state differs from the primary's. \
            Its journal is set aside, as shard-N.before-resync-K beside it, and never removed by \
            the program; the gateway starts anew in its process and catches up. Until it is in \
            sync there is no second host: a primary that dies then waits for a person.

            EXAMPLES
              needletail cluster resync --config /etc/needletail/venue.yaml

            EXIT CODES
              0   begun; `needletail cluster status` shows how far it is
              1   refused: this host is no standby
              69  no such gateway is running here
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget

    func run() throws {
        let answer = try target.ask("cluster resync")
        print("host \(answer.host) sets its journal aside and takes everything anew")
    }
}
