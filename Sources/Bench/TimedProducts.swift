import Model
import Tensor

/// The products of a base's blocks by one library, with weights of its own, and their times.
final class TimedProducts {
    let backend: ProductBackend
    private let layers: [ProductBench.Layer]
    private let rows: Int
    /// By layer, then by block.
    private let prepared: [[any FrozenLinear]]
    /// By width.
    private let activations: [Int: (read: MatrixView, written: MatrixView)]
    /// Seconds over all blocks, by round: forward at the even places, backward at the odd ones.
    private var times: [[Double]] = []

    init(
        _ backend: ProductBackend, _ layers: [ProductBench.Layer], blocks: Int,
        _ configuration: ProductBench.Configuration
    ) {
        (self.backend, self.layers, rows) = (backend, layers, configuration.rows)
        var random = RandomSource(seed: configuration.seed)
        func draw(_ count: Int, scale: Float) -> [Float] {
            (0..<count).map { _ in scale * Float(2 * random.uniform() - 1) }
        }
        prepared = layers.map { layer in
            (0..<blocks).map { _ in
                backend.prepare(
                    weights: draw(layer.inputs * layer.outputs, scale: 0.1), bias: draw(layer.outputs, scale: 1))
            }
        }
        let rows = rows
        let widths = Set(layers.flatMap { [$0.inputs, $0.outputs] }).sorted()
        activations = Dictionary(
            uniqueKeysWithValues: widths.map { width in
                let values = MatrixView(rows: rows, columns: width, values: draw(rows * width, scale: 1))
                return (width, (values, MatrixView(rows: rows, columns: width)))
            })
    }

    func time(isKept: Bool) {
        var round: [Double] = []
        for (layer, blocks) in zip(layers, prepared) {
            guard let inner = activations[layer.inputs], let outer = activations[layer.outputs] else { continue }
            round.append(ProductBench.seconds { for one in blocks { one.forward(inner.read, into: outer.written) } })
            round.append(
                ProductBench.seconds {
                    for one in blocks { one.backward(outer.read, into: inner.written, adding: false) }
                })
        }
        if isKept { times.append(round) }
    }

    /// The speed of each product and of the block, beside the peak of each round.
    func rows(peaks: [Double]) -> [ProductBench.Row] {
        let blocks = Double(prepared[0].count)
        let operations = layers.map { 2 * blocks * Double(rows * $0.inputs * $0.outputs) * 1e-9 }
        func row(_ layer: ProductBench.Layer?, _ direction: String, _ rates: [Double]) -> ProductBench.Row {
            ProductBench.Row(
                backend: backend.rawValue, kernels: backend.kernelDescription, layer: layer?.name ?? "block",
                inputs: layer?.inputs, outputs: layer?.outputs, direction: direction,
                gflops: ProductBench.median(rates) ?? 0,
                peakShare: ProductBench.median(zip(rates, peaks).map { $0 / $1 }))
        }
        var found: [ProductBench.Row] = []
        for (index, layer) in layers.enumerated() {
            found.append(row(layer, "forward", times.map { operations[index] / $0[2 * index] }))
            found.append(row(layer, "backward", times.map { operations[index] / $0[2 * index + 1] }))
        }
        return found + [row(nil, "both", wholeRates)]
    }

    /// 10⁹ operations a second over all products of a block, forward and backward, a round.
    var wholeRates: [Double] {
        let counts = layers.map { Double($0.count) }
        let all = zip(counts, layers).reduce(0.0) {
            $0 + $1.0 * 4e-9 * Double(prepared[0].count * rows * $1.1.inputs * $1.1.outputs)
        }
        return times.map { round in all / zip(round, round.indices).reduce(0) { $0 + $1.0 * counts[$1.1 / 2] } }
    }
}
