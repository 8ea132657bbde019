/// The library and the number format of a base's products.
public enum ProductBackend: String, Sendable, CaseIterable, Codable {
    /// OpenBLAS in f32: always there.
    case openBLAS = "openblas-f32"
    /// oneDNN in f32, where the library is installed.
    case oneDNN = "onednn-f32"
    /// oneDNN with operands rounded to bf16 and sums in f32, where the processor multiplies bf16 as well: about twice the
    /// speed, two to three decimal digits of each operand.
    case oneDNNBF16 = "onednn-bf16"

    /// A backend that this machine does not have.
    public struct Unavailable: Error, Equatable, CustomStringConvertible {
        /// What was asked for.
        public let backend: ProductBackend
        /// What is missing.
        public let reason: String
        /// Both.
        public var description: String { "\(backend.rawValue): \(reason)" }
    }

    /// The backends of this machine, OpenBLAS first.
    public static var available: [ProductBackend] { allCases.filter { $0.obstacle == nil } }

    /// Why this machine cannot compute with it; nil where it can.
    public var obstacle: String? {
        do throws(OneDNNError) {
            _ = try oneDNNFormat.map { format throws(OneDNNError) in
                try OneDNNLibrary.standard.get().kernels(of: format)
            }
            return nil
        } catch {
            return error.reason
        }
    }

    /// The library, its version and its kernels, for example `oneDNN 2.6.3 brg:avx512_core_bf16`; where it is not
    /// available, why.
    public var kernelDescription: String {
        guard let format = oneDNNFormat else { return "OpenBLAS \(BLASLibrary.version) \(BLASLibrary.coreName)" }
        do throws(OneDNNError) {
            let library = try OneDNNLibrary.standard.get()
            return try "oneDNN \(library.version) \(library.kernels(of: format))"
        } catch {
            return error.reason
        }
    }

    /// The backend to compute with.
    ///
    /// - Parameter preferred: the one asked for; nil means the faster in f32. Less precision is only ever asked for.
    public static func choose(preferred: ProductBackend?) throws(Unavailable) -> ProductBackend {
        let chosen = preferred ?? (oneDNN.packsWeights ? oneDNN : openBLAS)
        if let reason = chosen.obstacle { throw Unavailable(backend: chosen, reason: reason) }
        return chosen
    }

    /// Whether oneDNN has the kernels that read packed weights (`brg`, with AVX-512), which are 8 % faster than OpenBLAS at
    /// the default base's shapes. Its others are 5 to 8 % slower: both limited to AVX2, 95 to 100 of 99 to 109 GFLOP/s.
    private var packsWeights: Bool { obstacle == nil && kernelDescription.contains(" brg") }

    /// Prepares a layer. The backend must be available.
    ///
    /// - Parameters:
    ///   - weights: `[outputs, inputs]`, row-major, as PyTorch stores them.
    ///   - bias: `[outputs]`.
    public func prepare(weights: [Float], bias: [Float]) -> any FrozenLinear {
        guard let format = oneDNNFormat else { return BLASLinear(weights: weights, bias: bias) }
        do throws(OneDNNError) {
            return try OneDNNLinear(OneDNNLibrary.standard.get(), format, weights: weights, bias: bias)
        } catch {
            preconditionFailure("\(rawValue): \(error.reason)")
        }
    }

    private var oneDNNFormat: OneDNNFormat? {
        switch self {
        case .openBLAS: nil
        case .oneDNN: .f32
        case .oneDNNBF16: .bf16
        }
    }
}
