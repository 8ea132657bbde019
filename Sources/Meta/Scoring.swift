public import Adapters
import Foundation
public import Gate
import Tensor

/// One user's scored examples.
public struct ScoredQuery: Sendable {
    /// One logit an example.
    public let logits: [Float]
    /// 1 or 0, one an example.
    public let labels: [Float]

    /// Pairs logits with labels.
    public init(logits: [Float], labels: [Float]) {
        precondition(logits.count == labels.count, "\(logits.count) logits and \(labels.count) labels")
        self.logits = logits
        self.labels = labels
    }

    /// The chance that a positive is ranked above a negative, ties counting half (Mann and Whitney 1947); nil with one
    /// class only.
    public var areaUnderCurve: Double? {
        let order = logits.indices.sorted { logits[$0] < logits[$1] }
        let positives = Double(labels.count { $0 > 0.5 })
        let negatives = Double(labels.count) - positives
        guard positives > 0, negatives > 0 else { return nil }
        var rankSum = 0.0
        var first = 0
        while first < order.count {
            var last = first
            while last + 1 < order.count, logits[order[last + 1]] == logits[order[first]] { last += 1 }
            let midrank = Double(first + last) / 2 + 1
            rankSum += midrank * Double(order[first...last].count { labels[$0] > 0.5 })
            first = last + 1
        }
        return (rankSum - positives * (positives + 1) / 2) / (positives * negatives)
    }

    /// The log loss of each example, nats.
    public var losses: [Float] { zip(logits, labels).map { logLoss(logit: $0, label: $1) } }

    /// The mean of ``losses``; 0 without examples.
    public var meanLoss: Double {
        guard !logits.isEmpty else { return 0 }
        return losses.reduce(0) { $0 + Double($1) } / Double(logits.count)
    }
}

extension MetaPopulation {
    /// Scores every user's query by a head of their own.
    ///
    /// - Parameter heads: one a user, in order.
    public func scores(under heads: [LinearHead]) -> [ScoredQuery] {
        zip(users, heads).map { user, head in
            let query = user.query
            var rows = Matrix(rows: query.count, columns: features.columns)
            for (index, row) in query.rows.enumerated() {
                rows.values.replaceSubrange(
                    index * features.columns..<(index + 1) * features.columns, with: features.row(Int(row)))
            }
            return ScoredQuery(logits: head.logits(of: rows), labels: query.labels)
        }
    }

    /// The users' heads after adapting on their last `size` support examples; `unadapted` where nothing is published.
    public func heads(
        under rule: PreconditionedRule, settings: AdaptationSettings, support size: Int, unadapted: LinearHead,
        projected: ProjectedFeatures? = nil, storing form: DeltaForm = .rows(MagnitudeGate())
    ) -> [LinearHead] {
        let batch = PackedSupport(
            features: projected ?? rule.project(features, withoutData: unadapted),
            users: users.map { $0.support(size) })
        let start = rule.publishedStart(withoutData: unadapted, share: settings.scale)
        return adapt(batch, with: rule, settings: settings, storing: form).map {
            $0.delta?.applied(to: start) ?? unadapted
        }
    }
}

/// The mean over users of a number that some have; nil when none has.
public func meanOverUsers(_ values: [Double?]) -> Double? {
    let present = values.compactMap { $0 }
    return present.isEmpty ? nil : present.reduce(0, +) / Double(present.count)
}
