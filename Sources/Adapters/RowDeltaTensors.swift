public import Safetensors

/// How a row delta lies in a safetensors file: three tensors, so that NumPy applies it with nothing of ours.
///
/// | tensor | type and shape | meaning |
/// |---|---|---|
/// | `rows` | U8 `[ceil(width / 8)]` | bitmap of kept rows, row `i` is bit `i % 8` of byte `i / 8` |
/// | `values` | I8 `[kept]` | one value a kept row, ascending |
/// | `scale_bias` | F32 `[2]` | what one step of `values` is worth; the difference to the bias |
extension RowDelta {
    private enum Name {
        static let rows = "rows"
        static let values = "values"
        static let scaleAndBias = "scale_bias"
    }

    /// Adds the three tensors to a file.
    public func write(to writer: inout SafetensorsWriter) {
        writer.add(Name.rows, shape: [keptRows.count], uint8s: keptRows)
        writer.add(Name.values, shape: [values.count], int8s: values)
        writer.add(Name.scaleAndBias, shape: [2], floats: [scale, bias])
    }

    /// Reads and checks the three tensors.
    ///
    /// - Parameters:
    ///   - file: where they are.
    ///   - width: the number of features of the base that the adapter was made for.
    /// - Throws: `tensor_missing`, `tensor_type`, `tensor_shape` or `adapter_malformed`.
    public init(reading file: SafetensorsFile, width: Int) throws {
        let scaleAndBias = try file.floats(of: Name.scaleAndBias, shape: [2])
        try self.init(
            width: width, keptRows: file.uint8s(of: Name.rows, shape: [(width + 7) / 8]),
            values: file.int8s(of: Name.values), scale: scaleAndBias[0], bias: scaleAndBias[1], at: file.name)
    }
}
