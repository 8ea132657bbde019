/// Judges the rule on one user's support: each example is scored by a head that was fitted without it (I9).
///
/// Leaving one example of a balanced support out tilts the rest against its class, so the score is biased against
/// adapting (measured: two thirds rejected at four examples). Where both classes are present examples are therefore
/// left out in pairs of a positive and a negative; the rarer class takes part in several pairs.
package struct LeaveOutGuard {
    let loop: InnerLoop
    /// How far from the head without data towards the fitted one the published head would be.
    let share: Float

    func losses() -> LeaveOutLosses {
        var start: Float = 0
        var adapted: Float = 0
        let held = Self.heldOut(labels: loop.labels)
        // Who begins at a copy has something to lose; others would be served by the head without data.
        let before = loop.warm == nil ? loop.generalLogits : loop.logits(of: loop.initial, share: share)
        for group in held {
            let state = loop.fit(excluding: group)
            for example in group {
                let weight = 1 / Float(group.count * held.count)
                let label = loop.labels[example]
                start += weight * logLoss(logit: before[example], label: label)
                adapted += weight * logLoss(logit: loop.logit(of: example, under: state, share: share), label: label)
            }
        }
        return LeaveOutLosses(start: start, adapted: adapted)
    }

    /// The groups left out together: the i-th positive with the i-th negative, the shorter list starting over; single
    /// examples when there is one class only.
    package static func heldOut(labels: [Float]) -> [[Int]] {
        let positives = labels.indices.filter { labels[$0] > 0.5 }
        let negatives = labels.indices.filter { labels[$0] <= 0.5 }
        guard !positives.isEmpty, !negatives.isEmpty else { return labels.indices.map { [$0] } }
        return (0..<max(positives.count, negatives.count)).map {
            [positives[$0 % positives.count], negatives[$0 % negatives.count]]
        }
    }
}
