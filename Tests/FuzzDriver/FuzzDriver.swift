// SPDX-License-Identifier: Apache-2.0
//
//  What the fuzzers share: libFuzzer's loop around a body that takes bytes.
//
// SAFETY: libFuzzer gives `count` bytes for a call, which copies them; one thread sets the body and
// calls back.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    _ testOneInput: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

private nonisolated(unsafe) var body: ([UInt8]) -> Void = { _ in }

/// Has libFuzzer read the arguments and give one input after the other to `take`, which traps when
/// something does not hold. For where the package manager has an executable begin, `<name>_main`;
/// one thread, once.
public func runFuzzer(
    _ argumentCount: CInt, _ arguments: UnsafeMutableRawPointer, _ take: @escaping ([UInt8]) -> Void
) -> CInt {
    unsafe body = take
    var count = argumentCount
    var list = unsafe arguments
    return unsafe runDriver(&count, &list) { start, count in
        unsafe body(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    }
}
