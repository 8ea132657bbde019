import Dispatch
import Foundation
import Model
import Synchronization
import Tensor

/// Encodes many texts on all cores, with progress on standard error.
enum PooledFeatures {
    /// `[texts, width]`, in the order of the texts; a slice of 256 at a time on each core.
    static func encode(_ texts: [String], with encoder: TextEncoder) throws -> Matrix {
        let slices = stride(from: 0, to: texts.count, by: 256).map { Array(texts[$0..<min($0 + 256, texts.count)]) }
        let progress = ProgressLine("features")
        let state = Mutex<(results: [Result<Matrix, any Error>?], done: Int)>(
            (Array(repeating: nil, count: slices.count), 0))
        DispatchQueue.concurrentPerform(iterations: slices.count) { index in
            let result = Result { try encoder.pooled(slices[index]) }
            let done = state.withLock { state in
                state.results[index] = result
                state.done += slices[index].count
                return state.done
            }
            progress.show(done, of: texts.count, "\(texts.count) texts")
        }
        var values: [Float] = []
        values.reserveCapacity(texts.count * encoder.width)
        for result in state.withLock({ $0.results }) { if let result { values += try result.get().values } }
        return Matrix(rows: texts.count, columns: encoder.width, values: values)
    }
}
