import COneDNN
import CVectors

/// What one thread at a time needs to compute products: compiled ones by their number of rows, and scratch rows.
@safe final class OneDNNWorkspace: @unchecked Sendable {  // the library's pool lends it to one thread at a time
    /// Rows of a full block. From 64 to 512 the speed at the default base's shapes differs by 1 to 2 %, about as much as
    /// it does from run to run; 256 was the best or next to it in each.
    static let largestBlock = 256

    private struct Key: Hashable {
        var shape: OneDNNShape
        var rows: Int
    }

    private let calls: OneDNNCalls
    private let stream: OneDNNStream
    private var products: [Key: OneDNNProduct] = [:]
    private var sourceRows = Buffer(count: 0)
    private var targetRows = Buffer(count: 0)

    init(_ calls: OneDNNCalls) throws(OneDNNError) {
        self.calls = calls
        stream = try OneDNNStream(calls)
    }

    /// The rows to compute next of those that are left. A kernel is compiled for its number of rows; this keeps the numbers
    /// that ever occur to 22.
    static func block(of left: Int) -> Int {
        switch left {
        case largestBlock...: largestBlock
        case 64...: left / 64 * 64
        case 16...: left / 16 * 16
        default: left
        }
    }

    /// `y = x · weights + bias`, or `y += x · weights + bias`.
    func multiply(_ x: MatrixView, _ weights: OneDNNWeights, into y: MatrixView, adding: Bool) throws(OneDNNError) {
        var row = 0
        while row < x.rows {
            let next = row + Self.block(of: x.rows - row)
            try multiply(block: x.rows(row..<next), weights, into: y.rows(row..<next), adding: adding)
            row = next
        }
    }

    private func multiply(
        block x: MatrixView, _ weights: OneDNNWeights, into y: MatrixView, adding: Bool
    ) throws(OneDNNError) {
        let key = Key(shape: weights.shape, rows: x.rows)
        let product: OneDNNProduct
        if let known = products[key] {
            product = known
        } else {
            product = try OneDNNProduct(calls, key.shape, rows: key.rows, weights: weights.memory.descriptor)
            products[key] = product
        }
        let source = unsafe gather(x, key.shape.format)
        guard adding || !y.isDense else { return try unsafe product.run(source, weights, into: y.start, on: stream) }
        // oneDNN can add to rows without gaps itself, by a second set of kernels: at the default base's shapes that costs up
        // to 13 % of a product in f32 and 3 % in bf16, this up to 5 and 6.
        let result = MatrixView(room(&targetRows, y.rows * y.columns), offset: 0, rows: y.rows, columns: y.columns)
        try unsafe product.run(source, weights, into: result.start, on: stream)
        if adding { add(result, to: y) } else { y.copy(result) }
    }

    /// The rows without gaps, in a format: where they are, if they are so already.
    private func gather(_ x: MatrixView, _ format: OneDNNFormat) -> UnsafeMutableRawPointer {
        if format == .f32, x.isDense { return unsafe UnsafeMutableRawPointer(x.start) }
        let count = x.rows * x.columns
        let room = room(&sourceRows, count)
        let target = unsafe UnsafeMutableRawPointer(room.start)
        switch format {
        case .f32: MatrixView(room, offset: 0, rows: x.rows, columns: x.columns).copy(x)
        case .bf16:
            let halves = unsafe target.assumingMemoryBound(to: UInt16.self)
            if x.isDense {
                unsafe attune_to_bf16(x.start, halves, count)
            } else {
                for row in 0..<x.rows { unsafe attune_to_bf16(x.row(row), halves + row * x.columns, x.columns) }
            }
        }
        return unsafe target
    }

    /// A buffer of at least so many floats, kept for the next time.
    private func room(_ buffer: inout Buffer, _ count: Int) -> Buffer {
        if buffer.count < count { buffer = Buffer(count: count) }
        return buffer
    }
}

extension MatrixView {
    /// Whether its rows follow each other without gaps.
    fileprivate var isDense: Bool { stride == columns || rows <= 1 }
}
