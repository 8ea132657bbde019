import Adapters
public import Model
import Safetensors
import Tensor

/// The workload that Attune and its peer are compared on: a user's examples of equal length, LoRA on queries and values of every
/// block and a head of one score, some steps of AdamW over batches in turn.
public struct AdaptWorkload: Sendable {
    /// Sizes; the defaults are those of the published figures.
    public struct Configuration: Sendable, Codable {
        /// Examples of a user.
        public var examples = 32
        /// Tokens of each.
        public var tokens = 64
        /// Rank and scale of LoRA.
        public var rank = 8
        /// Its numerator.
        public var alpha: Float = 16
        /// Steps of AdamW.
        public var steps = 10
        /// Examples of each.
        public var batch = 8
        /// Of AdamW.
        public var learningRate: Float = 1e-3
        /// Seed of texts, labels and starts.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    let configuration: Configuration
    let plan: AdapterPlan
    /// `[examples][tokens]`.
    let sequences: [[Int32]]
    /// 1 or 0 an example.
    let labels: [Float]
    /// Where every user starts, `[plan.parameterCount]`.
    let start: [Float]

    /// Draws a user.
    public init(_ configuration: Configuration, base: TransformerConfiguration) {
        self.configuration = configuration
        var random = RandomSource(seed: configuration.seed)
        // Ids of words rather than of the special tokens, which lie first.
        let ids = base.vocabularySize / 16..<base.vocabularySize
        sequences = (0..<configuration.examples).map { _ in
            (0..<configuration.tokens).map { _ in Int32(ids.lowerBound + random.index(below: ids.count)) }
        }
        labels = (0..<configuration.examples).map { _ in Float(random.index(below: 2)) }
        var kinds: [Site: any AdapterKind] = [:]
        for block in 0..<base.blocks {
            for place in [Site.Place.query, .value] {
                kinds[Site(place, block: block)] = LoRA(rank: configuration.rank, alpha: configuration.alpha)
            }
        }
        plan = AdapterPlan(base, kinds, head: .binary)
        var start = plan.initialParameters(&random)
        // A head of zeros would give the first step no gradient below it.
        for index in start.count - base.width - 1..<start.count - 1 { start[index] = Float(random.normal()) }
        self.start = start
    }

    /// Floating-point operations of one user that the mathematics needs: the base's products forward and back to what the
    /// lowest adapters read, attention's two products forward and four back, LoRA's two forward and four back.
    public var operations: Double {
        let shape = plan.configuration
        let tokens = Double(configuration.steps * configuration.batch * configuration.tokens)
        let width = Double(shape.width)
        let projections = width * Double(shape.attention.columns)
        let block = projections + Double(shape.attention.width) * width + 2 * width * Double(shape.feedForwardWidth)
        let attention = 2 * Double(configuration.tokens) * Double(shape.attention.width)
        let low = plan.slots.reduce(0.0) { $0 + Double(configuration.rank * ($1.inputs + $1.outputs)) }
        let blocks = Double(shape.blocks)
        return 2 * tokens * (blocks * (2 * block + 3 * attention) - projections + 3 * low)
    }

    /// One user's adaptation: the loss before each step, then that of all examples.
    func run(_ encoder: inout AdaptedEncoder, moments: (first: MatrixView, second: MatrixView)) -> [Float] {
        let bank = encoder.bank
        bank.parameters.copy(start.span)
        moments.first.fill(0)
        moments.second.fill(0)
        var settings = AdamWSettings(learningRate: configuration.learningRate)
        settings.decay = 0.01
        var losses: [Float] = []
        for step in 0..<configuration.steps {
            let first = step * configuration.batch % configuration.examples
            losses.append(loss(&encoder, first..<first + configuration.batch))
            adamWStep(
                bank.parameters, gradient: bank.gradients, first: moments.first, second: moments.second,
                step: step + 1, settings)
        }
        return losses
    }

    /// The loss of all examples, in batches.
    func finalLoss(_ encoder: inout AdaptedEncoder) -> Float {
        let batches = stride(from: 0, to: configuration.examples, by: configuration.batch).map {
            loss(&encoder, $0..<$0 + configuration.batch)
        }
        return batches.reduce(0, +) / Float(batches.count)
    }

    private func loss(_ encoder: inout AdaptedEncoder, _ examples: Range<Int>) -> Float {
        var batch = PackedBatch()
        for sequence in sequences[examples] { batch.append(sequence) }
        return encoder.lossesAndGradients(
            batch, textsOfUsers: [0, examples.count], targets: Array(labels[examples]))[0]
    }

    func makeEncoder(_ transformer: Transformer) -> AdaptedEncoder {
        AdaptedEncoder(
            transformer, plan, users: 1, texts: configuration.batch,
            tokens: configuration.batch * configuration.tokens, longest: configuration.tokens)
    }

    func makeMoments() -> (first: MatrixView, second: MatrixView) {
        (
            MatrixView(rows: 1, columns: plan.parameterCount), MatrixView(rows: 1, columns: plan.parameterCount)
        )
    }

    /// The user as a safetensors file, for the peer: `tokens` I32 `[examples, tokens]`, `labels` F32 `[examples]`, `head.weights`
    /// `[1, width]`, `head.bias` `[1]`, `blocks.N.q.A` `[rank, width]` and `.B` `[width, rank]`, likewise `v`.
    public func file() -> [UInt8] {
        var writer = SafetensorsWriter()
        writer.add(
            "tokens", shape: [configuration.examples, configuration.tokens], int32s: sequences.flatMap { $0 })
        writer.add("labels", shape: [configuration.examples], floats: labels)
        let bank = AdapterBank(plan, users: 1)
        bank.parameters.copy(start.span)
        for slot in plan.slots {
            for shape in slot.parameters {
                writer.add(
                    "blocks.\(slot.site.block).\(slot.site.place.rawValue).\(shape.name)",
                    shape: [shape.rows, shape.columns],
                    floats: bank.tensor(shape.name, at: slot.site, of: 0).values)
            }
        }
        if let head = bank.head(of: 0) {
            writer.add("head.weights", shape: [1, head.weights.columns], floats: head.weights.values)
            writer.add("head.bias", shape: [1], floats: head.bias.values)
        }
        return writer.encoded()
    }
}
