import Adapters
import Foundation
import Model
import Tensor
import Testing

/// Adapters inside transformers against PEFT, transformers and PyTorch.
@Suite struct GoldenAdapterTests {
    @Test(
        "every adapter's loss and gradients inside an encoder and two decoders are the reference's",
        arguments: GoldenAdapters.models)
    func cases(name: String) throws {
        let (golden, transformer) = (try GoldenAdapters.read(name), try GoldenAdapters.transformer(name))
        var covered = 0
        for reference in golden.cases {
            var kinds: [Site: any AdapterKind] = [:]
            for own in reference.sites {
                guard let site = GoldenAdapters.site(own.site, own.block, transformer.configuration) else { continue }
                kinds[site] = GoldenAdapters.kind(reference, own, transformer.configuration.channels(at: site))
            }
            #expect(kinds.count == reference.sites.count)
            covered += 1
            var model = GoldenModel(transformer, kinds, golden)
            let bank = try #require(model.bank)
            for own in reference.sites {
                let site = try #require(GoldenAdapters.site(own.site, own.block, transformer.configuration))
                for (tensor, values) in own.parameters { bank.tensor(tensor, at: site, of: 0).copy(values.span) }
            }
            let loss = model.lossAndGradients()
            #expect(abs(loss - reference.loss) < 1e-5 * reference.loss, "\(reference.name)")
            for own in reference.sites {
                let site = try #require(GoldenAdapters.site(own.site, own.block, transformer.configuration))
                for (tensor, exact) in own.gradients {
                    let error = GoldenAdapters.error(bank.gradient(tensor, at: site, of: 0).values, exact)
                    #expect(error < 1e-4, "\(reference.name) \(site) \(tensor)")
                }
            }
            if let exact = reference.headGradients {
                let head = try #require(bank.headGradient(of: 0))
                #expect(GoldenAdapters.error(head.weights.values, exact.weights) < 1e-4, "\(reference.name)")
                #expect(GoldenAdapters.error(head.bias.values, exact.bias) < 1e-4, "\(reference.name)")
            }
        }
        #expect(covered >= 11, "\(covered) cases of \(name)")
    }

    @Test("AdaLoRA's orthogonality and its gradients are PEFT's")
    func orthogonality() throws {
        let (golden, transformer) = (try GoldenAdapters.read("tiny-bert"), try GoldenAdapters.transformer("tiny-bert"))
        let reference = try #require(golden.cases.first { $0.kind == "adalora" })
        let exact = try #require(reference.orthogonality)
        var (tensors, gradients): ([[MatrixView]], [[MatrixView]]) = ([], [])
        let kind = AdaLoRA(rank: reference.rank ?? 0, alpha: reference.alpha ?? 0)
        for own in reference.sites {
            let site = try #require(GoldenAdapters.site(own.site, own.block, transformer.configuration))
            let channels = transformer.configuration.channels(at: site)
            let shapes = kind.parameters(inputs: channels.inputs, outputs: channels.outputs)
            tensors.append(
                try shapes.map {
                    MatrixView(rows: $0.rows, columns: $0.columns, values: try #require(own.parameters[$0.name]))
                })
            gradients.append(shapes.map { MatrixView(rows: $0.rows, columns: $0.columns) })
        }
        let value = AdaLoRA.orthogonality(tensors, gradients: gradients, weight: exact.weight)
        #expect(abs(value - exact.value) < 1e-5 * exact.value)
        #expect(exact.sites.count == gradients.count)
        for (site, own) in zip(exact.sites, gradients) {
            #expect(GoldenAdapters.error(own[0].values, try #require(site.gradients["A"])) < 1e-4)
            #expect(GoldenAdapters.error(own[2].values, try #require(site.gradients["B"])) < 1e-4)
            #expect(own[1].values.allSatisfy { $0 == 0 })
        }
    }

    @Test("ten steps of AdamW on LoRA give the reference's losses", arguments: GoldenAdapters.models)
    func training(name: String) throws {
        let (golden, transformer) = (try GoldenAdapters.read(name), try GoldenAdapters.transformer(name))
        let training = golden.training
        var kinds: [Site: any AdapterKind] = [:]
        for start in training.sites {
            let site = try #require(GoldenAdapters.site(start.site, start.block, transformer.configuration))
            kinds[site] = LoRA(rank: training.rank, alpha: training.alpha)
        }
        var model = GoldenModel(transformer, kinds, golden)
        let bank = try #require(model.bank)
        for start in training.sites {
            let site = try #require(GoldenAdapters.site(start.site, start.block, transformer.configuration))
            bank.tensor("A", at: site, of: 0).copy(start.A.span)
        }
        let (first, second) = (
            MatrixView(rows: 1, columns: bank.plan.parameterCount),
            MatrixView(rows: 1, columns: bank.plan.parameterCount)
        )
        var losses: [Float] = []
        for step in 1...10 {
            losses.append(model.lossAndGradients())
            adamWStep(
                bank.parameters, gradient: bank.gradients, first: first, second: second, step: step,
                AdamWSettings(learningRate: 0.01))
        }
        losses.append(model.lossAndGradients())
        #expect(losses.count == training.losses.count)
        for (loss, exact) in zip(losses, training.losses) { #expect(abs(loss - exact) < 1e-3 * exact) }
        #expect(losses[10] < losses[0])
    }

    @Test("heads for two answers, numbers and preferences give the reference's losses and gradients")
    func heads() throws {
        let golden = try GoldenAdapters.read("tiny-bert")
        let features = try #require(golden.features)
        let heads = try #require(golden.heads)
        #expect(heads.map(\.kind).sorted() == ["binary", "preference", "squared"])
        for head in heads {
            let loss: HeadLoss =
                switch head.kind {
                case "binary": .binary
                case "squared": .regression
                default: .preference
                }
            let order = head.pairs?.flatMap { $0 } ?? Array(features.indices)
            let width = features[0].count
            let rows = MatrixView(rows: order.count, columns: width, values: order.flatMap { features[$0] })
            let weights = MatrixView(rows: 1, columns: width, values: head.weights)
            let scores = MatrixView(
                rows: order.count, columns: 1, values: [Float](repeating: head.bias[0], count: order.count))
            matmul(rows, weights, into: scores, transposeB: true, beta: 1)
            let value = loss.evaluate(scores, targets: head.targets ?? [Float](repeating: 0, count: order.count))
            #expect(abs(value - head.loss) < 1e-5 * head.loss)
            let gradient = MatrixView(rows: 1, columns: width)
            matmul(scores, rows, into: gradient, transposeA: true)
            #expect(GoldenAdapters.error(gradient.values, head.gradients.weights) < 1e-4)
            #expect(abs(scores.values.reduce(0, +) - head.gradients.bias[0]) < 1e-5)
            // A text may be in several pairs.
            let perText = MatrixView(rows: features.count, columns: width)
            let perRow = MatrixView(rows: order.count, columns: width)
            matmul(scores, weights, into: perRow)
            addRows(perRow, to: perText, at: order)
            #expect(GoldenAdapters.error(perText.values, head.gradients.features.flatMap { $0 }) < 1e-4)
        }
    }
}
