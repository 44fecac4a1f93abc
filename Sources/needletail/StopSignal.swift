// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Glibc
internal import Synchronization

/// SIGINT and SIGTERM as something to wait for; SIGUSR1 as a request for a snapshot.
final class StopSignal: @unchecked Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let isSnapshotWanted = Atomic<Bool>(false)
    private var sources: [any DispatchSourceSignal] = []

    init() {
        signal(SIGUSR1, SIG_IGN)
        let wish = DispatchSource.makeSignalSource(signal: SIGUSR1, queue: .global())
        wish.setEventHandler { [weak self] in
            self?.isSnapshotWanted.store(true, ordering: .relaxed)
        }
        wish.resume()
        sources.append(wish)
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(
                signal: number, queue: DispatchQueue.global())
            source.setEventHandler { [semaphore] in semaphore.signal() }
            source.resume()
            sources.append(source)
        }
    }

    /// Whether a snapshot was asked for since the last call.
    func takeSnapshotRequest() -> Bool {
        isSnapshotWanted.exchange(false, ordering: .relaxed)
    }

    /// True once a signal came; false after that time without one.
    func wait(milliseconds: Int) -> Bool {
        semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
    }
}
