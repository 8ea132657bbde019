package import Tensor

/// A small multilayer perceptron over rows: rectified hidden layers, a linear last one; its numbers lie in one flat vector.
///
/// Layout, layer by layer: weights `[in, out]`, then biases `[out]`.
package struct DenseNetwork: Sendable, Equatable {
    /// Inputs, hidden units, outputs.
    package let sizes: [Int]
    /// All weights and biases.
    package var values: [Float]

    /// Hidden layers as He et al. (2015); the last layer zero, so that before learning the network says nothing.
    package init(sizes: [Int], random: inout RandomSource) {
        precondition(sizes.count >= 2, "inputs and outputs")
        self.sizes = sizes
        values = []
        for layer in 0..<sizes.count - 1 {
            let isLast = layer == sizes.count - 2
            let scale = (2 / Double(sizes[layer])).squareRoot()
            for _ in 0..<sizes[layer] * sizes[layer + 1] { values.append(isLast ? 0 : Float(scale * random.normal())) }
            values += [Float](repeating: 0, count: sizes[layer + 1])
        }
    }

    /// Where a layer's weights and biases lie.
    private func place(_ layer: Int) -> (weights: Range<Int>, biases: Range<Int>) {
        var first = 0
        for before in 0..<layer { first += (sizes[before] + 1) * sizes[before + 1] }
        let weights = first..<first + sizes[layer] * sizes[layer + 1]
        return (weights, weights.upperBound..<weights.upperBound + sizes[layer + 1])
    }

    /// Every layer's values: the input first, the output last, each `[rows, size]`.
    package func forward(_ input: Matrix) -> [Matrix] {
        var activations = [input]
        for layer in 0..<sizes.count - 1 {
            let (weights, biases) = place(layer)
            let below = activations[layer]
            var output = Matrix(repeating: Array(values[biases]), count: input.rows)
            matmul(
                below.values.span, values.span.extracting(weights), into: &output.values, m: input.rows,
                n: sizes[layer + 1], k: sizes[layer], beta: 1)
            if layer < sizes.count - 2 {
                for index in output.values.indices { output.values[index] = max(output.values[index], 0) }
            }
            activations.append(output)
        }
        return activations
    }

    /// The gradient by ``values`` and by the input.
    ///
    /// - Parameters:
    ///   - activations: of ``forward(_:)``.
    ///   - output: the gradient by the output, `[rows, outputs]`.
    package func backward(_ activations: [Matrix], _ output: Matrix) -> (values: [Float], input: Matrix) {
        var gradient = [Float](repeating: 0, count: values.count)
        var pull = output
        for layer in (0..<sizes.count - 1).reversed() {
            let (weights, biases) = place(layer)
            let product = matmul(activations[layer], pull, transposeA: true)
            gradient.replaceSubrange(weights, with: product.values)
            gradient.replaceSubrange(biases, with: pull.sumOfRows())
            var below = Matrix(rows: pull.rows, columns: sizes[layer])
            matmul(
                pull.values.span, values.span.extracting(weights), into: &below.values, m: pull.rows, n: sizes[layer],
                k: sizes[layer + 1], transposeB: true)
            if layer > 0 {
                for index in below.values.indices where activations[layer].values[index] <= 0 {
                    below.values[index] = 0
                }
            }
            pull = below
        }
        return (gradient, pull)
    }
}
