import CZstd
import Glibc

/// Reads a file in pieces, expanding it where it is zstd-compressed; the bytes decide, not the file's name.
///
/// Memory does not grow with the file: one input buffer, one window (at most 128 MiB, asked for by the file) and one
/// piece. Calls block on the disk.
///
/// ```swift
/// var reader = try ExpandingFileReader(path: "users.jsonl.zst")
/// while let piece = try reader.next() { … }
/// ```
@safe
public struct ExpandingFileReader: ~Copyable {
    /// The most bytes ``next()`` returns at once.
    public static let pieceByteLimit = 128 * 1024

    private let path: String
    private let descriptor: Int32
    private let context: OpaquePointer
    private var input: [UInt8] = []
    private var consumed = 0
    private var atEnd = false
    /// Known once the first bytes are there.
    private var isCompressed: Bool?
    /// Whether the last frame begun is complete; a file that ends while this is false was cut.
    private var frameIsComplete = true

    /// Opens the file; its content is first read by ``next()``. Throws ``ZstdError`` `.unreadable`.
    public init(path: String) throws(ZstdError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unreadable(path, errno) }
        guard let context = unsafe ZSTD_createDCtx() else {
            close(descriptor)
            throw ZstdError(.outOfMemory, at: path, "libzstd: no memory for a context.")
        }
        self.path = path
        self.descriptor = descriptor
        unsafe self.context = context
    }

    deinit {
        unsafe ZSTD_freeDCtx(context)
        close(descriptor)
    }

    /// The next bytes of the content, at least one and at most ``pieceByteLimit``; nil at the end.
    ///
    /// - Throws: ``ZstdError`` `.unreadable`, `.truncated`, `.corrupt` or, for a window over 128 MiB, `.bomb`.
    public mutating func next() throws(ZstdError) -> [UInt8]? {
        while true {
            if consumed == input.count && !atEnd { try refill() }
            let isCompressed = self.isCompressed ?? Self.beginsFrame(input)
            self.isCompressed = isCompressed
            if !isCompressed {
                guard !input.isEmpty else { return nil }
                defer { (input, consumed) = ([], 0) }
                return input
            }
            let piece = try expandPiece()
            if !piece.isEmpty { return piece }
            guard consumed == input.count && atEnd else { continue }
            guard frameIsComplete else {
                throw ZstdError(.truncated, at: path, "the file ends inside a zstd frame.")
            }
            return nil
        }
    }

    /// One step of the stream: what the buffered input yields, up to a piece; empty when it needs more input.
    private mutating func expandPiece() throws(ZstdError) -> [UInt8] {
        // At the end of a frame a call with no input would begin the next frame and report it incomplete.
        if consumed == input.count && frameIsComplete { return [] }
        var result = 0
        var used = consumed
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceByteLimit) { output, count in
            unsafe input.withUnsafeBytes { bytes in
                var source = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: consumed)
                var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
                result = unsafe ZSTD_decompressStream(context, &target, &source)
                used = unsafe source.pos
                count = unsafe target.pos
            }
        }
        consumed = used
        if ZSTD_isError(result) != 0 { throw zstdError(result, at: path) }
        frameIsComplete = result == 0
        return piece
    }

    /// Replaces the consumed input by the next bytes of the file.
    private mutating func refill() throws(ZstdError) {
        var failure: Int32 = 0
        input = unsafe [UInt8](unsafeUninitializedCapacity: Self.pieceByteLimit) { buffer, count in
            while count < buffer.count {
                let got = unsafe read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
                if got > 0 {
                    count += got
                } else if got < 0 && errno == EINTR {
                    continue
                } else {
                    failure = got < 0 ? errno : 0
                    return
                }
            }
        }
        consumed = 0
        if failure != 0 { throw Self.unreadable(path, failure) }
        atEnd = input.count < Self.pieceByteLimit
    }

    /// A frame, or a skippable frame as parallel compressors put first (RFC 8878, sections 3.1.1 and 3.1.2).
    private static func beginsFrame(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 4 else { return false }
        let magic = bytes[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return magic == UInt32(ZSTD_MAGICNUMBER) || magic & 0xFFFF_FFF0 == 0x184D_2A50
    }

    private static func unreadable(_ path: String, _ code: Int32) -> ZstdError {
        ZstdError(.unreadable, at: path, "\(unsafe String(cString: strerror(code))).")
    }
}
