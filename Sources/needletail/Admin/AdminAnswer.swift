// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Pipeline
import Platform

/// What a gateway answers to a question of `needletail admin`: docs/formats/control.md.
struct AdminAnswer: Decodable {
    /// An instrument that was defined.
    struct Defined: Decodable {
        let number: UInt32
        let sequence: UInt64
        let isKept: Bool
    }

    /// What a trading state that was set came to.
    struct StateSet: Decodable {
        let instrument: UInt32
        let symbol: String?
        let state: String
        let auctionPriceTicks: Int64?
        let auctionLots: UInt64?
    }

    /// Price bands that were set.
    struct BandsSet: Decodable {
        let instrument: UInt32
        let symbol: String?
        let bands: AdminBands?
    }

    /// Order rules that were set.
    struct RulesSet: Decodable {
        let instrument: UInt32
        let symbol: String?
        let rules: AdminOrderRules?
    }

    /// What the end of a business day came to.
    struct Roll: Decodable {
        let businessDay: String
        let ordersCancelled: UInt64
    }

    /// An account that was put into a trade group, or into none.
    struct TradeGroupSet: Decodable {
        let account: UInt32
        let group: UInt32
    }

    let host: UInt32?
    let role: String?
    let shard: UInt32?
    let sequence: UInt64?
    let businessDay: String?
    let instruments: [AdminInstrument]?
    let sessions: [AdminSession]?
    let tradeGroups: [AdminTradeGroup]?
    let tradeGroup: TradeGroupSet?
    let nextShard: UInt32?
    let nextFrom: UInt32?
    let book: AdminBook?
    let orders: [AdminOrder]?
    let instrument: Defined?
    let tradingState: StateSet?
    let priceBands: BandsSet?
    let orderRules: RulesSet?
    let tickTable: AdminTickTable?
    let roll: Roll?
    let trade: AdminTrade?
    /// The trade is being looked for: to be asked for again.
    let isLooking: Bool?
    let calendar: [String]?

    /// Who has answered, and in which business day.
    var place: String {
        let day = businessDay.map { ", business day \($0)" } ?? ""
        guard let host, let role else { return "gateway of no pair" + day }
        return "host \(host) (\(role))" + day
    }

    /// Who has answered, and as of when.
    var moment: String { "as of sequence \(sequence ?? 0) of shard \(shard ?? 0)" }
}

extension ClusterTarget {
    /// Asks the gateway that is meant; a message and the status where it says no.
    func admin(_ request: AdminRequest) throws -> AdminAnswer {
        let line = try fullAnswer(to: request.words, alsoAlone: true).line
        do {
            return try JSONDecoder().decode(AdminAnswer.self, from: Data(line.utf8))
        } catch {
            StandardError.write(
                "needletail: the gateway answers in another way: take the needletail of its "
                    + "version\n")
            throw Exit.unavailable
        }
    }
}

/// Rows below their headings, in columns.
struct AdminTable {
    private let rows: [[String]]

    init(_ headings: [String], _ rows: [[String]]) { self.rows = [headings] + rows }

    static func text(_ number: (some FixedWidthInteger)?) -> String { number.map { "\($0)" } ?? "" }

    func show() {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            var line = "  " + zip(row, widths).map { Figure.padded($0, $1 + 2) }.joined()
            while line.last == " " { line.removeLast() }
            print(line)
        }
    }
}

extension AdminRequest {
    /// As an error of the command line.
    func validate() throws {
        do throws(AdminRequestError) { try check() } catch { throw ValidationError("\(error)") }
    }
}
