// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSeed
import Testing

@Suite(
    .serialized,
    .enabled(if: Machine.hasExecutables),
    .enabled(if: Machine.hasNamespaces && getuid() == 0, "needs root and network namespaces"))
struct `A pair that harm is done to` {
    @Test func `loses and doubles nothing through a kill, a stop and a cut`() throws {
        let script = Machine.packageRoot.appendingPathComponent("hw/scripts/failover-rounds").path
        let result = try run(
            [
                "env", "ROUNDS=4", "RATE=500", "KINDS=kill stop link standby",
                "SEED=\(TestSeed.run % 32_768)", "NEEDLETAIL_BIN=\(Machine.executables.path)",
                script,
            ], withinSeconds: 600)
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("orders, in both journals once"))
    }
}
