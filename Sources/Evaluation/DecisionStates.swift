package import Adapters
package import Meta
package import Tensor

/// What a decision may do for a user, and what it sees of the user's support.
package struct DecisionStates {
    /// What an action serves: some of the head without data and some of the user's own. Where they add up to less than one,
    /// scores lie closer together: the order stays the user's own, and less is lost where it is wrong.
    package struct Move: Sendable, Equatable, Codable {
        /// Of the head without data.
        package var general: Float
        /// Of the head that the rule fits.
        package var own: Float
    }

    /// The actions; the first leaves the user as they are.
    package static let moves = [
        Move(general: 1, own: 0), Move(general: 0.75, own: 0.25), Move(general: 0.5, own: 0.375),
        Move(general: 0.5, own: 0.5), Move(general: 0.25, own: 0.25), Move(general: 0.25, own: 0.5),
        Move(general: 0, own: 0.5), Move(general: 0, own: 0.75), Move(general: 0, own: 1),
    ]
    /// Half the way.
    static let half = 3
    /// Half the way, shrunk.
    static let shrunk = 5
    /// Where a state holds the loss of half the way.
    static let halfLoss = SupportEvidence.halfLoss

    private let rule: PreconditionedRule
    private let withoutData: LinearHead

    package init(rule: PreconditionedRule, withoutData: LinearHead) {
        (self.rule, self.withoutData) = (rule, withoutData)
    }

    /// One user's support, adapted on under every action.
    package struct Adapted {
        /// What the support alone says: ``SupportEvidence/features``.
        package var state: [Double]
        /// One head an action, `[moves]`.
        package var heads: [LinearHead]
    }

    /// Adapts users under every action.
    package func adapted(_ supports: [UserSupport], features: Matrix) -> [Adapted] {
        let projected = rule.project(features, withoutData: withoutData)
        func heads(_ supports: [UserSupport]) -> [LinearHead] {
            adapt(
                PackedSupport(features: projected, users: supports), with: rule,
                settings: .unguarded(steps: rule.steps.count, width: rule.width), storing: .full(.float32)
            ).map { $0.delta?.applied(to: rule.start) ?? withoutData }
        }
        func logits(_ head: LinearHead, _ examples: UserSupport) -> [Float] {
            head.logits(of: OwnedExamples([examples], from: features, scale: 1).features)
        }
        let groups = supports.map { LeaveOutGuard.heldOut(labels: $0.labels) }
        let own = heads(supports)
        let withoutGroup = heads(zip(supports, groups).flatMap { user, groups in groups.map(user.leaving) })
        let halves = [0, 1].map { parity in
            heads(
                zip(supports, groups).map { user, groups in
                    user.leaving(stride(from: parity, to: groups.count, by: 2).flatMap { groups[$0] })
                })
        }
        var used = 0
        return supports.indices.map { user in
            let (support, held) = (supports[user], groups[user])
            let fitted = withoutGroup[used..<used + held.count]
            used += held.count
            let ways = halves.map { difference(to: $0[user]) }
            let lengths = ways.map { dot($0, $0) }
            let way = difference(to: own[user])
            let evidence = SupportEvidence(
                labels: support.labels, groups: held, general: logits(withoutData, support),
                own: logits(own[user], support),
                leftOut: zip(held, fitted).map { logits($1, support.taking($0)) }, length: dot(way, way).squareRoot(),
                agreement: dot(ways[0], ways[1]) / max(lengths[0] * lengths[1], 1e-12).squareRoot())
            return Adapted(
                state: evidence.features,
                heads: Self.moves.map { withoutData.mixed($0.general, with: $0.own, of: own[user]) })
        }
    }

    /// From the rule's start to a head.
    private func difference(to head: LinearHead) -> [Double] {
        zip(head.weights, rule.start.weights).map { Double($0) - Double($1) }
    }

    private func dot(_ one: [Double], _ other: [Double]) -> Double { zip(one, other).reduce(0) { $0 + $1.0 * $1.1 } }
}

extension UserSupport {
    /// Some of the examples.
    fileprivate func taking(_ examples: [Int]) -> UserSupport {
        UserSupport(rows: examples.map { rows[$0] }, labels: examples.map { labels[$0] })
    }

    /// All but some of the examples.
    fileprivate func leaving(_ examples: [Int]) -> UserSupport {
        taking(labels.indices.filter { !examples.contains($0) })
    }
}
