import Adapters
import Foundation
import Problem
import Safetensors
import Tensor
import Testing

/// The adapter, head and features that `Fixtures/apply_with_numpy.py` reads; the script wrote the scores.
@Suite struct NumPyAgreementTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    private static let width = 384

    private static func fixture(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: folder.appending(path: name).path)
    }

    /// A delta with gated rows, and the start head and unit features it is applied to.
    private static func make() throws -> (delta: RowDelta, start: LinearHead, features: Matrix) {
        var random = RandomSource(seed: 20_26)
        func normals(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
        let dense = normals(width)
        let kept = (0..<width).filter { abs(dense[$0]) > 0.4 }
        let delta = try #require(RowDelta(quantizing: dense, keeping: kept, bias: -0.375))
        let start = LinearHead(weights: normals(width), bias: 0.25)
        var features = Matrix(rows: 12, columns: width, values: normals(12 * width))
        for row in 0..<features.rows {
            let norm = features.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<width { features[row, column] /= norm }
        }
        return (delta, start, features)
    }

    @Test("the adapter file on disk is the one that is written today, byte for byte")
    func writesTheGoldenFile() throws {
        var writer = SafetensorsWriter()
        try Self.make().delta.write(to: &writer)
        #expect(writer.encoded() == Array(try Data(contentsOf: Self.folder.appending(path: "adapter.safetensors"))))
    }

    @Test("NumPy, given the adapter file, the start head and the features, gets our scores to 1e-5")
    func agreesWithNumPy() throws {
        let inputs = try Self.fixture("inputs.safetensors")
        let start = LinearHead(
            weights: try inputs.floats(of: "start.weights", shape: [Self.width]),
            bias: try inputs.floats(of: "start.bias", shape: [1])[0])
        let features = Matrix(
            rows: 12, columns: Self.width, values: try inputs.floats(of: "features", shape: [12, Self.width]))
        let delta = try RowDelta(reading: Self.fixture("adapter.safetensors"), width: Self.width)
        let scores = HeadDelta.rows(delta).applied(to: start).logits(of: features)
        let theirs = try Self.fixture("scores.safetensors").floats(of: "scores", shape: [12])
        let unadapted = start.logits(of: features)
        for (index, (ours, theirs)) in zip(scores, theirs).enumerated() {
            #expect(abs(ours - theirs) < 1e-5, "row \(index): \(ours) against \(theirs)")
            #expect(abs(ours - unadapted[index]) > 1e-3, "row \(index) does not depend on the adapter")
        }
    }
}
