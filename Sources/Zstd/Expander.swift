import CZstd

/// Expands zstd frames within a limit, with one context and one dictionary for all of them.
@safe
public struct Expander: ~Copyable {
    private let context: OpaquePointer

    /// Makes an expander for frames that were compressed with `dictionary` (empty: without one).
    public init(dictionary: [UInt8] = []) {
        guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("libzstd: no memory for a context") }
        unsafe self.context = context
        if !dictionary.isEmpty {
            let result = unsafe dictionary.withUnsafeBytes {
                unsafe ZSTD_DCtx_loadDictionary(context, $0.baseAddress, $0.count)
            }
            precondition(ZSTD_isError(result) == 0, unsafe "libzstd: \(String(cString: ZSTD_getErrorName(result)))")
        }
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    /// The content of exactly one frame.
    ///
    /// - Parameters:
    ///   - frame: the whole frame and nothing after it.
    ///   - limit: the most bytes its content may have; a frame that states or reaches more is refused, before its
    ///     size is allocated.
    ///   - location: where the frame came from, for the error.
    /// - Throws: ``ZstdError`` `.corrupt`, `.truncated` or `.bomb`.
    public mutating func expand(
        _ frame: [UInt8], limit: Int, at location: String = "zstd frame"
    ) throws(ZstdError) -> [UInt8] {
        precondition(limit >= 0, "a limit is a number of bytes")
        let whole = unsafe frame.withUnsafeBytes {
            unsafe ZSTD_findFrameCompressedSize($0.baseAddress, $0.count)
        }
        if ZSTD_isError(whole) != 0 { throw zstdError(whole, at: location) }
        guard whole == frame.count else {
            throw ZstdError(.corrupt, at: location, "\(frame.count - whole) bytes follow the frame of \(whole) bytes.")
        }
        let stated = unsafe frame.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard stated != attune_zstd_size_error else {
            throw ZstdError(.corrupt, at: location, "the frame's header cannot be read.")
        }
        if stated == attune_zstd_size_unknown { return try expandUnsized(frame, limit: limit, at: location) }
        guard stated <= UInt64(limit) else {
            throw ZstdError(.bomb, at: location, "\(frame.count) bytes expand to \(stated), the limit is \(limit).")
        }
        return try expandSized(frame, size: Int(stated), at: location)
    }

    private mutating func expandSized(
        _ frame: [UInt8], size: Int, at location: String
    ) throws(ZstdError) -> [UInt8] {
        var result = 0
        let content = unsafe [UInt8](unsafeUninitializedCapacity: size) { output, count in
            result = unsafe frame.withUnsafeBytes { input in
                unsafe ZSTD_decompressDCtx(context, output.baseAddress, output.count, input.baseAddress, input.count)
            }
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        if ZSTD_isError(result) != 0 { throw zstdError(result, at: location) }
        guard result == size else {
            throw ZstdError(.corrupt, at: location, "the frame holds \(result) bytes and states \(size).")
        }
        return content
    }

    /// A frame that does not state its size (written by a streaming compressor): expanded by doubling up to the limit.
    private mutating func expandUnsized(
        _ frame: [UInt8], limit: Int, at location: String
    ) throws(ZstdError) -> [UInt8] {
        var room = min(limit, max(1024, frame.count * 4))
        while true {
            var result = 0
            let content = unsafe [UInt8](unsafeUninitializedCapacity: room) { output, count in
                result = unsafe frame.withUnsafeBytes { input in
                    unsafe ZSTD_decompressDCtx(
                        context, output.baseAddress, room, input.baseAddress, input.count)
                }
                count = ZSTD_isError(result) == 0 ? result : 0
            }
            if ZSTD_isError(result) == 0 { return content }
            guard ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall else {
                throw zstdError(result, at: location)
            }
            guard room < limit else {
                throw ZstdError(.bomb, at: location, "\(frame.count) bytes expand to more than the limit of \(limit).")
            }
            room = min(limit, room * 2)
        }
    }
}

/// One frame at a time, for callers that have only one.
public enum ZstdFrame {
    /// One frame that holds `bytes`, at zstd's `level` 1 to 19.
    public static func compress(_ bytes: [UInt8], level: Int = 3) -> [UInt8] {
        var compressor = Compressor(level: level)
        return compressor.compress(bytes)
    }

    /// The content of the one frame in `frame`, at most `limit` bytes; throws ``ZstdError``.
    public static func expand(
        _ frame: [UInt8], limit: Int, at location: String = "zstd frame"
    ) throws(ZstdError) -> [UInt8] {
        var expander = Expander()
        return try expander.expand(frame, limit: limit, at: location)
    }
}

/// libzstd's error, as the class that tells the reader what to do.
func zstdError(_ result: Int, at location: String) -> ZstdError {
    let name = unsafe String(cString: ZSTD_getErrorName(result))
    switch ZSTD_getErrorCode(result) {
    case ZSTD_error_srcSize_wrong: return ZstdError(.truncated, at: location, "the frame is not complete (\(name)).")
    case ZSTD_error_memory_allocation: return ZstdError(.outOfMemory, at: location, "libzstd: \(name).")
    case ZSTD_error_frameParameter_windowTooLarge:
        return ZstdError(.bomb, at: location, "the frame asks for a window of more than 128 MiB.")
    default: return ZstdError(.corrupt, at: location, "libzstd: \(name).")
    }
}
