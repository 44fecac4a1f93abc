// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: C strings and the error's text are read inside the closures that lend them; the error is
// a local of the call that fills it.
internal import CDPDK

/// What could not be done with a port or with DPDK, for a person to read.
public struct PortError: Error, CustomStringConvertible {
    /// The errno value behind it.
    public let code: Int32
    /// Cause and cure.
    public let description: String

    /// An error in our own words.
    public init(code: Int32, description: String) {
        self.code = code
        self.description = description
    }

    init(_ error: cdpdk_error) {
        var error = error
        code = error.code
        description = unsafe withUnsafeBytes(of: &error.text) { unsafe text($0) }
    }
}

/// The characters before the first zero byte.
func text(_ bytes: UnsafeRawBufferPointer) -> String {
    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}

/// How DPDK's environment starts.
public struct EALConfiguration: Sendable {
    /// DPDK's share of memory in MiB: of huge pages, or of plain memory without them. It never
    /// takes more; what else is reserved on the host is for the log and the engine.
    public var memoryMebibytes: UInt32 = 256
    /// Whether that memory is huge pages. Without them every packet costs about three times as
    /// much.
    public var usesHugePages = true
    /// The node that huge pages are taken from: the port's (`PortSpecification.numaNode`);
    /// nothing: any.
    public var memoryNode: Int32?
    /// Where DPDK's own threads (links, interrupts) may run, as `0-1`; nothing: where the caller
    /// may.
    public var cpuList: String?
    /// Names the folder of the telemetry socket: tells processes on one host apart. One that is
    /// taken gets the process's number.
    public var filePrefix: String?
    /// Whether DPDK's log goes to standard error; its errors are in `PortError` in any case.
    public var isVerbose = false

    /// The defaults above.
    public init() {}
}

/// DPDK's environment: once per process, started before the first port that needs it. Not from a
/// poll loop's thread. The thread that calls keeps its affinity.
public enum EAL {
    /// Starts it; nothing to do when it runs already.
    public static func start(_ configuration: EALConfiguration) throws(PortError) {
        var error = cdpdk_error()
        let started = unsafe withOptionalCString(configuration.cpuList) { cpuList in
            unsafe withOptionalCString(configuration.filePrefix) { filePrefix in
                var settings = unsafe cdpdk_eal_configuration(
                    memory_mebibytes: configuration.memoryMebibytes,
                    huge_pages: configuration.usesHugePages, verbose: configuration.isVerbose,
                    numa_node: configuration.memoryNode ?? -1,
                    cpu_list: cpuList, file_prefix: filePrefix)
                return unsafe cdpdk_eal_start(&settings, &error)
            }
        }
        if !started { throw PortError(error) }
    }

    /// Stops it. All ports must be closed. It cannot start again in this process.
    public static func stop() { cdpdk_eal_stop() }

    /// Whether it runs.
    public static var isRunning: Bool { cdpdk_eal_running() }

    /// The socket on which DPDK tells about itself, as `dpdk-telemetry.py` asks it; nil: there is
    /// none.
    public static var telemetryPath: String? {
        let path = unsafe String(cString: cdpdk_telemetry_path())
        return path.isEmpty ? nil : path
    }

    /// As `DPDK 22.11.11`.
    public static var version: String { unsafe String(cString: cdpdk_version()) }

    /// Makes DPDK's own buffer caches work for the calling thread (they save the driver an atomic
    /// operation a burst). Called by a poll loop's thread when it starts; harmless without EAL.
    @discardableResult public static func registerThread() -> Bool { cdpdk_thread_register() }

    /// Undoes `registerThread`, by the same thread before it ends.
    public static func unregisterThread() { cdpdk_thread_unregister() }

    private static func withOptionalCString<Result>(
        _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
    ) -> Result {
        guard let text else { return body(nil) }
        return unsafe text.withCString { unsafe body($0) }
    }
}
