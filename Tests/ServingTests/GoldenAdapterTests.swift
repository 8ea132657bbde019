import Adapters
import Artifacts
import Foundation
import Meta
import Recipe
import Registry
import Safetensors
import Serving
import Tensor
import Testing

/// An adapter file outside Attune: `Fixtures/score_adapter.py` reads it with `safetensors` and NumPy alone.
///
/// `adapter.safetensors` and `features.safetensors` are what ``made()`` makes; set ATTUNE_RECORD_FIXTURES=1 to write
/// them anew after a change of the format, then run the script to make `scores.json`.
@Suite struct GoldenAdapterTests {
    struct Scores: Decodable {
        let withAdapter: [Double]
        let startAlone: [Double]
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    /// A user's adapter of half the rows on a 384-wide start, and 20 rows of unit features.
    static func made() throws -> (adapter: CurrentAdapter, features: Matrix) {
        var random = RandomSource(seed: 20)
        let width = 384
        func vector() -> [Float] { (0..<width).map { _ in Float(random.normal()) } }
        var features = Matrix(rows: 20, columns: width, values: (0..<20).flatMap { _ in vector() })
        for row in 0..<features.rows {
            let norm = features.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<width { features[row, column] /= norm }
        }
        let base = String(repeating: "5a", count: 32)
        let recipe = Recipe.plain(name: "golden", baseDigest: base, head: LinearHead(weights: vector(), bias: 0.25))
        let rows = random.permutation(width).prefix(192).sorted()
        let delta = try #require(RowDelta(quantizing: vector(), keeping: rows, bias: -0.125))
        let place = AdapterPlace(
            uid: 1, baseDigest: base, width: width, baseEpoch: 1, recipeID: 1,
            recipeDigest: String(repeating: "c3", count: 32), revision: nil)
        return (CurrentAdapter(place: place, delta: .head(.rows(delta)), recipe: recipe), features)
    }

    private func fixture(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.folder.appending(path: name)))
    }

    @Test("NumPy's scores of an adapter file are the product's own to 1e-5, and the adapter changes them")
    func scores() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let golden = try decoder.decode(Scores.self, from: Data(fixture("scores.json")))
        let (adapter, features) = try Self.made()
        let predictions = try adapter.predictions(of: features)
        #expect(predictions.count == 20 && golden.withAdapter.count == 20 && golden.startAlone.count == 20)
        for (index, prediction) in predictions.enumerated() {
            #expect(abs(Double(prediction.withAdapter) - golden.withAdapter[index]) < 1e-5)
            #expect(abs(Double(prediction.withoutAdapter) - golden.startAlone[index]) < 1e-5)
        }
        #expect(zip(golden.withAdapter, golden.startAlone).contains { abs($0 - $1) > 0.05 })
    }

    @Test("the file that NumPy read is, byte for byte, the one that this code writes and reads")
    func bytes() throws {
        let (adapter, features) = try Self.made()
        var writer = SafetensorsWriter(metadata: [:])
        writer.add("features", shape: [features.rows, features.columns], floats: features.values)
        let made = [("adapter.safetensors", try adapter.file.encoded()), ("features.safetensors", writer.encoded())]
        if ProcessInfo.processInfo.environment["ATTUNE_RECORD_FIXTURES"] == "1" {
            for (name, bytes) in made { try Data(bytes).write(to: Self.folder.appending(path: name)) }
        }
        for (name, bytes) in made { #expect(try fixture(name) == bytes, "\(name)") }
        let read = try AdapterFile(decoding: fixture("adapter.safetensors"), at: "adapter.safetensors")
        #expect(try read == adapter.file)
    }
}
