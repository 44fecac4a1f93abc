// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel reads and writes a local set of its own size; processor numbers
// are below `cpuLimit`, the bits of that set.
internal import CPlatform

/// On which processors the calling thread may run.
public enum Affinity {
    /// The most processors that are known of.
    public static let cpuLimit = Int(CPLATFORM_CPU_WORDS) * 64

    /// The calling thread's processors, ascending; after the start of a process those that its
    /// container leaves it.
    public static func allowedCPUs() -> [Int] {
        let set = current()
        return (0..<cpuLimit).filter { set[$0] }
    }

    /// `allowedCPUs`, and those of `others` on which the calling thread may be put although it does
    /// not run there by itself: the kernel keeps `isolcpus` free of whoever does not ask. The
    /// thread is moved about for a moment.
    public static func usableCPUs(others: [Int]) -> [Int] {
        let allowed = allowedCPUs()
        let asked = others.filter { cpu in
            !allowed.contains(cpu) && (try? pinCurrentThread(to: cpu)) != nil
        }
        if !asked.isEmpty { try? restrictCurrentThread(to: allowed) }
        return (allowed + asked).sorted()
    }

    /// Keeps the calling thread on one processor. Throws `.processor` if that is not allowed.
    public static func pinCurrentThread(to cpu: Int) throws(PlatformError) {
        try restrictCurrentThread(to: [cpu])
    }

    /// Keeps the calling thread on some processors. Throws `.processor` if none of them is allowed.
    public static func restrictCurrentThread(to cpus: [Int]) throws(PlatformError) {
        var set = CPUSet()
        for cpu in cpus where (0..<cpuLimit).contains(cpu) { set.insert(cpu) }
        let number = set.apply()
        guard number == 0 else {
            let allowed = allowedCPUs().map(String.init).joined(separator: ", ")
            throw PlatformError(
                .processor, cause: "cannot run on processor \(cpus)", errno: number,
                cure: "This thread may use processors \(allowed).")
        }
    }

    /// Runs `body` and gives the thread its processors back: for libraries that pin their caller.
    public static func withSavedAffinity<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let saved = current()
        defer { _ = saved.apply() }
        return try body()
    }

    /// Where the calling thread runs at this moment.
    public static var currentCPU: Int { Int(cplatform_current_cpu()) }

    private static func current() -> CPUSet {
        var set = CPUSet()
        _ = unsafe cplatform_affinity_get(&set.native)
        return set
    }
}

/// Bits by processor number, over the C layout.
private struct CPUSet {
    var native = cplatform_cpu_set()

    subscript(cpu: Int) -> Bool {
        unsafe withUnsafeBytes(of: native) { bytes in
            unsafe bytes[cpu / 8] & (1 << UInt8(cpu % 8)) != 0
        }
    }

    mutating func insert(_ cpu: Int) {
        unsafe withUnsafeMutableBytes(of: &native) { bytes in
            unsafe bytes[cpu / 8] |= 1 << UInt8(cpu % 8)
        }
    }

    func apply() -> Int32 {
        unsafe withUnsafePointer(to: native) { unsafe cplatform_affinity_set($0) }
    }
}
