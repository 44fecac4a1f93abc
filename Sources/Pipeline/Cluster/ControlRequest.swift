// SPDX-License-Identifier: Apache-2.0

/// A request over the control socket, and the pair whose gateway it is meant for:
/// docs/formats/control.md.
///
/// An address, a port and a host's number do not tell pairs apart: those of a test may be those of
/// a venue. So whoever has a configuration says which pair is its own.
public struct ControlRequest {
    private static let separator = " of "

    /// What is asked, as in `cluster switchover`.
    public let words: String
    /// The name of the pair; nil where the asker means whichever it is.
    public let pair: String?

    /// For a pair, or for whichever it is.
    public init(_ words: String, pair: String?) {
        self.words = words
        self.pair = pair
    }

    /// From a line; a name may have blanks in it, so all behind the first `of` is the name.
    public init(line: String) {
        guard let found = line.firstRange(of: Self.separator) else {
            self.init(line, pair: nil)
            return
        }
        self.init(String(line[..<found.lowerBound]), pair: String(line[found.upperBound...]))
    }

    /// As it is sent.
    public var line: String { words + (pair.map { Self.separator + $0 } ?? "") }

    /// What a gateway of a pair, or of none, says to a request that is meant for another; nil
    /// where it is meant for it.
    public func refusal(in own: String?) -> String? {
        guard let pair, pair != own else { return nil }
        let place = own.map { "of the pair `\($0)`" } ?? "in no pair"
        return ClusterControl.refusal(
            .pair,
            "the gateway that runs here is \(place), and not of `\(pair)` as the configuration "
                + "says: take the configuration that it was started with")
    }
}
