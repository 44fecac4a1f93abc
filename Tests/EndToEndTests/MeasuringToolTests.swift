// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables, "needletail-lab is not built beside the tests"))
struct `The measurement of growing books` {
    private let tool = [
        Machine.executables.appendingPathComponent("needletail-lab").path, "bench", "scaling",
    ]

    @Test func `sees the same trades in three kinds of books, and draws what it measured`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-scaling-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Few orders: books are empty on a side now and then.
        let sizes = ["--orders", "1,10,500", "--instruments", "1,30", "--commands", "5000"]
        let found = try run(tool + sizes + ["--runs", "1", "--plot", folder.path])
        #expect(found.status == 0, "\(found.output)")
        for start in ["| 1 |", "| 10 |", "| 500 |", "| 30 |"] {
            #expect(found.output.contains("\n" + start), "\(found.output)")
        }
        for name in ["scaling-orders.svg", "scaling-instruments.svg"] {
            let picture = try String(
                contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            #expect(picture.hasPrefix("<svg ") && picture.hasSuffix("</svg>\n"))
            #expect(picture.components(separatedBy: "<path ").count == 4, "\(picture)")
        }
    }

    @Test(arguments: ["10,5", "0", "ten", "10,", "10000001"])
    func `refuses sizes that are none`(sizes: String) throws {
        let found = try run(tool + ["--orders", sizes])
        #expect(found.status == 64, "\(found.output)")
        #expect(found.output.contains("--orders is ascending numbers from 1 to 10000000"))
    }
}
