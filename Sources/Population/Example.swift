public import Problem

/// One thing a user said yes or no to.
public struct Example: Sendable, Equatable {
    /// Which part of the user's time line an example belongs to, where the file says so.
    public enum Part: String, Sendable {
        /// Adapted on.
        case support
        /// Only scored.
        case query
    }

    /// The text, unless only ``item`` is given.
    public var text: String?
    /// An item of a catalogue by its external id, with or without ``text``.
    public var item: String?
    /// 1 for a positive (label 1, or a rating of at least 4), else 0.
    public var label: Float
    /// Seconds since 1970, or any number that orders the user's examples.
    public var timestamp: Int64?
    /// Support or query; nil where the file does not say.
    public var part: Part?

    /// Makes an example; it needs a text or an item.
    public init(
        text: String? = nil, item: String? = nil, label: Float, timestamp: Int64? = nil, part: Part? = nil
    ) {
        precondition(text != nil || item != nil, "an example needs a text or an item")
        self.text = text
        self.item = item
        self.label = label
        self.timestamp = timestamp
        self.part = part
    }
}

/// One user and the examples in the order of time.
public struct UserExamples: Sendable, Equatable {
    /// The user's id, unique within its tenant.
    public var user: String
    /// Oldest first.
    public var examples: [Example]

    /// Makes a user.
    public init(user: String, examples: [Example]) {
        self.user = user
        self.examples = examples
    }

    /// How many of the oldest examples are support: up to the first one marked query; where nothing is marked, all but
    /// the last 40 % (at least 8, if there are as many).
    public var supportCount: Int {
        if examples.contains(where: { $0.part != nil }) {
            return examples.firstIndex { $0.part == .query } ?? examples.count
        }
        return max(0, examples.count - max(8, examples.count * 2 / 5))
    }

    /// Refuses a user that nothing can be learned from.
    ///
    /// - Throws: `no_examples` or `one_class_examples`.
    public func check(at location: String) throws(Problem) {
        guard let first = examples.first else {
            throw Problem(
                "no_examples", at: location, "\(Problem.excerpt(user)) has no examples.",
                do: "add at least one with label 0 and one with label 1.")
        }
        guard examples.contains(where: { $0.label != first.label }) else {
            throw Problem(
                "one_class_examples", at: location,
                "all \(examples.count) examples of \(Problem.excerpt(user)) have label \(Int(first.label)).",
                do: "add at least one with label \(first.label == 0 ? 1 : 0).")
        }
    }
}
