import Meta
import Recipe
import Tensor

extension FuzzTarget {
    /// What a job of meta-training asks for: written and read again, and computed over four texts of three features.
    static let gradientRequest = FuzzTarget("gradient-request") { bytes in
        let request = try GradientRequest(decoding: bytes, at: "fuzzed")
        promise(again { try GradientRequest(decoding: request.encode(), at: "copy") } == request)
        let texts = Matrix(rows: 4, columns: 3, values: (0..<12).map { Float($0 % 5) - 2 })
        let parameters = MetaParameters(width: 3, steps: 1, isIsotropic: false)
        let gradient = try request.gradient(parameters, features: texts, at: "fuzzed")
        promise(gradient.values.count == parameters.values.count)
        let copy = again { try GradientFiles.parameters(decoding: GradientFiles.encode(gradient), at: "copy") }
        promise(copy.values.map(\.bitPattern) == gradient.values.map(\.bitPattern))
    }
}
