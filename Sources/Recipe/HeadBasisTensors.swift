import Adapters
import Problem
import Safetensors
import Tensor

/// How a basis lies in a recipe's file; see the table of ``Recipe``.
extension HeadBasis {
    private enum Name {
        static let directions = "basis.directions"
        static let projector = "basis.projector"
        static let mean = "basis.mean_feature"
    }

    func write(to writer: inout SafetensorsWriter) {
        writer.add(Name.directions, shape: [count, width], floats: directions.values)
        writer.add(Name.projector, shape: [count, width], floats: projector.values)
        writer.add(Name.mean, shape: [width], floats: meanFeature)
    }

    /// Reads and checks the basis of a recipe of so many features; nil where it has none.
    init?(reading file: SafetensorsFile, width: Int) throws {
        guard let stated = file.metadata["coefficients"] else {
            guard !file.contains(Name.directions) else {
                throw Recipe.malformed(file.name, "it has a basis and does not say how coefficients are rounded.")
            }
            return nil
        }
        guard let precision = CoefficientPrecision(rawValue: stated) else {
            throw Problem(
                "recipe_newer", at: file.name, "coefficients are stored as \(Problem.excerpt(stated)).",
                do: "install a newer attune.")
        }
        let shape = try file.description(of: Name.directions).shape
        guard shape.count == 2, shape[1] == width, (1...Self.largestCount).contains(shape[0]) else {
            throw Recipe.malformed(
                file.name,
                "the basis has shape \(Problem.excerpt("\(shape)")), 1 to \(Self.largestCount) directions of \(width) are "
                    + "possible.")
        }
        func matrix(_ name: String) throws -> Matrix {
            Matrix(rows: shape[0], columns: width, values: try file.floats(of: name, shape: shape))
        }
        let (directions, projector) = (try matrix(Name.directions), try matrix(Name.projector))
        let mean = try file.floats(of: Name.mean, shape: [width])
        guard (directions.values + projector.values + mean).allSatisfy({ $0.isFinite }) else {
            throw Recipe.malformed(file.name, "the basis has a number that is not finite.")
        }
        self.init(directions: directions, projector: projector, meanFeature: mean, precision: precision)
    }
}
