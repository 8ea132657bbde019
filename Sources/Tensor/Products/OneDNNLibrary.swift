import Synchronization

/// The loaded oneDNN (https://github.com/oneapi-src/oneDNN): products in f32 and in bf16.
///
/// It is looked for while the program runs, so that the program works without it.
public final class OneDNNLibrary: Sendable {
    /// The library that the system installs, or why it cannot be used.
    public static let standard = Result { () throws(OneDNNError) in try OneDNNLibrary(named: "libdnnl.so.2") }

    /// Its version, for example `2.6.3`.
    public let version: String
    let calls: OneDNNCalls
    private let kernels: [OneDNNFormat: Result<String, OneDNNError>]
    private let idle = Mutex<[OneDNNWorkspace]>([])

    /// Loads a library and finds out what it can do on this processor.
    ///
    /// - Parameter name: a name that the dynamic linker knows, or a path.
    public init(named name: String) throws(OneDNNError) {
        let calls = try OneDNNCalls(library: name)
        (self.calls, version) = (calls, calls.version)
        kernels = Dictionary(
            uniqueKeysWithValues: OneDNNFormat.allCases.map { format in
                (format, Result { () throws(OneDNNError) in try Self.kernels(of: format, calls) })
            })
    }

    /// The kernels that compute in a format, or why none does.
    func kernels(of format: OneDNNFormat) throws(OneDNNError) -> String {
        try kernels[format, default: .failure(OneDNNError("no such format"))].get()
    }

    /// Lends a workspace to the calling thread, and keeps its products in that thread.
    func withWorkspace(_ body: (OneDNNWorkspace) throws(OneDNNError) -> Void) throws(OneDNNError) {
        calls.useOneThread()
        let workspace: OneDNNWorkspace
        if let idle = idle.withLock({ $0.popLast() }) {
            workspace = idle
        } else {
            workspace = try OneDNNWorkspace(calls)
        }
        defer { idle.withLock { $0.append(workspace) } }
        try body(workspace)
    }

    private static func kernels(of format: OneDNNFormat, _ calls: OneDNNCalls) throws(OneDNNError) -> String {
        if format == .bf16 {
            guard VectorUnit.flags.contains("avx512_bf16") else {
                throw OneDNNError("the processor has no bf16 products (flag avx512_bf16)")
            }
            guard calls.multipliesBF16 else { throw OneDNNError("oneDNN \(calls.version) has no bf16 products here") }
        }
        let shape = OneDNNShape(format: format, inputs: 384, outputs: 384, hasBias: true)
        let product = try OneDNNProduct(calls, shape, rows: OneDNNWorkspace.largestBlock, weights: nil)
        guard !product.primitive.kernel.hasPrefix("ref") else {
            throw OneDNNError("oneDNN \(calls.version) has no kernels for this processor")
        }
        return product.primitive.kernel
    }
}
