// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables)) struct `The admin command kill` {
    @Test func `stops a session or an account, and releases it`() throws {
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
        let resting = try tool("send", "--buy", "3@8500000", "--account", "7")
        #expect(resting.status == 0, "\(resting.output)")
        let killed = try tool("admin", "kill", "account", "7")
        #expect(killed.status == 0, "\(killed.output)\n\(gateway.output)")
        #expect(killed.output == "account 7 is stopped, 1 orders cancelled\n")
        let refused = try tool("send", "--buy", "3@8500000", "--account", "7")
        #expect(refused.status == 1 && refused.output.contains("killed"), "\(refused.output)")
        let other = try tool("send", "--buy", "3@8500000", "--account", "8")
        #expect(other.status == 0, "\(other.output)")
        let mass = try tool("send", "--mass-cancel", "--for-account", "8")
        #expect(mass.status == 0 && mass.output.contains("mass cancelled"), "\(mass.output)")
        #expect(try tool("admin", "kill", "session", "1").output.contains("0 orders cancelled"))
        let stopped = try tool("send", "--buy", "3@8500000", "--account", "8")
        #expect(stopped.status == 1 && stopped.output.contains("killed"), "\(stopped.output)")
        for words in [["session", "1"], ["account", "7"]] {
            let released = try tool("admin", "kill", words[0], words[1], "--release")
            #expect(released.output == "\(words[0]) \(words[1]) is released\n")
        }
        #expect(try tool("send", "--buy", "3@8500000", "--account", "7").status == 0)
        let unknown = try tool("admin", "kill", "session", "17")
        #expect(unknown.status == 1, "\(unknown.output)")
        #expect(unknown.output.contains("not done: there is no session 17"), "\(unknown.output)")
        #expect(gateway.output.contains("asks: admin kill account=7"))
        #expect(try tool("admin", "kill", "instrument", "1").status == 64)
        #expect(
            try run([Machine.needletail, "admin", "kill", "--help"]).output.contains("EXIT CODES"))
    }
}
