import FoundationEssentials
import Problem
import Safetensors
import Tensor

/// Another revision of a base: the same model with a little noise on every weight, as a stand-in for a retrained one.
///
/// Texts that are near each other stay so, while every feature moves: recipes and adapters of the one are wrong for the
/// other.
public struct PerturbedBase: Sendable {
    /// Standard deviation of the noise, as a share of each weight.
    public var scale: Float
    /// Seed of the noise; the same one gives the same base.
    public var seed: UInt64

    /// States what to write.
    public init(scale: Float = 0.02, seed: UInt64 = 1) {
        self.scale = scale
        self.seed = seed
    }

    /// Copies a base's folder, made if need be, with noise on the weights.
    ///
    /// - Throws: `file_unreadable`, `file_unwritable`, and what the safetensors reader refuses.
    public func write(from folder: String, to target: String) throws {
        let files = FileManager.default
        do {
            try files.createDirectory(atPath: target, withIntermediateDirectories: true)
            for name in try files.contentsOfDirectory(atPath: folder) where name != "model.safetensors" {
                let copy = "\(target)/\(name)"
                if files.fileExists(atPath: copy) { try files.removeItem(atPath: copy) }
                try files.copyItem(atPath: "\(folder)/\(name)", toPath: copy)
            }
            let bytes = try noisy(SafetensorsFile(path: "\(folder)/model.safetensors"))
            try Data(bytes).write(to: URL(filePath: "\(target)/model.safetensors"))
        } catch let error as CocoaError {
            throw Problem(
                "file_unwritable", at: target, "\(error.code.rawValue) while copying \(folder).",
                do: "check both folders, their owners and free space.")
        }
    }

    private func noisy(_ file: SafetensorsFile) throws -> [UInt8] {
        var random = RandomSource(seed: seed)
        var writer = SafetensorsWriter(metadata: file.metadata)
        for tensor in file.tensors {
            guard tensor.elementType == .float32 else {
                writer.add(
                    tensor.name, type: tensor.elementType, shape: tensor.shape, bytes: try file.bytes(of: tensor.name))
                continue
            }
            var values = try file.floats(of: tensor.name)
            // A uniform draw on (-√3, √3) has a standard deviation of 1.
            for index in values.indices {
                values[index] *= 1 + scale * Float(random.uniform() * 2 - 1) * 1.732_050_8
            }
            writer.add(tensor.name, shape: tensor.shape, floats: values)
        }
        return writer.encoded()
    }
}
