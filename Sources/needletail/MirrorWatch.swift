// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import RDMAReplica

/// What an operator is told of the mirrors while a gateway runs: the end of each, once.
struct MirrorWatch {
    private let mirrors: [MirrorStatus]
    private var hasEnded: [Bool]

    init(_ pipeline: Pipeline) {
        mirrors = pipeline.mirrors
        hasEnded = mirrors.map { _ in false }
    }

    /// What is new since the last look.
    mutating func look() -> [String] {
        var news: [String] = []
        for (shard, mirror) in mirrors.enumerated() where !hasEnded[shard] {
            guard let failure = mirror.failure else { continue }
            hasEnded[shard] = true
            news.append(
                "ALARM: the mirror of shard \(shard) has ended behind sequence "
                    + "\(mirror.validatedSequence): \(failure). Orders go on without it; only a "
                    + "new start mirrors again.")
        }
        return news
    }
}
