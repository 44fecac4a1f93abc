// SPDX-License-Identifier: Apache-2.0
//
//  One of several processes that swap decisions in one folder.
//
//      arbiter-race FOLDER HOST WINS          swaps until it has won so often, prints each revision
//      arbiter-race FOLDER HOST WINS STEP     kills itself when its first swap has come so far
import Glibc
@_spi(Testing) import RDMAReplica

let words = CommandLine.arguments
guard words.count >= 4, let host = UInt32(words[2]), let wins = Int(words[3]) else {
    print("usage: arbiter-race FOLDER HOST WINS [STEP]")
    exit(64)
}
let lastStep = words.count > 4 ? words[4] : nil
let arbiter = FileArbiter(folder: words[1]) { step in
    if step == lastStep { kill(getpid(), SIGKILL) }
}
var won = 0
var attempt = UInt64(getpid()) << 32
while won < wins {
    do throws(ArbiterError) {
        let (_, revision) = try arbiter.read()
        attempt += 1
        let decision = Decision(
            epoch: UInt32(revision + 1), primary: host, inSync: [host], phase: .active,
            nonce: attempt)
        if case .won(let revision) = arbiter.swap(decision, for: revision) {
            won += 1
            print("won \(revision) \(attempt)")
        }
    } catch {
        print("failed: \(error)")
        exit(1)
    }
}
