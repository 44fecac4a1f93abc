// SPDX-License-Identifier: Apache-2.0

/// One line of the screen: pieces of text, each of which may be coloured.
struct TopLine {
    /// What a terminal is told for a piece.
    enum Style: String {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case good = "32"
        case warning = "33"
        case bad = "31"
        case accent = "36"
    }

    private var pieces: [(text: String, style: Style)] = []

    init() {}
    init(_ text: String, _ style: Style = .plain) { add(text, style) }

    mutating func add(_ text: String, _ style: Style = .plain) { pieces.append((text, style)) }

    /// The same with more behind it.
    func with(_ text: String, _ style: Style = .plain) -> TopLine {
        var line = self
        line.add(text, style)
        return line
    }

    /// Columns that it takes: each character one.
    var width: Int { pieces.reduce(0) { $0 + $1.text.count } }
    var isEmpty: Bool { width == 0 }

    /// What is written to a terminal of so many columns: the rest is cut.
    func text(columns: Int, hasColours: Bool) -> String {
        var left = columns
        var text = ""
        for piece in pieces where left > 0 {
            let shown = String(piece.text.prefix(left))
            left -= shown.count
            text +=
                hasColours && piece.style != .plain
                ? "\u{1B}[\(piece.style.rawValue)m\(shown)\u{1B}[0m" : shown
        }
        return text
    }
}
