import Adapters
import Foundation
import Meta
import Model
import Tensor

/// Adaptation in the last block over frozen prefixes: a bottleneck after the feed-forward layer and a head, by three steps of a
/// rule as the outer loop learns it. Nothing below the adapter is computed: its rows come from a cache.
struct TopLayerRun {
    /// Channels of the bottleneck, and steps of a user.
    private static let (width, steps) = (16, 3)

    private let workload: AdaptWorkload.Configuration
    private let base: BaseFolder
    private let transformer: Transformer
    private let rule: EncoderRule

    init(_ workload: AdaptWorkload.Configuration, _ base: BaseFolder) throws {
        (self.workload, self.base, transformer) = (workload, base, try Transformer(base))
        let shape = base.configuration
        let site = Site(.feedForward, block: shape.blocks - 1)
        var random = RandomSource(seed: workload.seed)
        var pooled = PreconditionedRule.plain(from: .zero(width: shape.width))
        pooled.preconditioner = .dense(.identity(shape.width, scale: 2.8))
        rule = EncoderRule.following(
            pooled, AdapterPlan(shape, [site: Bottleneck.pfeiffer(width: Self.width)], head: .binary),
            steps: Self.steps, &random)
    }

    /// On all cores, a thread each, once the prefixes are in their cache: users of the workload's examples, all of which each
    /// step reads.
    func usersPerSecond(users: Int) -> Double {
        let user = AdaptWorkload(workload, base: base.configuration)
        let texts = EncoderTexts(transformer, user.sequences, cache: PrefixCache(byteLimit: 1 << 30))
        let support = UserSupport(rows: user.sequences.indices.map { Int32($0) }, labels: user.labels)
        let lanes = (0..<ProcessInfo.processInfo.activeProcessorCount).map { _ in
            EncoderAdaptation(texts, rule.plan)
        }
        let run = { (users: Int) in
            _ = inParallel(Array(repeating: support, count: users), lanes) { $1.adapt(to: $0, with: rule) }
        }
        run(2 * lanes.count)
        return Double(users) / ProductBench.seconds { run(users) }
    }

    /// What memory does over many chunks of users, each with buffers of its own and with texts that replace others in a full
    /// cache.
    func endurance(_ sizes: AdaptBench.Endurance, progress: (Int, Int) -> Void) throws -> [String: Double] {
        let live = sizes.cachedTexts * 3 / 4
        let fresh = sizes.chunks / sizes.chunksPerText
        var random = RandomSource(seed: workload.seed)
        var pool = workload
        pool.examples = sizes.cachedTexts + fresh
        let sequences = AdaptWorkload(pool, base: base.configuration).sequences
        // A row holds two vectors a token in f16, before a feed-forward output.
        let row = 4 * workload.tokens * base.configuration.width
        let texts = EncoderTexts(
            transformer, sequences, cache: PrefixCache(byteLimit: sizes.cachedTexts * (row + 256)))
        func adapt(_ rows: [Int32], _ adaptation: inout EncoderAdaptation) {
            adaptation.adapt(to: UserSupport(rows: rows, labels: rows.map { Float($0 % 2) }), with: rule)
        }
        // More texts than the cache holds fill it to its bound.
        var filling = EncoderAdaptation(texts, rule.plan)
        adapt(sequences.indices.map { Int32($0) }, &filling)
        var (early, middle) = (0, 0)
        for chunk in 0..<sizes.chunks {
            // The texts in use move on by one now and then.
            let first = chunk / sizes.chunksPerText
            var adaptation = EncoderAdaptation(texts, rule.plan)
            for _ in 0..<sizes.usersPerChunk {
                adapt((0..<sizes.examples).map { _ in Int32(first + random.index(below: live)) }, &adaptation)
            }
            if chunk == sizes.chunks / 100 { early = try ProcessMemory.bytes("VmHWM") }
            if chunk == sizes.chunks / 10 { middle = try ProcessMemory.bytes("VmRSS") }
            if chunk % 100 == 0 { progress(chunk, sizes.chunks) }
        }
        let (peak, end) = (try ProcessMemory.bytes("VmHWM"), try ProcessMemory.bytes("VmRSS"))
        return [
            "adapt.endurance.users": Double(sizes.chunks * sizes.usersPerChunk),
            "adapt.endurance.chunks": Double(sizes.chunks), "adapt.peak_rss_bytes": Double(peak),
            // Peak after all users by that after a hundredth of them.
            "adapt.peak_rss_ratio": Double(peak) / Double(max(1, early)),
            // What is resident after all chunks by that after a tenth of them.
            "adapt.rss_growth_ratio": Double(end) / Double(max(1, middle)),
        ]
    }
}
