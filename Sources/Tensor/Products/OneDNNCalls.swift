import COneDNN

/// An opened oneDNN: its calls, and its engine for this processor, which any thread may use.
///
/// Never closed: its compiled kernels and OpenMP's state live as long as the process.
@safe struct OneDNNCalls: @unchecked Sendable {  // the table is never written after `init`
    let table: UnsafePointer<attune_dnnl>
    let engine: dnnl_engine_t
    /// Major, minor and patch number.
    let version: String

    /// Opens a library by the name the dynamic linker knows it by, or by a path.
    init(library name: String) throws(OneDNNError) {
        guard let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
            let cause = unsafe dlerror().map { unsafe String(cString: $0) } ?? name
            throw OneDNNError("oneDNN cannot be loaded (Debian: libdnnl2): \(cause)")
        }
        let table = UnsafeMutablePointer<attune_dnnl>.allocate(capacity: 1)
        if let missing = unsafe attune_dnnl_fill(library, table) {
            throw unsafe OneDNNError("\(name) is not oneDNN 2: it has no \(String(cString: missing))")
        }
        unsafe self.table = unsafe UnsafePointer(table)
        guard let version = unsafe table.pointee.dnnl_version()?.pointee,
            unsafe version.major == DNNL_VERSION_MAJOR
        else {
            throw OneDNNError("\(name) is not oneDNN \(DNNL_VERSION_MAJOR)")
        }
        self.version = unsafe "\(version.major).\(version.minor).\(version.patch)"
        // A product runs in the thread that asks for it. OpenMP can be told so and a sequential build does nothing else;
        // other runtimes would start threads of their own.
        let runtime = unsafe Int32(version.cpu_runtime)
        let isTellable = unsafe runtime == DNNL_RUNTIME_OMP && table.pointee.omp_set_num_threads != nil
        guard isTellable || runtime == DNNL_RUNTIME_SEQ else {
            throw OneDNNError("\(name) starts threads that cannot be kept to one (threading runtime \(runtime))")
        }
        var engine: dnnl_engine_t?
        try unsafe OneDNNError.check(table.pointee.dnnl_engine_create(&engine, dnnl_cpu, 0), "dnnl_engine_create")
        guard let engine = unsafe engine else { throw OneDNNError("oneDNN: no engine") }
        unsafe self.engine = unsafe engine
    }

    /// Whether the library uses bf16 instructions on this processor.
    var multipliesBF16: Bool {
        let needed = dnnl_cpu_isa_avx512_core_bf16.rawValue
        return unsafe table.pointee.dnnl_get_effective_cpu_isa().rawValue & needed == needed
    }

    /// Keeps the products of the calling thread in it; OpenMP holds this number for each thread.
    func useOneThread() { unsafe table.pointee.omp_set_num_threads?(1) }

    /// The descriptor of a row-major matrix, or of weights in the layout that a product likes best.
    func descriptor(
        rows: Int, columns: Int, type: dnnl_data_type_t, tag: dnnl_format_tag_t = dnnl_ab
    ) throws(OneDNNError) -> dnnl_memory_desc_t {
        var descriptor = dnnl_memory_desc_t()
        let sizes = [Int64(rows), Int64(columns)]
        let status = unsafe table.pointee.dnnl_memory_desc_init_by_tag(&descriptor, 2, sizes, type, tag)
        try OneDNNError.check(status, "dnnl_memory_desc_init_by_tag")
        return descriptor
    }

    /// Bytes of a matrix.
    func bytes(_ descriptor: dnnl_memory_desc_t) -> Int {
        unsafe withUnsafePointer(to: descriptor) { unsafe table.pointee.dnnl_memory_desc_get_size($0) }
    }
}
