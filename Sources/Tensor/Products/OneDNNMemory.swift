import COneDNN

/// A matrix of oneDNN's: a description of a layout, and the place of the values, its own or somebody else's.
@safe final class OneDNNMemory {
    let descriptor: dnnl_memory_desc_t
    let handle: dnnl_memory_t
    private let calls: OneDNNCalls
    private let storage: UnsafeMutableRawPointer?

    /// The first of the values that it owns.
    var values: UnsafeMutableRawPointer {
        guard let storage = unsafe storage else { preconditionFailure("the values are somebody else's") }
        return unsafe storage
    }

    /// A matrix without a place yet; see ``point(at:)``.
    convenience init(_ calls: OneDNNCalls, _ descriptor: dnnl_memory_desc_t) throws(OneDNNError) {
        try unsafe self.init(calls, descriptor, storage: nil)
    }

    /// Zeros of its own at a 64-byte boundary.
    convenience init(_ calls: OneDNNCalls, owned descriptor: dnnl_memory_desc_t) throws(OneDNNError) {
        let bytes = max(calls.bytes(descriptor), 1)
        let storage = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        unsafe storage.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        try unsafe self.init(calls, descriptor, storage: storage)
    }

    /// Takes over the storage, also when it throws.
    private init(
        _ calls: OneDNNCalls, _ descriptor: dnnl_memory_desc_t, storage: UnsafeMutableRawPointer?
    ) throws(OneDNNError) {
        var handle: dnnl_memory_t?
        let status = unsafe withUnsafePointer(to: descriptor) {
            unsafe calls.table.pointee.dnnl_memory_create(&handle, $0, calls.engine, storage)
        }
        guard status == dnnl_success, let handle = unsafe handle else {
            unsafe storage?.deallocate()
            throw OneDNNError("oneDNN: dnnl_memory_create gives status \(status.rawValue)")
        }
        (self.calls, self.descriptor) = (calls, descriptor)
        unsafe self.handle = unsafe handle
        unsafe self.storage = unsafe storage
    }

    deinit {
        _ = unsafe calls.table.pointee.dnnl_memory_destroy(handle)
        unsafe storage?.deallocate()
    }

    /// Moves it to values that somebody else owns and keeps for as long as it is used. For row-major layouts: where one has
    /// gaps, oneDNN writes zeros into them here.
    func point(at values: UnsafeMutableRawPointer) throws(OneDNNError) {
        try unsafe OneDNNError.check(
            calls.table.pointee.dnnl_memory_set_data_handle(handle, values), "dnnl_memory_set_data_handle")
    }

    /// Copies the values of another matrix of its shape, whose layout and format may differ.
    func copy(_ other: OneDNNMemory) throws(OneDNNError) {
        let (table, engine) = unsafe (calls.table, calls.engine)
        calls.useOneThread()
        var description: dnnl_primitive_desc_t?
        let status = unsafe withUnsafePointer(to: descriptor) { target in
            unsafe withUnsafePointer(to: other.descriptor) { source in
                unsafe table.pointee.dnnl_reorder_primitive_desc_create(
                    &description, source, engine, target, engine, nil)
            }
        }
        try OneDNNError.check(status, "dnnl_reorder_primitive_desc_create")
        let primitive = try unsafe OneDNNPrimitive(calls, description)
        try primitive.run(
            on: OneDNNStream(calls), [(DNNL_ARG_SRC, other), (DNNL_ARG_DST, self)])
    }
}
