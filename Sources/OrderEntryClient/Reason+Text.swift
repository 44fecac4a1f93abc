// SPDX-License-Identifier: Apache-2.0
public import Wire

extension Reason {
    /// For people: a few words, or the number when it has no name here.
    public var text: String { Self.texts[rawValue] ?? "reason \(rawValue)" }

    private static let texts: [UInt8: String] = [
        0: "none", 1: "unknown instrument", 2: "unknown order", 3: "duplicate order id",
        4: "zero quantity", 5: "quantity too large", 6: "price out of range",
        7: "order pool exhausted", 8: "session order limit", 9: "invalid side",
        10: "invalid order type", 11: "invalid time in force", 12: "invalid flags",
        13: "post-only would trade", 14: "wrong instrument", 15: "instrument not open",
        16: "total not reduced", 17: "invalid account", 18: "throttled", 19: "not logged on",
        20: "unsupported", 21: "invalid reserved bytes", 22: "session sequence broken",
        23: "invalid order id", 24: "unknown session", 25: "invalid control",
        26: "unsupported combination", 27: "invalid expiry", 28: "invalid peak",
        29: "invalid minimum", 30: "invalid trigger", 31: "invalid link", 33: "killed",
        34: "mass cancel under way", 35: "price outside band", 36: "invalid tick",
        37: "invalid lot", 38: "order value too large", 39: "quantity too small",
        44: "already busted", 45: "too many busts", 46: "trade of earlier day",
        47: "no room for one more price",
        64: "by client", 65: "immediate or cancel", 66: "fill or kill", 67: "market remainder",
        68: "self-trade prevented", 69: "mass cancelled", 70: "session ended", 71: "replaced",
        72: "expired", 73: "total executed", 74: "minimum quantity", 75: "linked order traded",
        76: "step limit", 77: "kill switch", 78: "outside price band",
        79: "day ended", 80: "replace invalid",
        81: "no room to rest",
        96: "session in use", 97: "not authorised", 98: "wrong epoch", 99: "timed out",
        100: "logged out", 101: "not available",
    ]
}

extension EventKind {
    /// For people: one or two words.
    public var text: String { Self.texts[rawValue] ?? "kind \(rawValue)" }

    private static let texts: [UInt8: String] = [
        1: "accepted", 2: "rejected", 3: "traded", 4: "cancelled", 5: "reduced", 6: "replaced",
        7: "cancel rejected", 8: "replace rejected", 9: "reduce rejected", 10: "refused",
        11: "mass cancel done", 12: "logged out", 13: "triggered", 14: "prevented",
        15: "busted",
    ]
}

extension PublicKind {
    /// For people: one word.
    public var text: String { Self.texts[rawValue] ?? "kind \(rawValue)" }

    private static let texts: [UInt8: String] = [
        1: "added", 2: "executed", 3: "reduced", 4: "deleted", 5: "instrument", 6: "traded",
        7: "crossed", 8: "trading state", 9: "auction priced",
        10: "auction indicated", 12: "business day", 13: "busted",
    ]
}
