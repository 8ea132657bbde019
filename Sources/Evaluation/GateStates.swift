import Adapters
import Foundation
import Meta
import Tensor

/// What a row gate sees of a user: features of the support alone, each of mean 0 and deviation 1 over meta-train users.
///
/// They are taken from adapting ungated: the logarithm of the support's size, the share of positives, how far the head has moved,
/// and of each group the logarithm of how far its entries have.
struct GateStates: Sendable {
    private let rule: EncoderRule
    private let groups: EntryGroups
    private var means: [Double] = []
    private var deviations: [Double] = []

    /// Number of features.
    var count: Int { groups.count + 3 }

    /// Takes means and deviations over some supports.
    init(_ rule: EncoderRule, _ groups: EntryGroups, over supports: [UserSupport], _ lanes: [EncoderAdaptation]) {
        (self.rule, self.groups) = (rule, groups)
        (means, deviations) = ([Double](repeating: 0, count: count), [Double](repeating: 1, count: count))
        let raw = states(of: supports, lanes)
        guard !raw.isEmpty else { return }
        let total = Double(raw.count)
        let (own, columns) = (raw, 0..<count)
        means = columns.map { column in own.reduce(0) { $0 + $1[column] } / total }
        deviations = columns.map { [means] column in
            let squares = own.reduce(0) { $0 + ($1[column] - means[column]) * ($1[column] - means[column]) }
            // A feature that does not vary says nothing.
            return max((squares / total).squareRoot(), 1e-6)
        }
    }

    /// `[supports][count]`.
    func states(of supports: [UserSupport], _ lanes: [EncoderAdaptation]) -> [[Double]] {
        inParallel(supports, lanes) { [self] support, adaptation in
            adaptation.adapt(to: support, with: rule)
            return state(of: support, adaptation)
        }
    }

    /// The state of a support that was adapted to last, ungated.
    func state(of support: UserSupport, _ adaptation: EncoderAdaptation) -> [Double] {
        let positives = support.labels.reduce(0) { $0 + Double($1) } / Double(max(support.count, 1))
        let head = adaptation.movedHead(from: rule).reduce(0) { $0 + $1 * $1 }.squareRoot()
        let norms = groups.norms(of: adaptation.movedEntries(from: rule))
        let raw = [log(Double(max(support.count, 1))), positives] + ([head] + norms).map { log(Double($0) + 1e-9) }
        return raw.indices.map { (raw[$0] - means[$0]) / deviations[$0] }
    }
}
