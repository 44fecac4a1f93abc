// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

@_spi(Testing) @testable import RDMAReplica

/// A folder of one test, which goes with it.
final class ArbiterFolder: Sendable {
    let path: String

    init() throws {
        let name = "needletail-arbiter-\(UUID().uuidString.prefix(8))"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func write(_ text: String, to name: String, mode: Int = 0o644) throws {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    }

    func bytes(of name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }
}

/// A decision with a nonce of its own.
func decision(
    _ epoch: UInt32, _ primary: UInt32, _ inSync: [UInt32], _ phase: Decision.Phase = .active,
    nonce: UInt64
) -> Decision {
    Decision(epoch: epoch, primary: primary, inSync: inSync, phase: phase, nonce: nonce)
}

extension SwapOutcome {
    /// Nil unless it was won.
    var wonRevision: UInt64? { if case .won(let revision) = self { revision } else { nil } }
}

/// Any decision that can be.
func anyDecision(_ random: inout SeededRandom) -> Decision {
    let hosts = (1...UInt32(1 + random.below(4))).map { $0 * 1_000_003 &+ UInt32(random.below(9)) }
    return Decision(
        epoch: UInt32(truncatingIfNeeded: random.next()) | 1,
        primary: hosts[Int(random.below(UInt64(hosts.count)))], inSync: hosts,
        phase: random.below(2) == 0 ? .active : .promoting, nonce: random.next())
}

/// The specification: one cell.
struct NaiveArbiter {
    var decision: Decision?
    var revision: UInt64 = 0

    /// Whether it was put.
    mutating func swap(_ new: Decision, for asked: UInt64) -> Bool {
        guard asked == revision else { return false }
        decision = new
        revision += 1
        return true
    }
}

/// A program beside this test's own, and what it printed when it has ended.
struct Racer {
    let process = Process()
    private let output = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            .deletingLastPathComponent().appendingPathComponent("arbiter-race")
        if !FileManager.default.fileExists(atPath: process.executableURL!.path) {
            // The test bundle is run by a helper of the toolchain: look where it lies.
            let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.path.hasSuffix(".xctest") }
            process.executableURL = (bundle ?? Bundle.main.bundleURL).deletingLastPathComponent()
                .appendingPathComponent("arbiter-race")
        }
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
    }

    func lines() -> [String] {
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
