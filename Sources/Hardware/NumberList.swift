// SPDX-License-Identifier: Apache-2.0

/// The kernel's ways to write a set of small numbers.
internal enum NumberList {
    /// As many processors as Linux can be built for: a wild range must not fill the memory.
    static let numberMax = 8191

    /// "0-3,8" is 0, 1, 2, 3, 8: ascending, each once. What is not understood is left out.
    static func numbers(_ list: String) -> [Int] {
        var isThere = [Bool](repeating: false, count: numberMax + 1)
        for part in list.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\n" }) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let low = ends.first ?? nil, let high = ends.last ?? nil, ends.count <= 2,
                low >= 0, low <= high, high <= numberMax
            else { continue }
            for number in low...high { isThere[number] = true }
        }
        return isThere.indices.filter { isThere[$0] }
    }

    /// 0, 1, 2, 3, 8 is "0-3,8"; "none" for none.
    static func text(_ numbers: [Int]) -> String {
        guard !numbers.isEmpty else { return "none" }
        var parts: [String] = []
        var index = 0
        while index < numbers.count {
            var end = index
            while end + 1 < numbers.count, numbers[end + 1] == numbers[end] + 1 { end += 1 }
            let low = "\(numbers[index])"
            parts.append(end == index ? low : "\(low)-\(numbers[end])")
            index = end + 1
        }
        return parts.joined(separator: ",")
    }

    /// A mask in hexadecimal, words of 32 bits with the highest first: "3", or "1,00000000" for
    /// processor 32. Nil if it is anything else.
    static func mask(_ text: String) -> [Int]? {
        var numbers: [Int] = []
        for (index, word) in text.split(separator: ",").reversed().enumerated() {
            guard index <= numberMax / 32, let bits = UInt32(word, radix: 16) else { return nil }
            for bit in 0..<32 where bits & (1 << UInt32(bit)) != 0 {
                numbers.append(index * 32 + bit)
            }
        }
        return text.isEmpty ? nil : numbers
    }
}

extension NumberList {
    /// 0, 1 and 32 is "1,00000003".
    static func maskText(_ numbers: [Int]) -> String {
        var words = [UInt32](repeating: 0, count: (numbers.max() ?? 0) / 32 + 1)
        for number in numbers { words[number / 32] |= 1 << UInt32(number % 32) }
        return words.reversed().enumerated().map { index, word in
            let digits = String(word, radix: 16)
            return index == 0 ? digits : String(repeating: "0", count: 8 - digits.count) + digits
        }.joined(separator: ",")
    }
}

/// The order in which people would write names with numbers in them.
internal enum NaturalOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        let (left, right) = (pieces(left), pieces(right))
        for (one, other) in zip(left, right) where one != other {
            // A number without its zeros in front is the greater the longer it is.
            if one.isNumber, other.isNumber, one.text.utf8.count != other.text.utf8.count {
                return one.text.utf8.count < other.text.utf8.count
            }
            return one.text < other.text
        }
        return left.count < right.count
    }

    private struct Piece: Equatable {
        var text: String
        let isNumber: Bool
    }

    private static func pieces(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        for scalar in text.unicodeScalars {
            let isDigit = scalar.value >= 0x30 && scalar.value <= 0x39
            if let last = pieces.last, last.isNumber == isDigit {
                if isDigit, last.text == "0" { pieces[pieces.count - 1].text = "" }
                pieces[pieces.count - 1].text.unicodeScalars.append(scalar)
            } else {
                pieces.append(Piece(text: String(scalar), isNumber: isDigit))
            }
        }
        return pieces
    }
}

/// Processors as people write them on a command line.
public enum CPUList {
    /// 0, 1, 2, 3, 8 is "0-3,8"; "none" for none. The numbers ascend.
    public static func text(_ numbers: [Int]) -> String { NumberList.text(numbers) }

    /// "2,3" or "2-5", ascending and each once; nil for none, and for anything else.
    public static func numbers(_ text: String) -> [Int]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let isSound = parts.allSatisfy { part in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count <= 2, let low = ends[0], let high = ends[ends.count - 1] else {
                return false
            }
            return (0...high).contains(low) && high <= NumberList.numberMax
        }
        return isSound ? NumberList.numbers(text) : nil
    }
}
