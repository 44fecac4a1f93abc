// SPDX-License-Identifier: Apache-2.0
package import Platform

extension JitterReport {
    /// All of it as one JSON object with a line break at its end. A key that is there stays while
    /// `version` is the same.
    public var json: String { value.text() + "\n" }

    package var value: JSONValue {
        .object([
            ("version", .number(1)), ("thresholdNanos", .number(Int(clamping: thresholdNanos))),
            ("isVirtualMachine", .flag(isVirtualMachine)),
            ("worstNanos", .number(Int(clamping: worstNanos))),
            ("cores", .list(cores.map(\.value))),
        ])
    }
}

extension CoreJitter {
    fileprivate var value: JSONValue {
        func number(_ number: UInt64) -> JSONValue { .number(Int(clamping: number)) }
        let head: [(name: String, value: JSONValue)] = [
            ("cpu", .number(cpu)), ("isIsolated", .flag(isIsolated)),
            ("startUTCNanos", number(startUTCNanos)), ("elapsedNanos", number(elapsedNanos)),
            ("loopNanos", number(loopNanos)), ("interruptions", number(lengths.count)),
            ("stolenNanos", number(stolenNanos)), ("stolenPPM", number(stolenPPM)),
        ]
        let details: [(name: String, value: JSONValue)] = [
            (
                "longest",
                .list(
                    longest.map {
                        .object([("nanos", number($0.nanos)), ("atNanos", number($0.atNanos))])
                    })
            ),
            (
                "histogram",
                .list(
                    histogram.map {
                        .object([
                            ("fromNanos", number($0.fromNanos)), ("count", number($0.count)),
                        ])
                    })
            ),
            ("kernel", kernelValue),
        ]
        return .object(head + lengths.quantileValues + details)
    }

    private var kernelValue: JSONValue {
        func events(_ events: [KernelEvent]) -> JSONValue {
            .list(
                events.map {
                    .object([
                        ("name", .text($0.name)), ("count", .number(Int(clamping: $0.count))),
                    ])
                })
        }
        return .object([
            ("interrupts", events(activity.interrupts)), ("softirqs", events(activity.softirqs)),
            ("stealMillis", JSONValue(activity.stealMillis.map { Int(clamping: $0) })),
            ("involuntarySwitches", .number(Int(clamping: switches.involuntary))),
            ("voluntarySwitches", .number(Int(clamping: switches.voluntary))),
            ("waitedNanos", .number(Int(clamping: switches.waitedNanos))),
        ])
    }
}
