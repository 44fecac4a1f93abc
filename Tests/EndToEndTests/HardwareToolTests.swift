// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `The tools for a machine` {
    private func object(_ text: String) throws -> [String: Any] {
        let start = try #require(text.firstIndex(of: "{"), "\(text)")
        let parsed = try JSONSerialization.jsonObject(with: Data(text[start...].utf8))
        return try #require(parsed as? [String: Any])
    }

    @Test func `jitter says how long it measured and what it found, as JSON`() throws {
        let end = try run([Machine.needletail, "hw", "jitter", "--seconds", "1", "--json"])
        #expect(end.status == 0, "\(end.output)")
        let report = try object(end.output)
        let cores = try #require(report["cores"] as? [[String: Any]])
        let core = try #require(cores.first)
        // Less than it was told when its thread got its core late.
        #expect(try #require(core["elapsedNanos"] as? Int) > 0)
        let count = try #require(core["interruptions"] as? Int)
        let classes = try #require(core["histogram"] as? [[String: Int]])
        #expect(classes.compactMap { $0["count"] }.reduce(0, +) == count)
    }

    @Test func `jitter ends early with its report when it is interrupted`() throws {
        let child = try Child([Machine.needletail, "hw", "jitter", "--seconds", "200"])
        // It listens for signals before it measures.
        let isMeasuring = eventually(withinSeconds: 60) {
            let folder = "/proc/\(child.pid)/task"
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return threads.contains { thread in
                let name = try? String(contentsOfFile: "\(folder)/\(thread)/comm", encoding: .utf8)
                return name?.hasPrefix("jitter-") == true
            }
        }
        #expect(isMeasuring, "\(child.output)")
        child.signal(SIGINT)
        let end = try child.wait(seconds: 60)
        #expect(end.status == 0 && end.output.contains("interruptions"), "\(end.output)")
    }

    @Test func `jitter exits with 1 above its limit, and names a core that cannot be had`() throws {
        let limits = ["--threshold-nanos", "100", "--max-micros", "0"]
        let above = try run(
            [Machine.needletail, "hw", "jitter", "--seconds", "0.5"] + limits)
        #expect(above.status == 1 && above.output.contains("0 µs that are"), "\(above.output)")
        let absent = try run([Machine.needletail, "hw", "jitter", "--cpus", "1023"])
        #expect(absent.status == 69 && absent.output.contains("1023"), "\(absent.output)")
        #expect(try run([Machine.needletail, "hw", "jitter", "--cpus", "x"]).status == 64)
    }

    @Test(.enabled(if: Machine.hasNamespaces, "needs root, iproute2 and network namespaces"))
    func `qualify receives over a veth pair and writes its report`() throws {
        let folder = try ScratchFolder()
        let profile = "\(folder.path)/host.yaml"
        let limit = "qualify:\n  burstFramesLostMax: 65536\n"
        try "name: t\nport: af_packet:gw0\npacketMemoryMB: 0\npacketBuffers: 2048\n\(limit)"
            .write(toFile: profile, atomically: true, encoding: .utf8)
        // Both ends here: the namespace ends with its one process.
        let script = """
            ip link add gw0 type veth peer name cl0 && ip link set gw0 up && ip link set cl0 up &&
            exec \(Machine.needletail) hw qualify \(profile) --generator af_packet:cl0 \
                --seconds 1 --only receive,microburst --json \(folder.path)/report.json
            """
        let end = try run(["unshare", "--net", "sh", "-c", script], withinSeconds: 120)
        #expect(end.status == 0 && end.output.contains("PASS"), "\(end.output)")
        let report = try object(
            String(contentsOfFile: "\(folder.path)/report.json", encoding: .utf8))
        #expect(report["isPassed"] as? Bool == true)
        let details = try #require(report["details"] as? [String: Any])
        let steps = try #require(details["receive"] as? [[String: Any]])
        #expect(steps.contains { ($0["received"] as? Int ?? 0) > 0 }, "\(end.output)")
    }

    @Test func `qualify fails above a limit, and refuses what it does not know`() throws {
        let folder = try ScratchFolder()
        let profile = "\(folder.path)/host.yaml"
        let text = "name: t\nport: memory\nqualify:\n  receiveFramesPerSecondMin: 1_000_000_000\n"
        try text.write(toFile: profile, atomically: true, encoding: .utf8)
        let command = [Machine.needletail, "hw", "qualify", "--seconds", "0.2"]
        let end = try run(command + [profile, "--only", "receive"])
        #expect(end.status == 1 && end.output.contains("FAIL"), "\(end.output)")
        #expect(try run(command + [profile, "--only", "luck"]).status == 64)
        #expect(try run(command + ["\(folder.path)/none.yaml"]).status == 78)
    }
}
