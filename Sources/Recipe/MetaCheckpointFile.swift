import Foundation
import Meta
import Problem
import Safetensors
import Tensor

/// A checkpoint as one safetensors file; the same checkpoint gives the same bytes.
///
/// | tensor | type and shape | meaning |
/// |---|---|---|
/// | `start.fold.best` | F32 `[n]` | the parameters of the fold's best checkpoint, as ``MetaParameters`` lays them out |
/// | `start.fold.parameters` | F32 `[n]` | its parameters now |
/// | `start.fold.first`, `start.fold.second` | F32 `[n]` | the optimiser's moments |
///
/// `start` and `fold` are numbers from 0. A fold that has ended has only `best`, one not begun nothing. Metadata: `format`
/// (`attune-checkpoint`), `version` (a reader refuses one greater than 1), `origin` and `folds` (JSON), `starts` (folds of each), and on a cluster `run`.
extension MetaCheckpoint {
    private static let format = "attune-checkpoint"
    private static let newestVersion = 1
    /// What the file says of a fold beside its tensors. Losses are told by their bits: one may be infinite.
    private struct Fold: Codable {
        var start: Int
        var fold: Int
        var width: Int
        var innerSteps: Int
        var isIsotropic: Bool
        var bestLossBits: UInt64
        var bestStep: Int
        var step: Int?
        var optimizerSteps: Int?
        var random: UInt64?
    }

    /// The bytes of the file.
    package func encode() throws -> [UInt8] {
        var folds: [Fold] = []
        for (start, states) in starts.enumerated() {
            for (fold, state) in states.enumerated() {
                guard let state else { continue }
                let parameters = state.best.parameters
                folds.append(
                    Fold(
                        start: start, fold: fold, width: parameters.width, innerSteps: parameters.steps,
                        isIsotropic: parameters.isIsotropic, bestLossBits: state.best.loss.bitPattern,
                        bestStep: state.best.step, step: state.running?.step,
                        optimizerSteps: state.running?.optimizer.steps, random: state.running?.random.state))
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = [
            "format": Self.format, "version": "1",
            "origin": String(decoding: try encoder.encode(origin), as: UTF8.self),
            "folds": String(decoding: try encoder.encode(folds), as: UTF8.self),
            "starts": starts.map { String($0.count) }.joined(separator: " "),
        ]
        metadata["run"] = run.map { String($0) }
        var writer = SafetensorsWriter(metadata: metadata)
        for fold in folds {
            guard let state = starts[fold.start][fold.fold] else { continue }
            func add(_ name: String, _ values: [Float]) {
                writer.add("\(fold.start).\(fold.fold).\(name)", shape: [values.count], floats: values)
            }
            add("best", state.best.parameters.values)
            guard let running = state.running else { continue }
            add("parameters", running.parameters.values)
            add("first", running.optimizer.first)
            add("second", running.optimizer.second)
        }
        return writer.encoded()
    }

    /// Reads and checks a file.
    ///
    /// - Parameters:
    ///   - bytes: all of it.
    ///   - location: the file, for errors.
    /// - Throws: `checkpoint_newer`, `checkpoint_malformed`, or what the safetensors reader refuses.
    package init(decoding bytes: [UInt8], at location: String) throws {
        let file = try SafetensorsFile(bytes, name: location)
        guard file.metadata["format"] == Self.format, let version = file.metadata["version"].flatMap({ Int($0) }) else {
            throw Self.malformed(location, "it is a safetensors file but no checkpoint.")
        }
        guard version <= Self.newestVersion else {
            throw Problem(
                "checkpoint_newer", at: location, "checkpoint format \(version), this attune reads up to 1.",
                do: "go on with the attune that wrote it.")
        }
        let folds: [Fold]
        do {
            let decoder = JSONDecoder()
            origin = try decoder.decode([String: String].self, from: Data((file.metadata["origin"] ?? "").utf8))
            folds = try decoder.decode([Fold].self, from: Data((file.metadata["folds"] ?? "").utf8))
        } catch {
            throw Self.malformed(location, "its metadata does not read: \(Problem.excerpt("\(error)", limit: 400)).")
        }
        let counts = (file.metadata["starts"] ?? "").split(separator: " ").map { Int($0) ?? -1 }
        guard counts.count <= 8, counts.allSatisfy({ (0...1000).contains($0) }) else {
            throw Self.malformed(location, "it does not say how many folds it has.")
        }
        starts = counts.map { [FoldState?](repeating: nil, count: $0) }
        run = file.metadata["run"].flatMap { Int64($0) }
        for fold in folds {
            guard starts.indices.contains(fold.start), starts[fold.start].indices.contains(fold.fold) else {
                throw Self.malformed(location, "it has a fold \(fold.fold) of start \(fold.start).")
            }
            starts[fold.start][fold.fold] = try Self.state(of: fold, in: file)
        }
    }

    private static func state(of fold: Fold, in file: SafetensorsFile) throws -> FoldState {
        guard (1...1 << 14).contains(fold.width), (1...1000).contains(fold.innerSteps) else {
            throw malformed(file.name, "a rule of \(fold.width) features and \(fold.innerSteps) steps.")
        }
        let count = MetaParameters.count(width: fold.width, steps: fold.innerSteps, isIsotropic: fold.isIsotropic)
        func values(_ name: String) throws -> [Float] {
            try file.floats(of: "\(fold.start).\(fold.fold).\(name)", shape: [count])
        }
        // Looked for in the file before room is made for so many.
        let bestValues = try values("best")
        var parameters = MetaParameters(width: fold.width, steps: fold.innerSteps, isIsotropic: fold.isIsotropic)
        parameters.values = bestValues
        let best = FoldState.Best(
            loss: Double(bitPattern: fold.bestLossBits), step: fold.bestStep, parameters: parameters)
        guard let step = fold.step else { return FoldState(best: best, running: nil) }
        guard let taken = fold.optimizerSteps, let random = fold.random, step >= 0, taken >= 0 else {
            throw malformed(file.name, "a fold under way does not say where it stands.")
        }
        parameters.values = try values("parameters")
        return FoldState(
            best: best,
            running: .init(
                step: step, parameters: parameters,
                optimizer: AdamW(first: try values("first"), second: try values("second"), steps: taken),
                random: RandomSource(seed: random)))
    }

    private static func malformed(_ location: String, _ reason: String) -> Problem {
        Problem("checkpoint_malformed", at: location, reason, do: "begin anew without --resume.")
    }
}
