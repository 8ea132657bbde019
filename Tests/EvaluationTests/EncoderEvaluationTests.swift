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

    @Test("kinds inside the encoder stand beside the heads by their bytes, and fewer bits cost no less")
    func storedForms() throws {
        let world = try EncoderWorld()
        let recipe = try world.recipe()
        var outer = EncoderOuterSettings()
        (outer.usersPerStep, outer.learnedFolds, outer.maximumSteps) = (16, 1, 40)
        var told: Set<String> = []
        let forms = try EncoderForms(world.people, world.texts, outer: outer, threads: 2)
            .run(from: recipe.rule, sparse: world.sparse(recipe).plan, kept: 16) { name, _ in told.insert(name) }
        let kinds = ["lora1", "lora2", "lora4", "lora8", "bottleneck4", "bottleneck16"]
        #expect(told == Set(kinds + ["sparse"]))
        let precisions = ["f16", "int8", "int4"]
        #expect(
            forms.map(\.name)
                == kinds.flatMap { kind in precisions.map { "\(kind).\($0)" } } + ["sparse64.int8", "sparse64.int4"])
        let width = world.encoder.configuration.width
        // Two factors of rank 2 and a head: a scale for each rank of both, the head and its bias.
        let values = 2 * 2 * width + width + 1
        let rank2 = forms.filter { $0.name.hasPrefix("lora2") }
        #expect(rank2.map(\.values) == [values, values, values])
        #expect(
            rank2.map(\.bytesPerUser)
                == [Double(2 * values), Double(values + 4 * 6), Double((values + 1) / 2 + 4 * 6)])
        let report = try SizeEvaluation(world.people, at: "generated").run(recipe, inside: forms) { _, _ in }
        #expect(report.tables.size.last?.form == "shipped")
        func rounding(_ name: String) throws -> Double {
            try #require(report.tables.size.first { $0.form == name }).roundingLossMedian
        }
        for kind in kinds {
            #expect(try rounding("\(kind).f16") < rounding("\(kind).int4"))
            #expect(try rounding("\(kind).int8") < rounding("\(kind).int4"))
        }
        let best = try #require(report.tables.size.first { $0.form == "lora8.f16" }?.areaUnderCurve[32])
        #expect(best.mean > 0.8)
        #expect(report.markdown.contains("| lora8.f16 |") && report.markdown.contains("| shipped |"))
        #expect(report.bytesPlot.contains("LoRA in the encoder, f16") && report.bytesPlot.contains("sparse delta"))
    }

    @Test("differences are rounded with one scale a vector, by at most half of it; what is nothing stays so")
    func rounds() throws {
        let values: [Float] = [1.27, -0.004, 0.636, 0, 0, 0, 7, -3.4]
        let vectors = [[0, 1, 2], [3, 4, 5], [6, 7]]
        let int8 = try #require(EncoderForms.rounded(values, vectors, .int8))
        for (one, other) in zip(int8, [1.27, 0, 0.64, 0, 0, 0, 7, -3.417_323] as [Float]) {
            #expect(abs(one - other) < 1e-5, "\(int8)")
        }
        let int4 = try #require(EncoderForms.rounded(values, vectors, .int4))
        #expect(int4[6...] == [7, -3] && int4[0] == 1.27 && abs(int4[2] - 4 * 1.27 / 7) < 1e-6 && int4[1] == 0)
        #expect(EncoderForms.rounded(values, vectors, .f16) == values.map { Float(Float16($0)) })
        // In 4 bits the largest magnitude gives way where the others gain more by it.
        let skewed = [Float](repeating: 0.9, count: 30) + [7.7]
        let kept = try #require(EncoderForms.rounded(skewed, [Array(skewed.indices)], .int4))
        #expect(kept[30] < 7.5 && abs(kept[0] - 0.9) < 0.1)
        for precision in EncoderForms.Precision.allCases {
            #expect(EncoderForms.rounded([1, .infinity], [[0, 1]], precision) == nil)
        }
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
