// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `bytes(of:)` copies the bytes of a plain value whose type has no padding (checked by the
// layout tests), `value(_:from:)` copies them back after comparing the sizes, and the checksum
// reads an array's own bytes; no pointer escapes.
import Foundation
import Platform
import Testing

/// The folder that holds Package.swift.
let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The text of a file of the project.
func text(_ path: String) throws -> String {
    try String(contentsOf: packageRoot.appendingPathComponent(path), encoding: .utf8)
}

/// The bytes that a value has in memory, on the wire and on disk.
func bytes<T: BitwiseCopyable>(of value: T) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
}

/// The value that such bytes hold.
func value<T: BitwiseCopyable>(_ type: T.Type, from bytes: [UInt8]) -> T {
    precondition(bytes.count == MemoryLayout<T>.size, "as many bytes as the structure has")
    return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: T.self) }
}

/// The CRC-32C of the bytes, continued from `seed`, by `Platform`.
func processorCRC32C(_ seed: UInt32, _ bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe CRC32C.update(seed, $0) }
}

/// `aa bb cc`, sixteen to a line, so that a difference can be seen.
func hex(_ bytes: [UInt8]) -> String {
    stride(from: 0, to: bytes.count, by: 16).map { start in
        bytes[start..<min(start + 16, bytes.count)]
            .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined(separator: " ")
    }.joined(separator: "\n")
}

/// A folder that is gone after the test.
func withScratchFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("needletail-wire-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

/// The path of a program, or nil where the machine does not have it.
func program(_ name: String) -> URL? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        .map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }
}

/// Runs a program to its end; what it wrote and how it ended.
func run(
    _ program: URL, _ arguments: [String], in folder: URL
) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let outputFile = folder.appendingPathComponent("output.txt")
    let errorFile = folder.appendingPathComponent("errors.txt")
    for file in [outputFile, errorFile] {
        try Data().write(to: file)
    }
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    process.waitUntilExit()
    return (
        process.terminationStatus, try String(contentsOf: outputFile, encoding: .utf8),
        try String(contentsOf: errorFile, encoding: .utf8)
    )
}

/// `orderID` → `order_id`, `core.priceTicks` → `core.price_ticks`.
func snakeCase(_ name: String) -> String {
    var result = ""
    var previous: Character = "_"
    for character in name {
        if character.isUppercase, previous.isLowercase || previous.isNumber { result += "_" }
        result += character.lowercased()
        previous = character
    }
    return result
}
