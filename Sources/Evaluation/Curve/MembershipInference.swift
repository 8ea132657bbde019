package import Adapters
package import Meta

/// How well an attacker tells the examples that a user was adapted on from others of the same user, by how much better than
/// before the adapted head does on them.
package enum MembershipInference {
    /// Each user's area under the curve of telling support from query by `loss before - loss after`: .5 tells nothing. From .6 on it is a
    /// finding to publish (ALGORITHMS 8; the attack is that of Yeom et al. 2018, calibrated by the head without the user).
    ///
    /// - Parameters:
    ///   - heads: adapted, one a user.
    ///   - general: the head without the user.
    /// - Returns: one number a user; nil where support or query is empty.
    package static func areas(
        _ population: MetaPopulation, heads: [LinearHead], general: LinearHead, support size: Int
    ) -> [Double?] {
        let members = population.swappingQuery { $0.support(size) }
        let others = population
        func gains(_ asked: MetaPopulation) -> [[Float]] {
            let before = asked.scores(under: heads.map { _ in general })
            let after = asked.scores(under: heads)
            return zip(before, after).map { before, after in zip(before.losses, after.losses).map { $0 - $1 } }
        }
        return zip(gains(members), gains(others)).map { inside, outside in
            ScoredQuery(
                logits: inside + outside, labels: inside.map { _ in 1 } + outside.map { _ in 0 }
            ).areaUnderCurve
        }
    }
}

extension MetaPopulation {
    /// The same users whose scored examples are others of theirs; nothing is left to adapt on.
    fileprivate func swappingQuery(_ query: (MetaUser) -> UserSupport) -> MetaPopulation {
        MetaPopulation(
            features: features,
            users: users.map { user in
                let examples = query(user)
                return MetaUser(id: user.id, rows: examples.rows, labels: examples.labels, supportCount: 0)
            })
    }
}
