// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import Testing

/// Seeds of the random tests. `SEED=1a2b swift test` repeats a run; a failure names its seed.
enum TestSeed {
    /// The session's seed: from the environment (hexadecimal), else from the clock.
    static let session: UInt64 = {
        if let text = unsafe getenv("SEED"),
            let seed = unsafe UInt64(String(cString: text), radix: 16)
        {
            return seed
        }
        return UInt64.random(in: 0 ... .max)
    }()

    /// A seed for each of `count` runs, the first one being the session's.
    static func runs(_ count: Int) -> [UInt64] {
        var random = SeededRandom(seed: session)
        return [session] + (1..<count).map { _ in random.next() }
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
