/// Floats in one allocation at a 64-byte boundary, zero at first: what kernels work in.
///
/// A reference, so that matrices which lie side by side in it can be read and written by one kernel. Nothing guards
/// against two threads: who owns a buffer lends it to one thread at a time.
@safe public final class Buffer: @unchecked Sendable {  // the pools of workspaces lend each to one thread at a time
    /// Floats in it.
    public let count: Int
    let start: UnsafeMutablePointer<Float>

    /// Allocates `count` zeros.
    public init(count: Int) {
        precondition(count >= 0, "a buffer of \(count) floats")
        self.count = count
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
        unsafe start = bytes.bindMemory(to: Float.self, capacity: max(count, 1))
        unsafe start.initialize(repeating: 0, count: max(count, 1))
    }

    deinit { unsafe UnsafeMutableRawPointer(start).deallocate() }
}
