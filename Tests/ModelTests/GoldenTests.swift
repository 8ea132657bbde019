import Foundation
import Model
import Safetensors
import StrictJSON
import Tensor
import Testing

/// The reference values of `Fixtures/make_golden.py`: 200 texts, their token ids and their pooled features.
struct Golden {
    let texts: [String]
    let ids: [[Int32]]
    let features: Matrix

    init() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        let json = try JSONValue(parsing: Array(Data(contentsOf: folder.appending(path: "golden.json"))))
        texts = (json.array ?? []).compactMap(\.string)
        let file = try SafetensorsFile(path: folder.appending(path: "golden.safetensors").path)
        var rest = try file.int32s(of: "ids")[...]
        ids = try file.int32s(of: "counts", shape: [200]).map { count in
            defer { rest = rest.dropFirst(Int(count)) }
            return Array(rest.prefix(Int(count)))
        }
        features = Matrix(rows: 200, columns: 384, values: try file.floats(of: "features", shape: [200, 384]))
    }
}

/// The folder of the default base model; tests that need it are skipped unless ATTUNE_TEST_BASE names it.
let baseFolder = ProcessInfo.processInfo.environment["ATTUNE_TEST_BASE"]

@Suite(.enabled(if: baseFolder != nil, "set ATTUNE_TEST_BASE to the folder of all-MiniLM-L6-v2"))
struct GoldenTests {
    @Test("the default base has the digest that the golden values were made with")
    func digest() throws {
        let base = try BaseFolder.open(try #require(baseFolder))
        #expect(base.files.map(\.name) == ["model.safetensors", "config.json", "tokenizer.json"])
        #expect(base.digest == "eea1adec1908f6f36c8329414a35be1f17330eba48df748aad5bafdb7a054a21")
    }

    @Test("token ids of the 200 texts equal the reference's, 512-token truncation included")
    func tokenIDs() throws {
        let golden = try Golden()
        let encoder = try TextEncoder(try BaseFolder.open(try #require(baseFolder)))
        #expect(golden.texts.count == 200)
        #expect(golden.ids.contains { $0.count == 512 })
        for (text, ids) in zip(golden.texts, golden.ids) {
            #expect(encoder.tokens(text) == ids, "\(text.prefix(60))")
        }
    }

    @Test("pooled features of the 200 texts have cosine 0.99999 or more with the reference's")
    func features() throws {
        BLASLibrary.useOneThread()
        let golden = try Golden()
        let encoder = try TextEncoder(try BaseFolder.open(try #require(baseFolder)))
        let features = try encoder.pooled(golden.texts)
        #expect(features.rows == 200 && features.columns == 384)
        var worst = (cosine: 1.0, text: 0)
        for row in 0..<200 {
            let own = features.row(row).map(Double.init)
            let reference = golden.features.row(row).map(Double.init)
            let cosine = zip(own, reference).reduce(0) { $0 + $1.0 * $1.1 }
            let lengths = own.reduce(0) { $0 + $1 * $1 } * reference.reduce(0) { $0 + $1 * $1 }
            if cosine / lengths.squareRoot() < worst.cosine { worst = (cosine / lengths.squareRoot(), row) }
            #expect(abs(own.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
        let largest = zip(features.values, golden.features.values).map { abs($0 - $1) }.max() ?? .infinity
        print("golden: smallest cosine 1 - \(1 - worst.cosine) (text \(worst.text)), largest difference \(largest)")
        #expect(worst.cosine >= 0.99999)
        #expect(largest < 1e-5)
    }
}
