import Meta
package import Problem
import Safetensors
import Tensor

/// Where meta-training stands at a checkpoint of its outer loop: what goes on from it makes the same recipe, bit for bit, as if
/// nothing had come in between.
///
/// Heads and penalties before the loop and the basis after it are computed again.
public struct MetaCheckpoint: Sendable, Equatable {
    /// What the training is made from, by name; another training refuses the checkpoint, naming the first that differs.
    let origin: [String: String]
    /// By start that rules are learned from, a state a fold; nil: not begun.
    var starts: [[FoldState?]] = []
    /// The run on a cluster that it belongs to, if any.
    package var run: Int64?

    init(origin: [String: String]) { self.origin = origin }

    func states(ofStart index: Int) -> [FoldState?] { index < starts.count ? starts[index] : [] }

    mutating func set(_ states: [FoldState?], ofStart index: Int) {
        while starts.count <= index { starts.append([]) }
        starts[index] = states
    }

    /// Outer steps taken by all folds together, of those that have not ended.
    package var openSteps: Int { starts.joined().reduce(0) { $0 + ($1?.running?.step ?? 0) } }
    /// Folds that have ended.
    package var endedFolds: Int { starts.joined().count { $0 != nil && $0?.running == nil } }
}

extension MetaTrainer {
    /// Goes on from a checkpoint of a training of the same users, base, settings and seed.
    ///
    /// - Throws: `checkpoint_mismatch`, with what differs.
    package func resuming(
        _ checkpoint: MetaCheckpoint, baseDigest: String, at location: String
    ) throws(Problem) -> MetaTrainer {
        let own = origin(baseDigest: baseDigest)
        for name in Set(own.keys).union(checkpoint.origin.keys).sorted() where own[name] != checkpoint.origin[name] {
            let (then, now) = (checkpoint.origin[name] ?? "not known", own[name] ?? "not known")
            throw Problem(
                "checkpoint_mismatch", at: location,
                "it is of another training: \(Problem.excerpt(name)) was \(Problem.excerpt(then)), now it is "
                    + "\(Problem.excerpt(now)).",
                do: "train with what it was made from, or begin anew without --resume.")
        }
        var trainer = self
        trainer.resumed = checkpoint
        return trainer
    }

    /// The checkpoint that training begins with.
    func checkpoint(baseDigest: String) -> MetaCheckpoint {
        resumed ?? MetaCheckpoint(origin: origin(baseDigest: baseDigest))
    }

    private func origin(baseDigest: String) -> [String: String] {
        var origin = ["the base": baseDigest, "the digest of users and texts": populationDigest()]
        for (group, settings) in [("", outer as Any), ("basis ", basis as Any)] {
            for (name, value) in Mirror(reflecting: settings).children {
                origin["\(group)\(name ?? "setting")"] = "\(value)"
            }
        }
        return origin
    }

    /// SHA-256 over the features and the users, in hex.
    private func populationDigest() -> String {
        var writer = SafetensorsWriter()
        writer.add(
            "features", shape: [training.features.rows, training.features.columns], floats: training.features.values)
        for (name, users) in [("training", training.users), ("validation", validation.users)] {
            writer.add("\(name).rows", shape: [users.reduce(0) { $0 + $1.rows.count }], int32s: users.flatMap(\.rows))
            let labels = users.flatMap(\.labels)
            writer.add("\(name).labels", shape: [labels.count], floats: labels)
            let names = users.flatMap { Array("\($0.id)\u{0}\($0.rows.count) \($0.supportCount)\u{0}".utf8) }
            writer.add("\(name).users", shape: [names.count], uint8s: names)
        }
        return Recipe.digest(of: writer.encoded())
    }
}
