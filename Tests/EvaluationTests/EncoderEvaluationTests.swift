import Adapters
import Evaluation
import Foundation
import Meta
import Model
import Population
import Problem
import Recipe
import Tensor
import Testing

@Suite struct EncoderEvaluationTests {
    private static let base = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "AdaptersTests/Fixtures/tiny-bert")

    /// Users who like texts with one of two words.
    private func users(_ count: Int, examples: Int = 72) -> [UserExamples] {
        var random = RandomSource(seed: 3)
        return (0..<count).map { user in
            let likes = random.index(below: 2)
            return UserExamples(
                user: "user-\(user)",
                examples: (0..<examples).map { number in
                    let word = random.index(below: 2)
                    let rest = (0..<2).map { _ in ["the", "was", "of", "and"][random.index(below: 4)] }
                    return Example(
                        text: ([["cat", "sun"][word]] + rest).joined(separator: " "), label: word == likes ? 1 : 0,
                        part: number < 32 ? .support : .query)
                })
        }
    }

    @Test("every method is scored on the same users, another user's adapter is worse, and full depth may be left out")
    func evaluates() throws {
        let encoder = try TextEncoder(BaseFolder.open(Self.base.path))
        var sequences: [[Int32]] = []
        let people = try MetaPopulation(users(100), at: "generated") { texts in
            sequences = texts.map(encoder.tokens)
            return try encoder.pooled(texts)
        }
        let texts = EncoderTexts(encoder.transformer, sequences, cache: PrefixCache(byteLimit: 1 << 24))
        var outer = OuterSettings()
        (outer.folds, outer.maximumSteps, outer.stepsPerCheckpoint) = (2, 20, 10)
        let recipe = try MetaTrainer(people, outer: outer, at: "generated")
            .train(name: "test", baseDigest: encoder.digest) { _ in }
        let shape = encoder.configuration
        let plan = AdapterPlan(
            shape, [Site(.feedForward, block: shape.blocks - 1): Bottleneck.pfeiffer(width: 4)], head: .binary)
        var settings = EncoderOuterSettings()
        settings.usersPerStep = 16
        var areas: [[Float]: Double] = [:]
        for rates: [Float] in [[1e-3, 1e-2], [1e-3], [1e-2], []] {
            var fullDepth = EncoderEvaluation.FullDepth()
            (fullDepth.steps, fullDepth.learningRates) = (4, rates)
            let evaluation = try EncoderEvaluation(
                people, texts, outer: settings, fullDepth: fullDepth, threads: 2, at: "generated")
            let report = try evaluation.run(recipe, plan) { _ in }
            let methods = ["global_head", "pooled", "encoder", "swapped"] + (rates.isEmpty ? [] : ["full_depth"])
            for size in [4, 8, 16, 32] {
                #expect(Set(report.tables.methods.filter { $0.support == size }.map(\.method)) == Set(methods))
            }
            let own = try #require(report.figures["auc.encoder.s32"])
            let swapped = try #require(report.figures["auc.swapped.s32"])
            #expect(own > 0.8 && own > swapped + 0.2, "\(own), \(swapped)")
            areas[rates] = report.figures["auc.full_depth.s32"]
            for rival in rates.isEmpty ? ["pooled"] : ["pooled", "full_depth"] {
                let difference = try #require(report.figures["encoder.difference_to_\(rival).s32"])
                #expect(abs(difference - (own - (try #require(report.figures["auc.\(rival).s32"])))) < 1e-9)
                let (low, high) = (
                    try #require(report.figures["encoder.difference_to_\(rival).s32.low"]),
                    try #require(report.figures["encoder.difference_to_\(rival).s32.high"])
                )
                #expect(low <= difference && difference <= high)
            }
            #expect((report.figures["encoder.difference_to_full_depth.s32"] != nil) == !rates.isEmpty)
            #expect(report.tables.methods.filter { $0.method == "encoder" }.allSatisfy { ($0.usersPerSecond ?? 0) > 0 })
        }
        // The best of the rates that were tried.
        let (small, large) = (try #require(areas[[1e-3]]), try #require(areas[[1e-2]]))
        #expect(small != large && areas[[1e-3, 1e-2]] == max(small, large))
    }

    @Test("users that the protocol cannot score are refused in words")
    func refuses() throws {
        let encoder = try TextEncoder(BaseFolder.open(Self.base.path))
        let people = try MetaPopulation(users(8, examples: 20), at: "short") { try encoder.pooled($0) }
        let texts = EncoderTexts(
            encoder.transformer, (0..<people.features.rows).map { _ in [0, 1] }, cache: PrefixCache(byteLimit: 1 << 16))
        let problem = #expect(throws: Problem.self) {
            _ = try EncoderEvaluation(people, texts, outer: EncoderOuterSettings(), threads: 1, at: "short")
        }
        #expect(problem?.errorClass == "no_eligible_users")
    }
}
