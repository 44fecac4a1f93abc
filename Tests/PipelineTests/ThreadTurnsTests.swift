// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hardware
import NICGateway
import Pipeline
import ShardRig
import Testing

@Suite struct `The turns of the threads` {
    @Test func `go on for every polling thread until it is stopped`() throws {
        let folder = JournalFolder()
        let configuration = ShardRig.configuration {
            $0.host.mode = .pipeline
            $0.host.polling = .adaptive
            $0.journal = .init(folder: folder.path)
            $0.journal?.segmentByteCount = 1 << 20
        }
        let port = try ShardRig.port(buffers: 2_047)
        defer { port.close() }
        let pipeline = try Pipeline(configuration, port: port)
        #expect(
            Set(pipeline.threadTurns.map(\.name)) == [
                "nt-gateway-0", "nt-engine-0", "nt-journal-0",
            ])
        #expect(pipeline.threadTurns.allSatisfy { $0.turns == 0 })
        try pipeline.start()
        for thread in pipeline.threadTurns {
            let before = thread.turns
            // However long a loaded machine takes: a thread that hangs keeps this test from ending.
            while thread.turns < before + 10 { usleep(1_000) }
            #expect(thread.busyTurns <= thread.turns)
        }
        pipeline.stop()
        let after = pipeline.threadTurns.map(\.turns)
        usleep(20_000)
        #expect(pipeline.threadTurns.map(\.turns) == after)
    }
}
