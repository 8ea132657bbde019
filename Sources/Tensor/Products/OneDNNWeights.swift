import COneDNN

/// The second operand of products, in the layout that their kernels read, with the bias if there is one.
final class OneDNNWeights: @unchecked Sendable {  // nothing in it is written after `init`
    let shape: OneDNNShape
    /// `[inputs, outputs]`.
    let memory: OneDNNMemory
    /// `[1, outputs]`.
    let bias: OneDNNMemory?

    /// Packs `Wᵀ` for `y = x Wᵀ + b`.
    ///
    /// - Parameters:
    ///   - weights: W, `[outputs, inputs]`.
    ///   - bias: b, `[outputs]`.
    init(_ calls: OneDNNCalls, _ format: OneDNNFormat, weights: [Float], bias: [Float]) throws(OneDNNError) {
        let inputs = weights.count / bias.count
        shape = OneDNNShape(format: format, inputs: inputs, outputs: bias.count, hasBias: true)
        memory = try Self.memory(calls, shape)
        let layout = try calls.descriptor(rows: inputs, columns: bias.count, type: dnnl_f32, tag: dnnl_ba)
        try Self.fill(memory, with: weights, laid: layout, calls)
        let row = try calls.descriptor(rows: 1, columns: bias.count, type: dnnl_f32)
        let copy = try OneDNNMemory(calls, owned: row)
        try Self.fill(copy, with: bias, laid: row, calls)
        self.bias = copy
    }

    /// Packs W for `dx = dy W`, out of `Wᵀ`.
    init(transposing other: OneDNNWeights, _ calls: OneDNNCalls) throws(OneDNNError) {
        shape = OneDNNShape(
            format: other.shape.format, inputs: other.shape.outputs, outputs: other.shape.inputs, hasBias: false)
        memory = try Self.memory(calls, shape)
        bias = nil
        var layout = dnnl_memory_desc_t()
        let status = unsafe withUnsafePointer(to: other.memory.descriptor) {
            unsafe calls.table.pointee.dnnl_memory_desc_permute_axes(&layout, $0, [1, 0])
        }
        try OneDNNError.check(status, "dnnl_memory_desc_permute_axes")
        let transposed = try OneDNNMemory(calls, layout)
        try unsafe transposed.point(at: other.memory.values)
        try memory.copy(transposed)
    }

    /// Room in the layout that full blocks of rows like best; oneDNN 2.6 likes the same one for every number of rows.
    private static func memory(_ calls: OneDNNCalls, _ shape: OneDNNShape) throws(OneDNNError) -> OneDNNMemory {
        let product = try OneDNNProduct(calls, shape, rows: OneDNNWorkspace.largestBlock, weights: nil)
        return try OneDNNMemory(calls, owned: product.primitive.weights)
    }

    private static func fill(
        _ memory: OneDNNMemory, with values: [Float], laid layout: dnnl_memory_desc_t, _ calls: OneDNNCalls
    ) throws(OneDNNError) {
        let plain = try OneDNNMemory(calls, owned: layout)
        unsafe plain.values.assumingMemoryBound(to: Float.self).update(from: values, count: values.count)
        try memory.copy(plain)
    }
}
