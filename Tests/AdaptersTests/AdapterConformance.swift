import Adapters
import Foundation
import Model
import Safetensors
import Tensor
import Testing

/// What every kind of adapter must hold to, at every site of every family.
struct AdapterConformance {
    let model: String
    let transformer: Transformer
    let golden: GoldenAdapters
    /// The kind for the channels of a site.
    let kind: ((inputs: Int, outputs: Int)) -> any AdapterKind

    init(_ model: String, _ kind: @escaping ((inputs: Int, outputs: Int)) -> any AdapterKind) throws {
        (self.model, self.kind) = (model, kind)
        (transformer, golden) = (try GoldenAdapters.transformer(model), try GoldenAdapters.read(model))
    }

    /// Every site of the base.
    var sites: [Site] {
        let shape = transformer.configuration
        return (0...shape.blocks).flatMap { block in Site.Place.allCases.map { Site($0, block: block) } }
            .filter(shape.has)
    }

    func kinds(_ sites: [Site]) -> [Site: any AdapterKind] {
        Dictionary(uniqueKeysWithValues: sites.map { ($0, kind(transformer.configuration.channels(at: $0))) })
    }

    func make(_ sites: [Site]) -> GoldenModel { GoldenModel(transformer, kinds(sites), golden) }

    /// Values of the size of a start's, none of them zero.
    func randomize(_ bank: AdapterBank, seed: UInt64) {
        var random = RandomSource(seed: seed)
        for user in 0..<bank.parameters.rows {
            for column in 0..<bank.plan.parameterCount {
                bank.parameters[user, column] = Float(0.2 * random.normal())
            }
        }
    }

    /// At its start an adapter changes nothing, yet its gradient does not vanish.
    func startsNeutral() throws {
        var base = make([])
        let expected = base.lossAndGradients()
        for site in sites {
            var model = make([site])
            let bank = try #require(model.bank)
            var random = RandomSource(seed: 3)
            let head = bank.head(of: 0).map { ($0.weights.values, $0.bias.values) }
            let initial = bank.plan.initialParameters(&random)
            bank.parameters.copy(initial.span)
            if let head {
                bank.head(of: 0)?.weights.copy(head.0.span)
                bank.head(of: 0)?.bias.copy(head.1.span)
            }
            #expect(abs(model.lossAndGradients() - expected) < 1e-6 * expected, "\(model) \(site)")
            let own = bank.plan.slots.flatMap { slot in
                slot.parameters.flatMap { bank.gradient($0.name, at: site, of: 0).values }
            }
            #expect(own.contains { abs($0) > 1e-7 }, "\(model) \(site)")
        }
    }

    /// The gradient along some directions is the difference of losses there, at every site alone.
    ///
    /// A rectifier's kink within a step spoils a difference, so that of a few starting points one must agree in all
    /// directions; a wrong gradient agrees nowhere. Exactness is for the reference's values to show.
    func gradientsAreDifferences() throws {
        for site in sites {
            let isMet = try (0..<4).contains { try differences(at: site, seed: $0) < 1e-2 }
            #expect(isMet, "\(model) \(site)")
        }
    }

    /// The largest difference between slope and difference, relative to the slope, over three directions.
    private func differences(at site: Site, seed: UInt64) throws -> Double {
        var model = make([site])
        let bank = try #require(model.bank)
        randomize(bank, seed: seed)
        _ = model.lossAndGradients()
        let (start, gradient) = (bank.parameters.values, bank.gradients.values)
        let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm > 1e-4 else { return .infinity }
        var random = RandomSource(seed: 40 + seed)
        var largest = 0.0
        for _ in 0..<3 {
            // Mostly downhill, so that the difference is well above rounding.
            let noise = gradient.map { _ in Float(random.normal()) / Float(gradient.count).squareRoot() }
            let direction = zip(gradient, noise).map { $0 / norm + 0.5 * $1 }
            let slope = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            // A short step meets fewer kinks, a long one is less lost in rounding: one of them must agree.
            let errors = [3e-4, 1e-3, 1e-2, 4e-2].map { (step: Float) -> Double in
                func loss(_ sign: Float) -> Double {
                    let moved = zip(start, direction).map { $0 + sign * step * $1 }
                    bank.parameters.copy(moved.span)
                    return Double(model.lossAndGradients())
                }
                return abs((loss(1) - loss(-1)) / Double(2 * step) - slope) / abs(slope)
            }
            largest = max(largest, errors.min() ?? .infinity)
        }
        return largest
    }

    /// Users of one batch do not see each other: losses and gradients are those of each alone.
    func usersAreApart() throws {
        var random = RandomSource(seed: 9)
        let plan = AdapterPlan(
            transformer.configuration, kinds(sites), head: golden.head.map { _ in .classification(classes: 3) })
        let rows = (0..<2).map { _ in (0..<plan.parameterCount).map { _ in Float(0.1 * random.normal()) } }
        func run(_ users: [Int]) throws -> (losses: [Float], gradients: [[Float]]) {
            let texts = users.flatMap { [2 * $0, 2 * $0 + 1] }
            let sequences = texts.map { golden.sequences[$0] }
            let bounds = (0...users.count).map { 2 * $0 }
            let tokens = sequences.reduce(0) { $0 + $1.count }
            let losses: [Float]
            let bank: AdapterBank
            func fill(_ bank: AdapterBank) {
                for (index, user) in users.enumerated() {
                    let own = rows[user]
                    bank.parameters.rows(index..<index + 1).copy(own.span)
                }
            }
            if let labels = golden.labels {
                var model = AdaptedEncoder(
                    transformer, plan, users: users.count, texts: texts.count, tokens: tokens, longest: 12)
                fill(model.bank)
                var batch = PackedBatch()
                for sequence in sequences { batch.append(sequence) }
                losses = model.lossesAndGradients(batch, textsOfUsers: bounds, targets: texts.map { labels[$0] })
                bank = model.bank
            } else {
                var model = AdaptedDecoder(transformer, plan, users: users.count, tokens: tokens, longest: 12)
                fill(model.bank)
                losses = model.lossesAndGradients(sequences, sequencesOfUsers: bounds)
                bank = model.bank
            }
            return (losses, users.indices.map { bank.gradients.rows($0..<$0 + 1).values })
        }
        let together = try run([0, 1])
        for user in 0..<2 {
            let alone = try run([user])
            #expect(abs(alone.losses[0] - together.losses[user]) < 1e-5 * alone.losses[0], "\(model)")
            #expect(GoldenAdapters.error(together.gradients[user], alone.gradients[0]) < 1e-4, "\(model)")
        }
    }

    /// What may be merged gives, merged, what it adds.
    func mergesToWhatItAdds() {
        for channels in [(inputs: 11, outputs: 9), (inputs: 12, outputs: 12)] {
            let kind = kind(channels)
            var random = RandomSource(seed: 5)
            let tensors = kind.parameters(inputs: channels.inputs, outputs: channels.outputs).map { shape in
                MatrixView(
                    rows: shape.rows, columns: shape.columns,
                    values: (0..<shape.count).map { _ in Float(random.normal()) })
            }
            guard let delta = kind.delta(tensors) else { continue }
            #expect(delta.rows == channels.inputs && delta.columns == channels.outputs)
            let x = MatrixView(
                rows: 4, columns: channels.inputs,
                values: (0..<4 * channels.inputs).map { _ in Float(random.normal()) })
            let (added, merged) = (
                MatrixView(rows: 4, columns: channels.outputs), MatrixView(rows: 4, columns: channels.outputs)
            )
            kind.forward(
                tensors, x: x, y: added,
                saved: MatrixView(
                    rows: 4, columns: kind.savedColumns(inputs: channels.inputs, outputs: channels.outputs)))
            matmul(
                x, MatrixView(rows: delta.rows, columns: delta.columns, values: delta.values), into: merged)
            #expect(GoldenAdapters.error(added.values, merged.values) < 1e-5, "\(kind.name)")
        }
    }

    /// A file gives back what was written, and refuses another plan's reader.
    func survivesAFile() throws {
        let plan = AdapterPlan(transformer.configuration, kinds(sites), head: .binary)
        var random = RandomSource(seed: 12)
        let row = MatrixView(
            rows: 1, columns: plan.parameterCount,
            values: (0..<plan.parameterCount).map { _ in Float(random.normal()) })
        var writer = SafetensorsWriter()
        plan.write(row, to: &writer)
        let file = try SafetensorsFile(content: Data(writer.encoded()), name: "adapter")
        #expect(try plan.parameters(in: file) == row.values)
        let other = AdapterPlan(transformer.configuration, kinds(sites), head: .classification(classes: 2))
        #expect(throws: (any Error).self) { _ = try other.parameters(in: file) }
    }
}
