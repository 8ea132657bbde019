import Adapters
import Problem

/// What a frame's first byte says.
enum FrameForm: UInt8 {
    case rows = 1
    case int8Coefficients = 2
    case int4Coefficients = 3
    case float16 = 4
    case float32 = 5
    case sparse = 6

    init(_ precision: CoefficientPrecision) { self = precision == .int8 ? .int8Coefficients : .int4Coefficients }
}

/// The numbers of a frame, after its form and its seal; see ``AdapterFrameCoder`` for the byte tables.
enum FrameBody {
    static func bytes(of delta: UserDelta) -> (form: FrameForm, body: [UInt8]) {
        switch delta {
        case .head(let head): bytes(of: head)
        case .sparse(let sparse): (.sparse, sparse.encoded())
        }
    }

    private static func bytes(of delta: HeadDelta) -> (form: FrameForm, body: [UInt8]) {
        switch delta {
        case .rows(let rows):
            let numbers = rows.scale.bitPattern.littleEndianBytes + rows.bias.bitPattern.littleEndianBytes
            return (.rows, numbers + rows.keptRows + rows.values.map(UInt8.init(bitPattern:)))
        case .coefficients(let delta):
            let numbers = [delta.scale, delta.bias].flatMap { UInt16($0.bitPattern >> 16).littleEndianBytes }
            return (FrameForm(delta.basis.precision), numbers + packed(delta.values, delta.basis.precision))
        case .full(let full):
            let bias = full.bias.bitPattern.littleEndianBytes
            switch full.precision {
            case .float16: return (.float16, bias + full.weights.flatMap { Float16($0).bitPattern.littleEndianBytes })
            case .float32: return (.float32, bias + full.weights.flatMap { $0.bitPattern.littleEndianBytes })
            }
        }
    }

    /// Reads a body.
    ///
    /// - Throws: `adapter_malformed`.
    static func delta(
        _ form: FrameForm, _ body: ArraySlice<UInt8>, width: Int, in space: DeltaSpace, at location: String
    ) throws(Problem) -> UserDelta {
        switch (space, form) {
        case (.sparse(let shape), .sparse): .sparse(try SparseUserDelta(decoding: Array(body), shape, at: location))
        case (.head(let basis), _) where form != .sparse:
            .head(try head(form, body, width: width, basis: basis, at: location))
        default:
            throw Problem(
                "adapter_malformed", at: location,
                "it is of form \(form.rawValue), which its recipe's users do not store.",
                do: "fetch it again; if it stays so, adapt the user anew.")
        }
    }

    private static func head(
        _ form: FrameForm, _ body: ArraySlice<UInt8>, width: Int, basis: HeadBasis?, at location: String
    ) throws(Problem) -> HeadDelta {
        func refuse(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        func require(_ isRight: Bool, _ expected: String) throws(Problem) {
            guard isRight else { throw refuse("a body of \(body.count) bytes, \(expected).") }
        }
        var rest = body
        switch form {
        case .rows:
            let bitmap = (width + 7) / 8
            try require(body.count >= 8 + bitmap, "rows of \(width) need at least \(8 + bitmap)")
            let (scale, bias) = (rest.popFloat(), rest.popFloat())
            return .rows(
                try RowDelta(
                    width: width, keptRows: Array(rest.prefix(bitmap)),
                    values: rest.dropFirst(bitmap).map(Int8.init(bitPattern:)), scale: scale, bias: bias, at: location))
        case .int8Coefficients, .int4Coefficients:
            guard let basis, FrameForm(basis.precision) == form else {
                throw refuse(
                    "it holds coefficients of form \(form.rawValue), its recipe's basis "
                        + (basis.map { "has \($0.precision.rawValue)." } ?? "is missing."))
            }
            let expected = 4 + basis.precision.byteCount(basis.count)
            try require(body.count == expected, "\(basis.count) coefficients need \(expected)")
            let (scale, bias) = (rest.popBFloat16(), rest.popBFloat16())
            guard let values = unpacked(rest, basis.count, basis.precision) else {
                throw refuse("the half byte after its last coefficient is not zero.")
            }
            return .coefficients(
                try BasisDelta(values: values, scale: scale, bias: bias, in: basis, at: location))
        case .sparse: throw refuse("a sparse delta is no head.")
        case .float16, .float32:
            let size = form == .float16 ? 2 : 4
            try require(body.count == 4 + size * width, "\(width) weights need \(4 + size * width)")
            let bias = rest.popFloat()
            let weights = (0..<width).map { _ in form == .float16 ? rest.popFloat16() : rest.popFloat() }
            return .full(
                try FullDelta(
                    reading: weights, bias: bias, precision: form == .float16 ? .float16 : .float32, at: location))
        }
    }

    private static func packed(_ values: [Int8], _ precision: CoefficientPrecision) -> [UInt8] {
        guard precision == .int4 else { return values.map(UInt8.init(bitPattern:)) }
        return stride(from: 0, to: values.count, by: 2).map { index in
            let high = index + 1 < values.count ? UInt8(bitPattern: values[index + 1]) << 4 : 0
            return UInt8(bitPattern: values[index]) & 0x0F | high
        }
    }

    /// Nil where the half byte that nothing stands in is not zero.
    private static func unpacked(
        _ bytes: ArraySlice<UInt8>, _ count: Int, _ precision: CoefficientPrecision
    ) -> [Int8]? {
        guard precision == .int4 else { return bytes.map(Int8.init(bitPattern:)) }
        // A half is moved to the top of its byte, so that the shift back keeps its sign.
        let values = bytes.flatMap { [Int8(bitPattern: $0 << 4) >> 4, Int8(bitPattern: $0) >> 4] }
        guard values.dropFirst(count).allSatisfy({ $0 == 0 }) else { return nil }
        return Array(values.prefix(count))
    }
}

extension FixedWidthInteger {
    /// Its bytes, lowest first.
    var littleEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self(8 * $0)) }
    }
}

extension AdapterProvenance {
    /// The 64 bytes of both digests.
    var digestBytes: [UInt8] {
        [baseDigest, recipeDigest].flatMap { text in
            let digits = Array(text.utf8)
            precondition(digits.count == 64, "a SHA-256 has 64 hexadecimal digits")
            return stride(from: 0, to: 64, by: 2).map {
                UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
            }
        }
    }
}

extension ArraySlice<UInt8> {
    /// Takes a little-endian binary32 off the front, which must be there.
    fileprivate mutating func popFloat() -> Float {
        defer { removeFirst(4) }
        return Float(bitPattern: word(at: 0))
    }

    fileprivate mutating func popFloat16() -> Float { Float(Float16(bitPattern: popHalfWord())) }

    fileprivate mutating func popBFloat16() -> Float { Float(bitPattern: UInt32(popHalfWord()) << 16) }

    private mutating func popHalfWord() -> UInt16 {
        defer { removeFirst(2) }
        return UInt16(self[startIndex]) | UInt16(self[startIndex + 1]) << 8
    }
}
