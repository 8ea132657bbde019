import COneDNN

/// A queue of oneDNN's. On a processor, what is put in runs there and then.
@safe final class OneDNNStream {
    let handle: dnnl_stream_t
    private let calls: OneDNNCalls

    init(_ calls: OneDNNCalls) throws(OneDNNError) {
        var handle: dnnl_stream_t?
        let status = unsafe calls.table.pointee.dnnl_stream_create(
            &handle, calls.engine, dnnl_stream_default_flags.rawValue)
        guard status == dnnl_success, let handle = unsafe handle else {
            throw OneDNNError("oneDNN: dnnl_stream_create gives status \(status.rawValue)")
        }
        self.calls = calls
        unsafe self.handle = unsafe handle
    }

    deinit { _ = unsafe calls.table.pointee.dnnl_stream_destroy(handle) }
}

/// A compiled operation with what is known of it.
@safe final class OneDNNPrimitive {
    /// Its implementation, for example `brg:avx512_core`.
    let kernel: String
    /// The layouts that it wants of its second operand and of its scratch memory.
    let weights: dnnl_memory_desc_t
    let scratch: dnnl_memory_desc_t
    private let handle: dnnl_primitive_t
    private let calls: OneDNNCalls

    /// Compiles what a description describes, and destroys the description.
    init(_ calls: OneDNNCalls, _ description: dnnl_primitive_desc_t?) throws(OneDNNError) {
        let table = unsafe calls.table
        defer { _ = unsafe table.pointee.dnnl_primitive_desc_destroy(description) }
        var name: UnsafePointer<CChar>?
        try unsafe OneDNNError.check(
            table.pointee.dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name),
            "dnnl_primitive_desc_query")
        func layout(_ query: dnnl_query_t) -> dnnl_memory_desc_t {
            unsafe table.pointee.dnnl_primitive_desc_query_md(description, query, 0)?.pointee ?? dnnl_memory_desc_t()
        }
        var handle: dnnl_primitive_t?
        try unsafe OneDNNError.check(table.pointee.dnnl_primitive_create(&handle, description), "dnnl_primitive_create")
        guard let handle = unsafe handle else { throw OneDNNError("oneDNN: no primitive") }
        (weights, scratch) = (layout(dnnl_query_weights_md), layout(dnnl_query_scratchpad_md))
        kernel = unsafe name.map { unsafe String(cString: $0) } ?? ""
        self.calls = calls
        unsafe self.handle = unsafe handle
    }

    deinit { _ = unsafe calls.table.pointee.dnnl_primitive_destroy(handle) }

    /// Computes, in the calling thread, with matrices for its arguments `DNNL_ARG_...`.
    func run(on stream: OneDNNStream, _ matrices: [(Int32, OneDNNMemory)]) throws(OneDNNError) {
        let status = unsafe withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: matrices.count) {
            arguments in
            for (index, (argument, matrix)) in matrices.enumerated() {
                unsafe arguments.initializeElement(at: index, to: dnnl_exec_arg_t(arg: argument, memory: matrix.handle))
            }
            return unsafe calls.table.pointee.dnnl_primitive_execute(
                handle, stream.handle, Int32(matrices.count), arguments.baseAddress)
        }
        try OneDNNError.check(status, "dnnl_primitive_execute")
    }
}
