import COneDNN

/// What a product is but for the number of its rows: `[rows, inputs] · [inputs, outputs]`, plus a bias or not.
struct OneDNNShape: Hashable, Sendable {
    var format: OneDNNFormat
    var inputs: Int
    var outputs: Int
    var hasBias: Bool
}

/// A compiled product of one number of rows, and the matrices that one thread hands to it.
@safe final class OneDNNProduct {
    let primitive: OneDNNPrimitive
    private let source: OneDNNMemory
    private let target: OneDNNMemory
    private let scratch: OneDNNMemory

    /// Compiles it, in .1 to .2 ms on the machine of the README; oneDNN shares the code of equal ones.
    ///
    /// Rows of the operands lie without gaps: oneDNN 2 has its best kernels for those only. The scratch memory is ours, so
    /// that the library's primitives hold no state.
    ///
    /// - Parameter weights: the layout of the second operand; nil takes the one that suits best.
    init(
        _ calls: OneDNNCalls, _ shape: OneDNNShape, rows: Int, weights: dnnl_memory_desc_t?
    ) throws(OneDNNError) {
        let (table, type) = (unsafe calls.table, shape.format.type)
        calls.useOneThread()
        var source = try calls.descriptor(rows: rows, columns: shape.inputs, type: type)
        var target = try calls.descriptor(rows: rows, columns: shape.outputs, type: dnnl_f32)
        var bias = try calls.descriptor(rows: 1, columns: shape.outputs, type: dnnl_f32)
        let best = try calls.descriptor(
            rows: shape.inputs, columns: shape.outputs, type: type, tag: dnnl_format_tag_any)
        var weights = weights ?? best
        var operation = dnnl_matmul_desc_t()
        let status =
            unsafe shape.hasBias
            ? table.pointee.dnnl_matmul_desc_init(&operation, &source, &weights, &bias, &target)
            : table.pointee.dnnl_matmul_desc_init(&operation, &source, &weights, nil, &target)
        try OneDNNError.check(status, "dnnl_matmul_desc_init")
        var attributes: dnnl_primitive_attr_t?
        try unsafe OneDNNError.check(
            table.pointee.dnnl_primitive_attr_create(&attributes), "dnnl_primitive_attr_create")
        defer { _ = unsafe table.pointee.dnnl_primitive_attr_destroy(attributes) }
        try unsafe OneDNNError.check(
            table.pointee.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
            "dnnl_primitive_attr_set_scratchpad_mode")
        var description: dnnl_primitive_desc_t?
        try unsafe OneDNNError.check(
            table.pointee.dnnl_primitive_desc_create(&description, &operation, attributes, calls.engine, nil),
            "dnnl_primitive_desc_create")
        primitive = try unsafe OneDNNPrimitive(calls, description)
        self.source = try OneDNNMemory(calls, source)
        self.target = try OneDNNMemory(calls, target)
        scratch = try OneDNNMemory(calls, owned: primitive.scratch)
    }

    /// Computes it.
    ///
    /// - Parameters:
    ///   - source: rows of the shape's format, without gaps.
    ///   - target: rows of floats, without gaps; overwritten.
    func run(
        _ source: UnsafeMutableRawPointer, _ weights: OneDNNWeights, into target: UnsafeMutableRawPointer,
        on stream: OneDNNStream
    ) throws(OneDNNError) {
        try unsafe self.source.point(at: source)
        try unsafe self.target.point(at: target)
        var matrices = [
            (DNNL_ARG_SRC, self.source), (DNNL_ARG_WEIGHTS, weights.memory), (DNNL_ARG_DST, self.target),
            (DNNL_ARG_SCRATCHPAD, scratch),
        ]
        if let bias = weights.bias { matrices.append((DNNL_ARG_BIAS, bias)) }
        try primitive.run(on: stream, matrices)
    }
}
