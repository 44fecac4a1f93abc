// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Testing

@Suite struct `A configuration` {
    private func read(_ macAddress: String) throws -> Configuration {
        try Configuration(
            yaml: """
                port: memory
                address: 10.77.0.2
                macAddress: "\(macAddress)"
                instruments:
                  - {number: 1, symbol: A, lowestPriceTicks: 1, highestPriceTicks: 100}
                """, file: "test.yaml")
    }

    @Test func `takes an Ethernet address of six octets`() throws {
        #expect(try read("02:4e:54:00:00:01").macAddress == 0x024E_5400_0001)
    }

    @Test(arguments: [
        "02:4e:54:00:00", "02:4e:zz:54:00:00:01", "02:4e::54:00:00:01", "1ff:0:0:0:0:0",
    ])
    func `refuses an Ethernet address with anything else in it`(text: String) {
        #expect(throws: ConfigurationError.self) { try read(text) }
    }

    @Test func `gives no thread a core that another one was given by name`() {
        var configuration = Configuration()
        configuration.mode = .pipeline
        configuration.polling = .busy
        configuration.gatewayCPUs = [3]
        let plan = ThreadPlan(configuration, cpus: [0, 1, 2, 3])
        #expect(plan.gateway.map(\.cpu) == [3])
        #expect(plan.engine.map(\.cpu) == [2])
    }
}
