public import Problem
import Tensor

/// One user's support set: rows of the pack's shared features, oldest first, and a label each.
public struct UserSupport: Sendable, Equatable {
    /// Rows of ``PackedSupport/features``; several users may name the same row.
    public let rows: [Int32]
    /// 1 for a positive, 0 for a negative, one a row.
    public let labels: [Float]

    /// Pairs rows with labels.
    public init(rows: [Int32], labels: [Float]) {
        precondition(rows.count == labels.count, "\(rows.count) rows and \(labels.count) labels")
        self.rows = rows
        self.labels = labels
    }

    /// Number of examples.
    public var count: Int { rows.count }

    /// Refuses labels that adaptation cannot learn from, naming where they came from.
    ///
    /// - Throws: `no_examples`, `non_finite_label`, `label_out_of_range` or `one_class_examples`.
    public static func check(labels: [Float], at location: String) throws(Problem) {
        guard let first = labels.first else {
            throw Problem("no_examples", at: location, "there are no examples.", do: "record some, then enqueue again.")
        }
        for (index, label) in labels.enumerated() {
            guard label.isFinite else {
                throw Problem(
                    "non_finite_label", at: location, "the label of example \(index + 1) is \(label).",
                    do: "record it again with a label of 0 or 1.")
            }
            guard label == 0 || label == 1 else {
                throw Problem(
                    "label_out_of_range", at: location, "the label of example \(index + 1) is \(label), not 0 or 1.",
                    do: "record it again with a label of 0 or 1.")
            }
        }
        guard labels.contains(where: { $0 != first }) else {
            throw Problem(
                "one_class_examples", at: location, "all \(labels.count) examples have label \(Int(first)).",
                do: "add at least one with label \(first == 0 ? 1 : 0).")
        }
    }
}

/// Users adapted together: the projected features of every text that any of them has, once, and their supports.
public struct PackedSupport: Sendable {
    /// One row a distinct text.
    public let features: ProjectedFeatures
    /// The users, in the order of the results.
    public let users: [UserSupport]

    /// Packs users over shared features; every row they name exists.
    public init(features: ProjectedFeatures, users: [UserSupport]) {
        let texts = features.rows.rows
        precondition(
            users.allSatisfy { $0.rows.allSatisfy { $0 >= 0 && Int($0) < texts } }, "a row outside 0..<\(texts)")
        self.features = features
        self.users = users
    }
}
