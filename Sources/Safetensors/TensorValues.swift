extension SafetensorsFile {
    /// A tensor as `Float`, row-major, from F32, F16, BF16, F64 (rounded) or an integer type (rounded above 2^24).
    ///
    /// - Parameter shape: the shape it must have; any if nil.
    public func floats(of tensor: String, shape: [Int]? = nil) throws -> [Float] {
        let description = try description(of: tensor)
        try check(description, hasShape: shape)
        return try withBytes(of: description) { bytes in
            switch description.elementType {
            case .float32: decodeFloat32(bytes)
            case .float16: decode(bytes, as: UInt16.self) { float(binary16: $0) }
            case .bfloat16: decode(bytes, as: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            case .float64: decode(bytes, as: UInt64.self) { Float(Double(bitPattern: $0)) }
            case .int8: decode(bytes, as: UInt8.self) { Float(Int8(bitPattern: $0)) }
            case .uint8: decode(bytes, as: UInt8.self) { Float($0) }
            case .int32: decode(bytes, as: UInt32.self) { Float(Int32(bitPattern: $0)) }
            case .uint32: decode(bytes, as: UInt32.self) { Float($0) }
            case .int64: decode(bytes, as: UInt64.self) { Float(Int64(bitPattern: $0)) }
            case .bool, .int16, .uint16, .uint64: throw typeProblem(description, asked: "Float")
            }
        }
    }

    /// A tensor of dtype I8, row-major.
    public func int8s(of tensor: String, shape: [Int]? = nil) throws -> [Int8] {
        try integers(of: tensor, shape: shape, type: .int8, as: UInt8.self) { Int8(bitPattern: $0) }
    }

    /// A tensor of dtype U8, row-major.
    public func uint8s(of tensor: String, shape: [Int]? = nil) throws -> [UInt8] {
        try integers(of: tensor, shape: shape, type: .uint8, as: UInt8.self) { $0 }
    }

    /// A tensor of dtype I32, row-major.
    public func int32s(of tensor: String, shape: [Int]? = nil) throws -> [Int32] {
        try integers(of: tensor, shape: shape, type: .int32, as: UInt32.self) { Int32(bitPattern: $0) }
    }

    /// A tensor of dtype I64, row-major.
    public func int64s(of tensor: String, shape: [Int]? = nil) throws -> [Int64] {
        try integers(of: tensor, shape: shape, type: .int64, as: UInt64.self) { Int64(bitPattern: $0) }
    }

    private func integers<Word: FixedWidthInteger & UnsignedInteger, Value>(
        of tensor: String, shape: [Int]?, type: ElementType, as word: Word.Type, _ convert: (Word) -> Value
    ) throws -> [Value] {
        let description = try description(of: tensor)
        try check(description, hasShape: shape)
        guard description.elementType == type else { throw typeProblem(description, asked: type.rawValue) }
        return withBytes(of: description) { decode($0, as: word, convert) }
    }
}

/// The same as ``decode(_:as:_:)`` for the type that weights have, written out: several times faster unoptimised.
private func decodeFloat32(_ bytes: Span<UInt8>) -> [Float] {
    var values = [Float](repeating: 0, count: bytes.count / 4)
    var target = values.mutableSpan
    for index in target.indices {
        let start = index &* 4
        let word =
            UInt32(bytes[start]) | UInt32(bytes[start &+ 1]) &<< 8 | UInt32(bytes[start &+ 2]) &<< 16
            | UInt32(bytes[start &+ 3]) &<< 24
        target[index] = Float(bitPattern: word)
    }
    return values
}

/// Little-endian words, each through `convert`; specialised and vectorised where `convert` is a bit cast.
private func decode<Word: FixedWidthInteger & UnsignedInteger, Value>(
    _ bytes: Span<UInt8>, as word: Word.Type, _ convert: (Word) -> Value
) -> [Value] {
    let width = Word.bitWidth / 8
    return [Value](capacity: bytes.count / width) { values in
        for start in stride(from: 0, to: bytes.count - width + 1, by: width) {
            var word: Word = 0
            for byte in 0..<width { word |= Word(truncatingIfNeeded: bytes[start + byte]) << Word(8 * byte) }
            values.append(convert(word))
        }
    }
}

/// IEEE 754 binary16 to binary32, exactly; in integers, because baseline x86-64 has no instruction for it.
package func float(binary16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
        let magnitude = Float(fraction) * 0x1p-24
        return sign == 0 ? magnitude : -magnitude
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}
