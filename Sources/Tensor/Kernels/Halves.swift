/// Half-precision copies of rows: half the memory, three decimal digits.
extension MatrixView {
    /// Its values in f16, row by row, rounded to nearest even; beyond ±65504 they become infinite.
    public var halves: [Float16] {
        unsafe [Float16](unsafeUninitializedCapacity: rows * columns) { target, count in
            guard let base = target.baseAddress else { return }
            for index in 0..<rows {
                let (source, target) = unsafe (row(index), base + index * columns)
                var column = 0
                while column < columns {
                    unsafe target[column] = Float16(source[column])
                    column &+= 1
                }
            }
            count = rows * columns
        }
    }

    /// Copies f16 values into it.
    ///
    /// - Parameter halves: `rows * columns`, row by row.
    public func copy(halves: some RandomAccessCollection<Float16>) {
        precondition(halves.count == rows * columns, "\(halves.count) values into [\(rows), \(columns)]")
        let copied: Void? = halves.withContiguousStorageIfAvailable { halves in
            guard let base = halves.baseAddress else { return }
            for index in 0..<rows {
                let (source, target) = unsafe (base + index * columns, row(index))
                var column = 0
                while column < columns {
                    unsafe target[column] = Float(source[column])
                    column &+= 1
                }
            }
        }
        precondition(copied != nil, "halves that do not lie side by side")
    }
}
