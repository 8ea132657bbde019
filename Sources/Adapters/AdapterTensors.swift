import Model
public import Safetensors
public import Tensor

/// How a user's adapters inside the transformer lie in a safetensors file: each parameter in f32 under
/// `SITE.PARAMETER`, for example `3.q.A` `[rank, inputs]`, the head as `head.weights` `[outputs, width]` and `head.bias`
/// `[outputs]`.
extension AdapterPlan {
    /// Adds a user's parameters to a file.
    ///
    /// - Parameter row: `[1, parameterCount]`.
    public func write(_ row: MatrixView, to writer: inout SafetensorsWriter) {
        precondition(row.rows == 1 && row.columns == parameterCount, "a row of \(row.columns) numbers")
        for slot in slots {
            for (shape, values) in zip(slot.parameters, tensors(slot, in: row)) {
                writer.add(
                    "\(slot.site).\(shape.name)", shape: [shape.rows, shape.columns], floats: values.values)
            }
        }
        if let (weights, bias) = head(in: row) {
            writer.add(Self.headWeights, shape: [weights.rows, weights.columns], floats: weights.values)
            writer.add(Self.headBias, shape: [bias.columns], floats: bias.values)
        }
    }

    /// Reads them back; only what the file holds takes memory.
    ///
    /// - Returns: `[parameterCount]`.
    /// - Throws: `tensor_missing`, `tensor_type` or `tensor_shape` where the file was written for another plan.
    public func parameters(in file: SafetensorsFile) throws -> [Float] {
        var parameters = try slots.flatMap { slot in
            try slot.parameters.flatMap { shape in
                try file.floats(of: "\(slot.site).\(shape.name)", shape: [shape.rows, shape.columns])
            }
        }
        if let head {
            parameters += try file.floats(of: Self.headWeights, shape: [head.outputs, configuration.width])
            parameters += try file.floats(of: Self.headBias, shape: [head.outputs])
        }
        return parameters
    }

    private static let headWeights = "head.weights"
    private static let headBias = "head.bias"
}
