// SPDX-License-Identifier: Apache-2.0

/// What people reach of one shard while it runs.
struct ShardDesk: Sendable {
    /// The rules that its log is under.
    let rules: LogRules
    /// What its instruments are called.
    let names: InstrumentNames
    /// Questions to its engine.
    let engine: EngineDesk
    /// Its trades, in its journal; nil without one.
    let trades: TradeDesk?
    /// Commands for its log.
    let commands = CommandDesk()
    /// What the calendar has for its log.
    let calendar = CalendarDesk()
}

extension [ShardDesk] {
    /// Why what there is since rules `version` cannot be asked for; nil where all logs are under
    /// these or later ones.
    func refusal(before version: UInt32, _ what: String) -> String? {
        guard let inForce = map(\.rules.place.inForce).min(), inForce < version else { return nil }
        return "the log is under rules \(inForce), and \(what) since rules \(version): activate "
            + "them with `needletail cluster activate-rules`"
    }
}
