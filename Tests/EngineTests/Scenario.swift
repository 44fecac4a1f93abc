// SPDX-License-Identifier: Apache-2.0
import Foundation
import Wire
import Yams

@_spi(Testing) import Engine

/// What is wrong with a file of scenarios: where, and in which of them.
struct ScenarioError: Error, Equatable, CustomStringConvertible {
    let file: String
    let line: Int
    /// Empty outside of scenarios.
    let scenario: String
    let message: String

    var description: String {
        "\(file):\(line): \(scenario.isEmpty ? "" : "\"\(scenario)\": ")\(message)"
    }
}

/// A line of a file: what it says, and its number.
struct ScenarioLine {
    let text: String
    let number: Int
}

/// What some commands do to a book, as a trader would write it down.
struct Scenario {
    struct Step {
        let line: ScenarioLine
        let command: Command
        /// Of a `given`: whether it is to be rejected. All others are not.
        let isRejected: Bool
    }
    struct Expectation {
        let line: ScenarioLine
        let event: ExpectedEvent
    }

    let file: String
    let name: String
    let line: Int
    let rules: ClosedRange<UInt32>
    let limits: EngineLimits
    let bounds: StepBounds
    let instruments: [Instrument]
    private(set) var given: [Step] = []
    private(set) var when: [Step] = []
    private(set) var then: [Expectation] = []
    /// Nil if the file does not say.
    private(set) var book: [(line: ScenarioLine, words: String)]?
    private(set) var speech: Speech

    struct Instrument {
        var name: String
        var lowestPriceTicks: Int64 = 1
        var highestPriceTicks: Int64 = 1000
        var quantityLotsMax: UInt64 = 1000
    }

    /// Epoch, instruments, logons: what comes before `given`.
    func opening(rules: UInt32) -> [Command] {
        let epoch = LogRecord.epochStart(
            epoch: 1, rulesVersion: rules, lastCarriedSequence: 0, indexSeed: 3, shard: 1, host: 1)
        let defined = instruments.enumerated().map { index, instrument in
            Command(
                .defineInstrument(
                    instrument: UInt32(index) + 1, lowestPriceTicks: instrument.lowestPriceTicks,
                    highestPriceTicks: instrument.highestPriceTicks,
                    quantityLotsMax: instrument.quantityLotsMax, operatorID: 1),
                LogRecord(kind: .continuation))
        }
        let logons = (1...limits.sessionCapacity).map {
            Command(
                .logon(
                    session: $0, nonce: 1, token: 1, heartbeatMillis: 1, source: 1, flags: 0))
        }
        return [Command(epoch, limits.continuation)] + defined + logons
    }
}

extension Scenario {
    /// The scenarios of a file's text.
    static func read(_ yaml: String, file: String) throws(ScenarioError) -> [Scenario] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ScenarioError(file: file, line: 1, scenario: "", message: "not YAML: \(error)")
        }
        let page = Page(file: file)
        let top = try page.fields(
            root, ["title", "about", "rules", "instrument", "instruments", "limits", "scenarios"])
        guard try page.text(top["title"]) != nil else {
            throw page.error("there is no title", at: root)
        }
        _ = try page.text(top["about"])
        let instruments = try page.instruments(top)
        let limits = try page.limits(top["limits"], instruments)
        let bounds = try page.bounds(top["limits"])
        let rules = try page.rules(top["rules"]) ?? page.allRules
        var result: [Scenario] = []
        for node in try page.items(top["scenarios"]) {
            let scenario = try Scenario(page, node, rules, limits, bounds, instruments)
            guard !result.contains(where: { $0.name == scenario.name }) else {
                throw page.error("two scenarios are named \"\(scenario.name)\"", at: node)
            }
            result.append(scenario)
        }
        guard !result.isEmpty else { throw page.error("there are no scenarios", at: root) }
        return result
    }

    private init(
        _ page: Page, _ node: Node, _ rules: ClosedRange<UInt32>, _ limits: EngineLimits,
        _ bounds: StepBounds, _ instruments: [Instrument]
    ) throws(ScenarioError) {
        var page = page
        let fields = try page.fields(
            node, ["name", "about", "rules", "given", "when", "then", "book"])
        guard let name = try page.text(fields["name"]) else {
            throw page.error("a scenario has no name", at: node)
        }
        page.scenario = name
        self.name = name
        file = page.file
        line = node.mark?.line ?? 0
        self.rules = try page.rules(fields["rules"]) ?? rules
        self.limits = limits
        self.bounds = bounds
        self.instruments = instruments
        speech = Speech(instruments: instruments.map(\.name))
        _ = try page.text(fields["about"])
        given = try steps(page, fields["given"], mayBeRejected: true)
        when = try steps(page, fields["when"], mayBeRejected: false)
        for line in try page.lines(fields["then"]) {
            let event = try page.at(line) { () throws(WordError) in
                try ExpectedEvent(line.text, speech)
            }
            then.append(Expectation(line: line, event: event))
        }
        guard !when.isEmpty, !then.isEmpty else {
            throw page.error("a scenario has a `when` and a `then`", at: node)
        }
        if let node = fields["book"] { book = try lines(ofBook: node, page) }
    }

    private mutating func steps(
        _ page: Page, _ node: Node?, mayBeRejected: Bool
    ) throws(ScenarioError) -> [Step] {
        let mark = " (rejected)"
        var result: [Step] = []
        for line in try page.lines(node) {
            let isRejected = mayBeRejected && line.text.hasSuffix(mark)
            let text = isRejected ? String(line.text.dropLast(mark.count)) : line.text
            let command = try page.at(line) { () throws(WordError) in try speech.command(text) }
            result.append(Step(line: line, command: command, isRejected: isRejected))
        }
        return result
    }

    /// A mapping from places to orders, or `empty`.
    private func lines(
        ofBook node: Node, _ page: Page
    ) throws(ScenarioError) -> [(line: ScenarioLine, words: String)] {
        if node.string == "empty" { return [] }
        guard let mapping = node.mapping else {
            throw page.error("a book is `empty`, or lines such as `buy 100: a1 10`", at: node)
        }
        var result: [(line: ScenarioLine, words: String)] = []
        for (place, orders) in mapping {
            let line = ScenarioLine(
                text: "\(place.string ?? ""): \(orders.string ?? "")",
                number: place.mark?.line ?? 0)
            let words = try page.at(line) { () throws(WordError) in
                try BookLine(
                    place: place.string ?? "", orders: orders.string ?? "", speech
                ).words(speech)
            }
            result.append((line, words))
        }
        return result
    }
}

/// A file that is being read.
private struct Page {
    let file: String
    var scenario = ""

    var allRules: ClosedRange<UInt32> { RulesRange.build.oldest...RulesRange.build.newest }

    func error(_ message: String, at node: Node?) -> ScenarioError {
        error(message, line: node?.mark?.line ?? 1)
    }

    func error(_ message: String, line: Int) -> ScenarioError {
        ScenarioError(file: file, line: line, scenario: scenario, message: message)
    }

    func at<Value>(
        _ line: ScenarioLine, _ body: () throws(WordError) -> Value
    ) throws(ScenarioError) -> Value {
        do {
            return try body()
        } catch {
            throw self.error(error.message, line: line.number)
        }
    }

    /// A mapping's values by their keys, all of which are known.
    func fields(_ node: Node?, _ known: [String]) throws(ScenarioError) -> [String: Node] {
        guard let mapping = node?.mapping else {
            throw error("here are keys and values: \(known.joined(separator: ", "))", at: node)
        }
        var result: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.string, known.contains(name) else {
                let list = known.joined(separator: ", ")
                throw error("unknown key `\(key.string ?? "")`, known here: \(list)", at: key)
            }
            result[name] = value
        }
        return result
    }

    func text(_ node: Node?) throws(ScenarioError) -> String? {
        guard let node else { return nil }
        guard let text = node.scalar?.string else { throw error("here is a text", at: node) }
        return text
    }

    func items(_ node: Node?) throws(ScenarioError) -> [Node] {
        guard let node else { return [] }
        guard let items = node.sequence else { throw error("here is a list", at: node) }
        return Array(items)
    }

    func lines(_ node: Node?) throws(ScenarioError) -> [ScenarioLine] {
        var result: [ScenarioLine] = []
        for item in try items(node) {
            guard let text = try text(item) else { continue }
            result.append(ScenarioLine(text: text, number: item.mark?.line ?? 0))
        }
        return result
    }

    /// `2`, `1-2` or `2+`: of these, what the build folds.
    func rules(_ node: Node?) throws(ScenarioError) -> ClosedRange<UInt32>? {
        guard let text = try text(node) else { return nil }
        let parts = text.split(separator: "-").map { UInt32($0) }
        var first = parts.first ?? nil
        var last = parts.count == 2 ? parts[1] : first
        if text.hasSuffix("+") {
            first = UInt32(text.dropLast())
            last = max(first ?? 0, allRules.upperBound)
        }
        guard let first, let last, first <= last, parts.count <= 2 else {
            throw error("`\(text)` is no range of rules, such as 2, 1-2 or 2+", at: node)
        }
        guard (first...last).overlaps(allRules) else {
            throw error("rules \(text): this build folds \(RulesRange.build)", at: node)
        }
        return (first...last).clamped(to: allRules)
    }

    func instruments(_ top: [String: Node]) throws(ScenarioError) -> [Scenario.Instrument] {
        guard let list = top["instruments"] else {
            return [try instrument("1", top["instrument"])]
        }
        guard let mapping = list.mapping, top["instrument"] == nil else {
            throw error("instruments are named here, or one is, without a name", at: list)
        }
        var result: [Scenario.Instrument] = []
        for (name, node) in mapping { result.append(try instrument(name.string ?? "", node)) }
        return result
    }

    private func instrument(
        _ name: String, _ node: Node?
    ) throws(ScenarioError) -> Scenario.Instrument {
        var result = Scenario.Instrument(name: name)
        guard let node else { return result }
        let fields = try fields(node, ["lowest", "highest", "quantity max"])
        result.lowestPriceTicks = try number(fields["lowest"]) ?? result.lowestPriceTicks
        result.highestPriceTicks = try number(fields["highest"]) ?? result.highestPriceTicks
        result.quantityLotsMax = try number(fields["quantity max"]) ?? result.quantityLotsMax
        return result
    }

    func limits(
        _ node: Node?, _ instruments: [Scenario.Instrument]
    ) throws(ScenarioError) -> EngineLimits {
        var result = EngineLimits(
            orderCapacity: 64, sessionCapacity: 4, instrumentCapacity: UInt32(instruments.count),
            ladderTickCapacity: 0, sessionOpenOrdersMax: 32)
        let fields = try node == nil ? [:] : fields(node, Self.limitNames)
        if let prices: UInt32 = try number(fields["prices"]) {
            result.ladderTickCapacity = prices
        } else {
            for instrument in instruments {
                let (highest, lowest) = (instrument.highestPriceTicks, instrument.lowestPriceTicks)
                guard let count = UInt32(exactly: highest - lowest + 1) else {
                    throw error("instrument \(instrument.name) has no such prices", at: node)
                }
                result.ladderTickCapacity += count
            }
        }
        result.orderCapacity = try number(fields["orders"]) ?? result.orderCapacity
        result.sessionOpenOrdersMax =
            try number(fields["orders of a session"]) ?? result.sessionOpenOrdersMax
        return result
    }

    private static let limitNames = [
        "orders", "orders of a session", "prices", "steps", "steps behind", "steps behind a time",
    ]

    func bounds(_ node: Node?) throws(ScenarioError) -> StepBounds {
        var result = StepBounds()
        guard let node else { return result }
        let fields = try fields(node, Self.limitNames)
        result.own = try number(fields["steps"]) ?? result.own
        result.behind = try number(fields["steps behind"]) ?? result.behind
        result.behindTime = try number(fields["steps behind a time"]) ?? result.behindTime
        return result
    }

    private func number<Number: FixedWidthInteger>(
        _ node: Node?
    ) throws(ScenarioError) -> Number? {
        guard let text = try text(node) else { return nil }
        guard let number = Number(text) else { throw error("`\(text)` is no number", at: node) }
        return number
    }
}
