// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables)) struct `The admin command trade-group` {
    @Test func `has prevention act between accounts, and lists who is in which group`() throws {
        let port = Int.random(in: 20_000...29_999)
        let address = "127.0.0.1:\(port)"
        let gateway = try RunningGateway(
            port: "udp:\(address)",
            configuration: RunningGateway.configuration
                .replacingOccurrences(of: "10.77.0.2", with: "127.0.0.1\nudpPort: \(port)")
                .replacingOccurrences(of: "publicStream:\n  group: 239.77.0.1\n", with: ""))
        try #require(gateway.listens(), "\(gateway.output)")
        func tool(_ words: String...) throws -> Outcome {
            try run([Machine.needletail] + words + ["--gateway", address])
        }
        for account in ["7", "8"] {
            let put = try tool("admin", "trade-group", account, "--group", "3")
            #expect(put.output == "account \(account) is in trade group 3\n", "\(put.output)")
        }
        let list = try tool("admin", "trade-groups", "--json")
        #expect(
            list.output == """
                {"account":7,"group":3,"shard":0}
                {"account":8,"group":3,"shard":0}

                """)
        let resting = try tool("send", "--sell", "3@8500000", "--account", "7", "--id", "1")
        #expect(resting.status == 0, "\(resting.output)")
        let prevented = try tool(
            "send", "--buy", "3@8500000", "--account", "8", "--stp", "newest", "--id", "2")
        #expect(prevented.output.contains("self-trade prevented"), "\(prevented.output)")
        let out = try tool("admin", "trade-group", "8", "--group", "0")
        #expect(out.output == "account 8 is in no trade group\n")
        let gone = try tool(
            "send", "--replace", "1:3:5@99999999999", "--cancels-if-invalid")
        #expect(gone.output.contains("replace invalid"), "\(gone.output)")
        #expect(try tool("admin", "trade-group", "8").status == 64)
        #expect(
            try run([Machine.needletail, "admin", "trade-group", "--help"]).output
                .contains("EXIT CODES"))
    }
}
