import Foundation
package import Meta
import Problem
import Safetensors
package import Tensor

/// The files that meta-training on a cluster passes around, each a safetensors file that says what it is.
///
/// | format | tensors | metadata beside `format` |
/// |---|---|---|
/// | `attune-meta-features` | `features` F32 `[texts, width]` | |
/// | `attune-meta-parameters` | `values` F32 `[n]`, as ``MetaParameters`` lays them out; also a gradient | `width`, `steps`, `isotropic` |
package enum GradientFiles {
    private static let features = "attune-meta-features"
    private static let parameters = "attune-meta-parameters"

    /// Key of an object of a run: features by their digest, parameters by fold and digest, a gradient by its
    /// fence and digest.
    package static func key(prefix: String, run: Int64, name: String) -> String { "\(prefix)/meta-\(run)/\(name)" }

    /// The features of all texts that users of a population name.
    package static func encode(features matrix: Matrix) -> [UInt8] {
        var writer = SafetensorsWriter(metadata: ["format": features])
        writer.add("features", shape: [matrix.rows, matrix.columns], floats: matrix.values)
        return writer.encoded()
    }

    /// Reads features.
    ///
    /// - Throws: `gradient_file_malformed`, or what the safetensors reader refuses.
    package static func features(decoding bytes: [UInt8], at location: String) throws -> Matrix {
        let file = try open(bytes, features, location)
        let shape = try file.description(of: "features").shape
        guard shape.count == 2, shape[1] > 0 else {
            throw malformed(location, "features of shape \(Problem.excerpt("\(shape)")).")
        }
        return Matrix(rows: shape[0], columns: shape[1], values: try file.floats(of: "features"))
    }

    /// Parameters, or a gradient by them; every bit of them.
    package static func encode(_ values: MetaParameters) -> [UInt8] {
        var writer = SafetensorsWriter(metadata: [
            "format": parameters, "width": "\(values.width)", "steps": "\(values.steps)",
            "isotropic": "\(values.isIsotropic)",
        ])
        writer.add("values", shape: [values.values.count], floats: values.values)
        return writer.encoded()
    }

    /// Reads parameters or a gradient.
    ///
    /// - Throws: `gradient_file_malformed`, or what the safetensors reader refuses.
    package static func parameters(decoding bytes: [UInt8], at location: String) throws -> MetaParameters {
        let file = try open(bytes, parameters, location)
        guard let width = file.metadata["width"].flatMap({ Int($0) }), (1...1 << 14).contains(width),
            let steps = file.metadata["steps"].flatMap({ Int($0) }), (1...1000).contains(steps),
            let isIsotropic = file.metadata["isotropic"].flatMap({ Bool($0) })
        else { throw malformed(location, "it does not say of which shape its parameters are.") }
        let count = MetaParameters.count(width: width, steps: steps, isIsotropic: isIsotropic)
        let values = try file.floats(of: "values", shape: [count])
        var parameters = MetaParameters(width: width, steps: steps, isIsotropic: isIsotropic)
        parameters.values = values
        return parameters
    }

    static func open(_ bytes: [UInt8], _ format: String, _ location: String) throws -> SafetensorsFile {
        let file = try SafetensorsFile(bytes, name: location)
        guard file.metadata["format"] == format else {
            let stated = Problem.excerpt(file.metadata["format"] ?? "nothing")
            throw malformed(location, "it says that it is \(stated), expected was \(format).")
        }
        return file
    }

    static func malformed(_ location: String, _ reason: String) -> Problem {
        Problem("gradient_file_malformed", at: location, reason, do: "start the meta-training again with --resume.")
    }
}
