// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import TestSeed
internal import Testing

extension TestSeed {
    /// A seed for each of `count` runs, the first one being this run's.
    static func runs(_ count: Int) -> [UInt64] {
        var random = SeededRandom(seed: run)
        return [run] + (1..<count).map { _ in random.next() }
    }

    static func hint(_ seed: UInt64) -> Comment {
        "re-run with: SEED=\(String(seed, radix: 16)) swift test --filter PlatformTests"
    }
}

/// That a process ended by the trap with this sentence, not by another failure. Release builds do
/// not print the sentence.
func expectTrap(
    _ sentence: String, _ result: ExitTest.Result?, at location: SourceLocation = #_sourceLocation
) {
    #if DEBUG
    let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(output.contains(sentence), sourceLocation: location)
    #endif
}
