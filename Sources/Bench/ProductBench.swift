public import Model
import Tensor

/// The products of a frozen block, by each library there is, beside what the core's multiply-adds could do in registers.
///
/// One thread. Weights are random; a product is timed over as many blocks as the base has, so that their weights come from
/// where they come from in a pass over the base. What is compared is timed in turns, so that all meet the same machine.
public struct ProductBench: Sendable {
    /// Sizes; the defaults are those of the published figures.
    public struct Configuration: Sendable, Codable {
        /// Rows of the activations.
        public var rows = 512
        /// Blocks that each product goes over, at most.
        public var blocks = 6
        /// Times that everything is timed; figures are medians of these.
        public var rounds = 31
        /// Turns of the loop of multiply-adds, each time.
        public var peakTurns = 5_000_000
        /// Seed of weights and activations.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// A linear layer of a block, `[outputs, inputs]`, and how many of its shape there are.
    public struct Layer: Sendable, Codable {
        var name: String
        var inputs: Int
        var outputs: Int
        var count = 1

        /// Those of one block of a base.
        static func all(of base: TransformerConfiguration) -> [Layer] {
            let (width, wide, heads) = (base.width, base.feedForwardWidth, base.attention)
            return [
                Layer(name: "qkv", inputs: width, outputs: heads.columns),
                Layer(name: "o", inputs: heads.width, outputs: width),
                Layer(name: "up", inputs: width, outputs: wide, count: base.family == .llama ? 2 : 1),
                Layer(name: "down", inputs: wide, outputs: width),
            ]
        }
    }

    /// The speed of one product, or of all of a block: `layer` is then "block" and `direction` "both".
    public struct Row: Sendable, Codable {
        /// The name of the ``ProductBackend``.
        public var backend: String
        /// Library, version and kernels.
        public var kernels: String
        /// The layer.
        public var layer: String
        /// Columns of what it reads.
        public var inputs: Int?
        /// Columns of what it writes.
        public var outputs: Int?
        /// forward, or backward to what the layer read.
        public var direction: String
        /// 10⁹ floating-point operations a second, median of the rounds.
        public var gflops: Double
        /// The median of its share of the peak of its round, f32 or bf16.
        public var peakShare: Double?
    }

    /// What was measured.
    public struct Result: Sendable {
        /// Each backend's products, then its block.
        public var rows: [Row]
        /// `gemm.…`, by the names under which figures are published.
        public var figures: [String: Double]
    }

    private let configuration: Configuration
    private let layers: [Layer]
    private let blocks: Int

    /// A run at the shapes of a base.
    public init(_ configuration: Configuration, base: TransformerConfiguration) {
        self.configuration = configuration
        blocks = min(base.blocks, configuration.blocks)
        layers = Layer.all(of: base)
    }

    /// Measures.
    public func run(progress: (Int, Int) -> Void) -> Result {
        let libraries = ProductBackend.available.map { TimedProducts($0, layers, blocks: blocks, configuration) }
        var peaks: (f32: [Double], bf16: [Double]) = ([], [])
        for round in 0...configuration.rounds {
            progress(round, configuration.rounds)
            let peak = Self.rate { VectorUnit.multiplyAdd(turns: configuration.peakTurns) }
            let half = Self.rate { VectorUnit.multiplyAddBF16(turns: configuration.peakTurns) }
            for library in libraries { library.time(isKept: round > 0) }
            // The first round compiles products and packs weights.
            if round > 0 {
                peaks.f32.append(peak ?? .nan)
                peaks.bf16.append(half ?? .nan)
            }
        }
        return report(libraries, peaks)
    }

    private func report(_ libraries: [TimedProducts], _ peaks: (f32: [Double], bf16: [Double])) -> Result {
        let rows = libraries.flatMap { library in
            library.rows(peaks: library.backend == .oneDNNBF16 ? peaks.bf16 : peaks.f32)
        }
        let blocks = rows.filter { $0.direction == "both" }
        let best = blocks.filter { $0.backend != ProductBackend.oneDNNBF16.rawValue }.max { $0.gflops < $1.gflops }
        let half = blocks.first { $0.backend == ProductBackend.oneDNNBF16.rawValue }
        let figures: [String: Double?] = [
            "gemm.f32_gflops": best?.gflops, "gemm.peak_share": best?.peakShare,
            "gemm.f32_peak_gflops": Self.median(peaks.f32),
            "gemm.bf16_gflops": half?.gflops, "gemm.bf16_peak_share": half?.peakShare,
            "gemm.bf16_peak_gflops": Self.median(peaks.bf16),
        ]
        return Result(rows: rows, figures: figures.compactMapValues(\.self))
    }

    /// 10⁹ operations a second of something that says how many it did.
    private static func rate(_ work: () -> Double?) -> Double? {
        var operations: Double?
        let seconds = Self.seconds { operations = work() }
        return operations.map { $0 / seconds * 1e-9 }
    }

    static func seconds(_ work: () -> Void) -> Double {
        let span = ContinuousClock().measure(work).components
        return Double(span.seconds) + Double(span.attoseconds) * 1e-18
    }

    /// Nil where nothing was measured.
    static func median(_ values: [Double]) -> Double? {
        values.contains { $0.isNaN } || values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}
