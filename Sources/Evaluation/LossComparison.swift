import Foundation
package import Meta

/// One user's query losses under a head against those under another, item by item.
package struct LossComparison {
    /// Mean of the differences, nats; positive is worse.
    package let mean: Double
    /// Student's t of that mean over the items; 0 when nothing differs.
    package let t: Double

    package init(_ adapted: ScoredQuery, against baseline: ScoredQuery) {
        let differences = zip(adapted.losses, baseline.losses).map { Double($0) - Double($1) }
        let count = Double(differences.count)
        let mean = count > 0 ? differences.reduce(0, +) / count : 0
        self.mean = mean
        guard count > 1 else {
            t = 0
            return
        }
        let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        t = variance > 0 ? mean / (variance / count).squareRoot() : 0
    }

    /// How likely as many other items would show significant harm, were the effect the one that these show: `Φ(t - 1.645)`. Whether
    /// these show it is a coin's throw for most users; a policy learned from that learns the throws.
    package var harmChance: Double { t == 0 ? 0 : 0.5 * erfc((Self.significantT - t) / 2.0.squareRoot()) }

    /// One-sided, at the 5 % level of the normal approximation.
    static let significantT = 1.645
    /// What a user would notice, nats.
    static let materialLoss = 0.02
}
