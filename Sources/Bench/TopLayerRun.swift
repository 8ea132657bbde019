import Adapters
import Foundation
import Model
import Synchronization
import Tensor

/// Adaptation in the last block over frozen prefixes: a bottleneck after the feed-forward layer and a head, three steps with a
/// rate a tensor, as a learned rule takes them. Nothing below the adapter is computed: its rows come from a cache.
struct TopLayerRun {
    let workload: AdaptWorkload.Configuration
    let users: Int

    init(_ workload: AdaptWorkload.Configuration, users: Int) { (self.workload, self.users) = (workload, users) }

    /// Steps of a user, and channels of the bottleneck.
    private static let (steps, width) = (3, 16)

    /// All cores, a thread each.
    func usersPerSecond(_ base: BaseFolder) throws -> Double {
        let transformer = try Transformer(base)
        let shape = base.configuration
        let plan = AdapterPlan(
            shape, [Site(.feedForward, block: shape.blocks - 1): Bottleneck.pfeiffer(width: Self.width)], head: .binary)
        let prefixes = FrozenPrefixes(transformer, cut: plan.cut, cache: PrefixCache(byteLimit: 1 << 30))
        let texts = AdaptWorkload(workload, base: shape)
        let digests = prefixes.digests(texts.sequences)
        var random = RandomSource(seed: workload.seed)
        let start = plan.initialParameters(&random)
        let work = { @Sendable (users: Int) in
            var encoder = AdaptedEncoder(
                transformer, plan, users: 1, texts: workload.batch, tokens: workload.batch * workload.tokens,
                longest: workload.tokens)
            for _ in 0..<users { Self.adapt(&encoder, from: start, texts, digests, prefixes) }
        }
        work(2)
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let seconds = ProductBench.seconds {
            DispatchQueue.concurrentPerform(iterations: threads) { _ in work(users / threads) }
        }
        return Double(users / threads * threads) / seconds
    }

    private static func adapt(
        _ encoder: inout AdaptedEncoder, from start: [Float], _ texts: AdaptWorkload, _ digests: [TextDigest],
        _ prefixes: FrozenPrefixes
    ) {
        let (bank, sizes) = (encoder.bank, texts.configuration)
        bank.parameters.copy(start.span)
        for step in 0..<Self.steps {
            let first = step * sizes.batch % sizes.examples
            let examples = first..<first + sizes.batch
            var batch = PackedBatch()
            for sequence in texts.sequences[examples] { batch.append(sequence) }
            prefixes.load(
                Array(texts.sequences[examples]), digests: Array(digests[examples]),
                into: encoder.frozenRows(count: batch.tokens.count))
            _ = encoder.lossesAndGradients(
                batch, textsOfUsers: [0, batch.count], targets: Array(texts.labels[examples]), from: bank.plan.cut)
            add(bank.gradients, to: bank.parameters, scale: -0.5)
        }
    }
}
