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
    @Test("every method is scored on the same users, another user's adapter is worse, and full depth may be left out")
    func evaluates() throws {
        let world = try EncoderWorld()
        let (encoder, people, texts) = (world.encoder, world.people, world.texts)
        let recipe = try world.recipe()
        let shape = encoder.configuration
        let plan = AdapterPlan(
            shape, [Site(.feedForward, block: shape.blocks - 1): Bottleneck.pfeiffer(width: 4)], head: .binary)
        var settings = EncoderOuterSettings()
        (settings.usersPerStep, settings.learnedFolds) = (16, 1)
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

    @Test("of sparse deltas the size is measured beside LoRA at the same site: what is stored less costs no more")
    func sizes() throws {
        let world = try EncoderWorld()
        let recipe = try world.recipe()
        var settings = EncoderOuterSettings()
        (settings.usersPerStep, settings.entryBudget, settings.learnedFolds) = (16, 16, 1)
        var fullDepth = EncoderEvaluation.FullDepth()
        fullDepth.learningRates = []
        let evaluation = try EncoderEvaluation(
            world.people, world.texts, outer: settings, fullDepth: fullDepth, threads: 2, at: "generated")
        let report = try evaluation.run(recipe, world.sparse(recipe).plan) { _ in }
        let width = world.encoder.configuration.width
        let rows = report.tables.sizes
        #expect(rows.count == 7 * 4 && rows.allSatisfy { $0.entries == 64 })
        // A header of 16 bytes, a mask of 64 entries, 16 entries and the head in a byte each.
        let bytes = Double(16 + 8 + 16 + width)
        #expect(rows[0].bytes == bytes && rows[0].kept == 16)
        #expect(report.figures["size.encoder.bytes_per_user"] == bytes)
        let lora = Double(2 * (8 * 2 * width + width + 1))
        #expect(report.figures["size.encoder.lora8_f16_bytes"] == lora)
        #expect(report.figures["size.encoder.ratio_to_lora8_f16"] == lora / bytes)
        let all = try #require(rows.first { $0.kept == 64 && $0.entryBits == 4 && $0.support == 32 })
        #expect(all.bytes == Double(16 + 32 + width))
        let none = try #require(rows.first { $0.kept == 0 && $0.headBits == 4 })
        #expect(none.bytes == Double(16 + 1 + width / 2))
        #expect(rows.allSatisfy { $0.loss.low <= $0.loss.mean && $0.loss.mean <= $0.loss.high })
        let own = try #require(report.figures["auc.encoder.s32"])
        let stored = try #require(rows.first { $0.support == 32 })
        #expect(abs(stored.areaUnderCurve.mean - own) < 0.02)
        for size in [4, 8, 16, 32] { #expect(report.figures["size.encoder.loss_upper.s\(size)"] != nil) }
    }

    @Test("users that the protocol cannot score are refused in words")
    func refuses() throws {
        let world = try EncoderWorld(users: 8, examples: 20)
        let problem = #expect(throws: Problem.self) {
            _ = try EncoderEvaluation(
                world.people, world.texts, outer: EncoderOuterSettings(), threads: 1, at: "short")
        }
        #expect(problem?.errorClass == "no_eligible_users")
    }
}
