// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing

@testable import RDMAReplica

@Suite struct `A decision as text` {
    @Test func `is that of the golden file`() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/decision.txt")
        let golden = try Array(Data(contentsOf: path))
        let right = decision(7, 2, [2, 1], .promoting, nonce: 0x0123_4567_89ab_cdef)
        #expect(Array(right.text.utf8) == golden)
        #expect(try Decision(text: golden) == right)
        let page = try String(
            contentsOf: path.deletingLastPathComponent().appendingPathComponent(
                "../../../docs/formats/arbiter.md"), encoding: .utf8)
        #expect(page.contains(String(decoding: golden, as: UTF8.self)), "the page shows it")
    }

    @Test func `is read back as it was, and with one byte changed or cut not at all`() throws {
        var random = SeededRandom(seed: TestSeed.run)
        for _ in 0..<500 {
            let right = anyDecision(&random)
            let bytes = Array(right.text.utf8)
            #expect(try Decision(text: bytes) == right)
            var changed = bytes
            changed[Int(random.below(UInt64(bytes.count)))] ^= UInt8(1 + random.below(255))
            #expect(throws: ArbiterError.self) { try Decision(text: changed) }
            #expect(throws: ArbiterError.self) {
                try Decision(text: Array(bytes.prefix(Int(random.below(UInt64(bytes.count))))))
            }
            #expect(throws: ArbiterError.self) { try Decision(text: bytes + [10]) }
        }
    }

    @Test func `that cannot be is refused, whatever its checksum says`() {
        for (flawed, clause) in [
            (decision(0, 1, [1], nonce: 1), "epochs are counted from 1"),
            (decision(1, 0, [0], nonce: 1), "hosts are counted from 1"),
            (decision(1, 1, [2], nonce: 1), "the primary, 1, is not in sync"),
            (decision(1, 1, [1, 1], nonce: 1), "a host is in sync twice"),
            (decision(1, 1, Array(1...17), nonce: 1), "17 hosts are in sync, 16 are the most"),
        ] {
            #expect(flawed.flaw == clause)
            #expect(throws: ArbiterError("cannot be: \(clause)")) {
                try Decision(text: Array(flawed.text.utf8))
            }
        }
        let longest = decision(.max, .max, (0...15).map { .max - $0 }, .promoting, nonce: .max)
        #expect(longest.text.utf8.count <= Decision.textByteCountMax)
    }
}

@Suite struct `A JSON text` {
    @Test func `is read as Foundation reads it`() throws {
        for text in [
            #"{"header":{"revision":"12"},"succeeded":true,"responses":[]}"#,
            #" [ 1 , -2.5e+3, 0, "a\"\\\/\b\f\n\r\té😀ü" , null, true, false, {} ] "#,
            #"{"a":{"b":[[[1]]]}}"#, "\"x\"", "0", "{}", "[]",
        ] {
            let value = try #require(JSONText(Array(text.utf8)), "\(text)")
            let right = try JSONSerialization.jsonObject(
                with: Data(text.utf8), options: .fragmentsAllowed)
            #expect(Self.object(value) as? NSObject == right as? NSObject, "\(text)")
        }
    }

    @Test(arguments: [
        "", "{", "[", "\"", "{\"a\"}", "{\"a\":}", "{a:1}", "[1,]", "{\"a\":1,}", "01", "1.", "-",
        "+1", ".5", "1e", "tru", "nul", "[1]x", "\"\\x\"", "\"\\u12g4\"", "\"\n\"",
        "\"\\ud800\\u\"",
    ])
    func `that is none is refused`(text: String) {
        #expect(JSONText(Array(text.utf8)) == nil)
    }

    @Test func `nests so deep and no deeper`() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth)
                + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(JSONText(nested(32)) != nil)
        #expect(JSONText(nested(33)) == nil && JSONText(nested(30_000)) == nil)
        #expect(JSONText(Array(repeating: UInt8(ascii: "["), count: 65_536)) == nil)
    }

    @Test func `of any bytes is read or refused, and an answer of etcd too`() {
        var random = SeededRandom(seed: TestSeed.run)
        let right = Array(
            #"""
            {"header":{"revision":"9"},"responses":[{"response_range":{"header":{"revision":"9"},
            "kvs":[{"key":"aw==","create_revision":"5","mod_revision":"9","version":"2","value":
            "YWI="}],"count":"1"}}]}
            """#.utf8)
        #expect(JSONText(right).flatMap(EtcdAnswer.init) == .found(Array("ab".utf8), revision: 9))
        let alphabet = Array(#"{}[]":,\u0e-.truefalsn "#.utf8)
        for _ in 0..<5_000 {
            var bytes = right
            for _ in 0...random.below(4) {
                let place = Int(random.below(UInt64(bytes.count)))
                switch random.below(4) {
                case 0 where bytes.count > 1: bytes.remove(at: place)
                case 1: bytes.insert(alphabet[Int(random.below(UInt64(alphabet.count)))], at: place)
                case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                default: bytes = Array(bytes.prefix(max(1, place)))
                }
            }
            _ = JSONText(bytes).flatMap(EtcdAnswer.init)
        }
    }

    private static func object(_ value: JSONText) -> Any {
        switch value {
        case .null: NSNull()
        case .flag(let flag): NSNumber(value: flag)
        case .number(let text): NSNumber(value: Double(text)!)
        case .text(let text): text as NSString
        case .list(let elements): elements.map(object) as NSArray
        case .object(let members): members.mapValues(object) as NSDictionary
        }
    }
}

@Suite struct `Base 64` {
    @Test func `is what Foundation makes of it, and nothing else is read`() {
        var random = SeededRandom(seed: TestSeed.run)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == text && Base64.decode(text) == bytes)
        }
        for text in ["A", "AA", "AAA", "AA=A", "=", "AAAA=", "A===", "AB==", "A-==", "AA ="] {
            #expect(Base64.decode(text) == nil, "\(text)")
        }
    }
}

@Suite struct `An answer of etcd` {
    @Test func `that lacks what a member writes is no answer`() {
        for (text, right) in [
            (#"{"header":{"revision":"4"},"succeeded":true,"responses":[]}"#, .put(revision: 4)),
            (#"{"header":{"revision":"4"},"responses":[{"response_range":{}}]}"#, .absent),
            (#"{"succeeded":true}"#, nil), (#"{"header":{"revision":"4"}}"#, nil),
            (#"{"header":{"revision":"-4"},"succeeded":true}"#, nil), ("[]", nil), ("{}", nil),
            (#"{"header":{"revision":"4"},"succeeded":1}"#, nil),
            (#"{"header":{"revision":"4"},"responses":[{"response_put":{}}]}"#, nil),
        ] as [(String, EtcdAnswer?)] {
            #expect(JSONText(Array(text.utf8)).flatMap(EtcdAnswer.init) == right, "\(text)")
        }
    }
}
