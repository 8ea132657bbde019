import CZstd

/// Compresses byte arrays into zstd frames, one frame a call, with one context and one dictionary for all of them.
///
/// Many small frames are made fastest by one compressor: libzstd's context (some 100 kB) is set up once. The content
/// size is always written into the frame, so that a reader can refuse a large one before it allocates.
@safe
public struct Compressor: ~Copyable {
    private let context: OpaquePointer

    /// Makes a compressor.
    ///
    /// - Parameters:
    ///   - level: zstd's level, 1 (fast) to 19 (small); other values are brought into that range.
    ///   - checksum: whether each frame ends in four bytes of xxHash64 over its content. Needed where a frame may be
    ///     expanded with a dictionary that was not its own, which nothing else notices.
    ///   - dictionary: bytes that reader and writer both have; content that repeats them costs next to nothing.
    ///     Taken as raw content unless it begins with zstd's dictionary magic number.
    public init(level: Int = 3, checksum: Bool = false, dictionary: [UInt8] = []) {
        guard let context = unsafe ZSTD_createCCtx() else { preconditionFailure("libzstd: no memory for a context") }
        unsafe self.context = context
        set(ZSTD_c_compressionLevel, Int32(min(max(level, 1), 19)))
        set(ZSTD_c_contentSizeFlag, 1)
        set(ZSTD_c_checksumFlag, checksum ? 1 : 0)
        if !dictionary.isEmpty {
            check(
                unsafe dictionary.withUnsafeBytes {
                    unsafe ZSTD_CCtx_loadDictionary(context, $0.baseAddress, $0.count)
                })
        }
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    /// One frame that holds `bytes`; the same bytes, level and dictionary give the same frame.
    public mutating func compress(_ bytes: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, count in
            count = unsafe bytes.withUnsafeBytes { input in
                unsafe ZSTD_compress2(context, output.baseAddress, output.count, input.baseAddress, input.count)
            }
            check(count)
        }
    }

    private func set(_ parameter: ZSTD_cParameter, _ value: Int32) {
        check(unsafe ZSTD_CCtx_setParameter(context, parameter, value))
    }

    /// The output has room for the worst case and every parameter is in range, so that only memory can be missing:
    /// that traps, as it does when an array grows.
    private func check(_ result: Int) {
        precondition(ZSTD_isError(result) == 0, unsafe "libzstd: \(String(cString: ZSTD_getErrorName(result)))")
    }
}
