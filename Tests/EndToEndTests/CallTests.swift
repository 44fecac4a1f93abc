// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables)) struct `A call` {
    @Test func `takes a market order, which trades when it ends`() throws {
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
        #expect(try tool("admin", "state", "1", "auction").status == 0)
        let order = try tool("send", "--buy", "3@market", "--sell", "2@8500000")
        #expect(order.status == 0, "\(order.output)")
        let end = try tool("admin", "state", "1", "open")
        #expect(end.status == 0 && end.output.contains("8500000"), "\(end.output)")
        #expect(try tool("admin", "book", "1", "--json").output.contains(#""bids":[]"#))
    }
}
