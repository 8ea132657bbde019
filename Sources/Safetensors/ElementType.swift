/// The element types of the safetensors format, by the names its headers use.
public enum ElementType: String, Sendable, CaseIterable {
    /// One byte, 0 or 1.
    case bool = "BOOL"
    /// Unsigned, 8 bits.
    case uint8 = "U8"
    /// Signed, 8 bits.
    case int8 = "I8"
    /// Signed, 16 bits.
    case int16 = "I16"
    /// Unsigned, 16 bits.
    case uint16 = "U16"
    /// IEEE 754 binary16.
    case float16 = "F16"
    /// The upper half of a binary32.
    case bfloat16 = "BF16"
    /// Signed, 32 bits.
    case int32 = "I32"
    /// Unsigned, 32 bits.
    case uint32 = "U32"
    /// IEEE 754 binary32.
    case float32 = "F32"
    /// IEEE 754 binary64.
    case float64 = "F64"
    /// Signed, 64 bits.
    case int64 = "I64"
    /// Unsigned, 64 bits.
    case uint64 = "U64"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .bool, .uint8, .int8: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .float64, .int64, .uint64: 8
        }
    }
}

/// What a safetensors header says of one tensor.
public struct TensorDescription: Sendable, Equatable {
    /// Its key in the file.
    public let name: String
    /// The type of its elements.
    public let elementType: ElementType
    /// Its dimensions, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Where its bytes lie, counted from the end of the header.
    public let byteRange: Range<Int>

    /// Number of elements, the product of the shape.
    public var elementCount: Int { byteRange.count / elementType.byteCount }
}
