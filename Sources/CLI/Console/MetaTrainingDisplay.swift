import Adapters
import ClusterTraining
import Foundation
import Meta
import Recipe

/// Meta-training as it goes, and its figures by step and support size.
final class MetaTrainingDisplay {
    private let progress = ProgressLine("train")
    private let started = ContinuousClock.now
    /// Who computes the gradients, where that is the cluster.
    var cluster: ClusterGradients?
    /// Thousandths of folds that are done, of folds that are under way at once.
    private var done = 0

    func show(_ event: MetaTrainingProgress) {
        switch event {
        case .globalHead(let penalty, let logLoss):
            Terminal.note("head       penalty \(penalty), held-out log loss \(Figures.score(logLoss, 4))")
        case .learning(let step):
            progress.show(
                cluster == nil ? step.fold * 1000 + min(999, step.step) : done, of: step.folds * 1000,
                "fold \(step.fold + 1) of \(step.folds), step \(step.step), loss \(Figures.score(step.loss, 4)), "
                    + "best \(Figures.score(step.bestLoss, 4))\(workers)")
        case .basis(let directions, let precision):
            Terminal.note("basis      \(directions) directions, coefficients in \(precision.rawValue)")
        case .items(0, _):
            Terminal.note("items      held-out users are served no better with what users did with texts: left out")
        case .items(let texts, let scale):
            Terminal.note("items      vectors of \(texts) texts at scale \(scale)")
        case .encoder(let site, let entries, let kept):
            Terminal.note("encoder    \(entries) entries at \(site), of which a user keeps \(kept)")
        case .checkpoint(let checkpoint): done = checkpoint.endedFolds * 1000 + checkpoint.openSteps
        case .validated: break
        }
    }

    /// What the cluster does, once it does something.
    private var workers: String {
        guard let status = cluster?.status, status.steps > 0 else { return "" }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        return ", \(status.workers.count) worker\(status.workers.count == 1 ? "" : "s"), "
            + "\(Figures.score(Double(status.steps) / seconds, 1)) steps/s"
    }

    /// Area under the curve on the validation users: a row a number of steps, a column a support size.
    func table(_ figures: ValidationFigures) -> [String] {
        guard figures.users > 0 else { return ["no validation user has enough examples to be scored."] }
        let sizes = Set(figures.rows.map(\.support)).sorted()
        var table = TextTable(.init(title: "step", alignment: .right))
        table.columns += sizes.map { .init(title: "S=\($0)", alignment: .right) }
        for steps in Set(figures.rows.map(\.steps)).sorted() {
            let cells = sizes.map { size in
                figures.rows.first { $0.steps == steps && $0.support == size }
                    .map { Figures.score($0.areaUnderCurve, 3) } ?? "–"
            }
            table.rows.append([String(steps)] + cells)
        }
        return table.lines(width: Terminal.width) + [
            "area under the curve, mean over \(figures.users) validation users"
        ]
    }
}
