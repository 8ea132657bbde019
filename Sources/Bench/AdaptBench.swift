public import Model
public import Tensor

/// Adaptation on one core: at full depth by each library's products, in turns with those products alone; in the last block
/// over frozen prefixes; and at the pooled output.
public struct AdaptBench: Sendable {
    /// Sizes; the defaults are those of the published figures.
    public struct Configuration: Sendable, Codable {
        /// What a user is.
        public var workload = AdaptWorkload.Configuration()
        /// Users timed with each library at full depth.
        public var users = 12
        /// Users timed in the last block, on every core.
        public var topLayerUsers = 600
        /// Users timed at the pooled output.
        public var pooledUsers = 20_000
        /// Libraries to time.
        public var backends = ProductBackend.available

        /// The defaults.
        public init() {}
    }

    /// A long run in the last block, for its memory; the defaults are those of the published figures.
    public struct Endurance: Sendable, Codable {
        /// Chunks, each with buffers of its own.
        public var chunks = 10_000
        /// Users of a chunk.
        public var usersPerChunk = 10
        /// Examples of a user.
        public var examples = 8
        /// Texts that the cache holds.
        public var cachedTexts = 512
        /// Chunks after which a text takes the place of another.
        public var chunksPerText = 20

        /// The defaults.
        public init() {}
    }

    /// One library's run at full depth; medians over the users, one core.
    public struct Row: Sendable, Codable {
        /// The name of the ``ProductBackend``.
        public var backend: String
        /// Library, version and kernels.
        public var kernels: String
        /// Users adapted a second.
        public var usersPerSecond: Double
        /// 10⁹ floating-point operations a second that the mathematics needs.
        public var gflops: Double
        /// The same of the products alone, at 512 rows.
        public var productGflops: Double
        /// Median of the quotients, each of a user and the products beside it.
        public var ceilingShare: Double
        /// Loss of the first step's batch.
        public var firstLoss: Float
        /// Loss of all examples after the last step.
        public var finalLoss: Float
    }

    /// What was measured.
    public struct Result: Sendable {
        /// Full depth, a library each.
        public var rows: [Row]
        /// `adapt.…`, by the names under which figures are published.
        public var figures: [String: Double]
    }

    private let configuration: Configuration

    /// A run of one size.
    public init(_ configuration: Configuration) { self.configuration = configuration }

    /// Measures, on the thread that calls; what runs on every core starts threads of its own.
    public func run(_ base: BaseFolder, progress: (Int, Int) -> Void) throws -> Result {
        let workload = AdaptWorkload(configuration.workload, base: base.configuration)
        var rows: [Row] = []
        for (index, backend) in configuration.backends.enumerated() {
            rows.append(
                try fullDepth(workload, base, backend) { user in
                    progress(
                        index * configuration.users + user, configuration.backends.count * configuration.users)
                })
        }
        let single = rows.filter { $0.backend != ProductBackend.oneDNNBF16.rawValue }
        let best = single.max { $0.usersPerSecond < $1.usersPerSecond }
        let half = rows.first { $0.backend == ProductBackend.oneDNNBF16.rawValue }
        // The ceiling of f32 is the faster library's, whichever adapts faster.
        let ceiling = single.map(\.productGflops).max() ?? .nan
        var figures: [String: Double?] = [
            "adapt.f32.users_per_second": best?.usersPerSecond, "adapt.f32.gflops": best?.gflops,
            "adapt.f32.ceiling_share": best.map { $0.ceilingShare * min(1, $0.productGflops / ceiling) },
            "adapt.bf16.users_per_second": half?.usersPerSecond, "adapt.bf16.gflops": half?.gflops,
            "adapt.bf16.ceiling_share": half?.ceilingShare,
        ]
        figures["adapt.top_layer.users_per_second"] = try TopLayerRun(configuration.workload, base)
            .usersPerSecond(users: configuration.topLayerUsers)
        figures["adapt.pooled.users_per_second"] = PooledRun(
            width: base.configuration.width, users: configuration.pooledUsers, seed: configuration.workload.seed
        ).usersPerSecond()
        return Result(rows: rows, figures: figures.compactMapValues(\.self))
    }

    /// Adapts many users in the last block and says what memory did; nothing else is measured.
    ///
    /// - Returns: `adapt.endurance.…` and `adapt.…rss…`.
    public func endure(
        _ endurance: Endurance, _ base: BaseFolder, progress: (Int, Int) -> Void
    ) throws -> [String: Double] {
        try TopLayerRun(configuration.workload, base).endurance(endurance, progress: progress)
    }

    private func fullDepth(
        _ workload: AdaptWorkload, _ base: BaseFolder, _ backend: ProductBackend, progress: (Int) -> Void
    ) throws -> Row {
        var encoder = workload.makeEncoder(try Transformer(base, products: backend))
        let moments = workload.makeMoments()
        var sizes = ProductBench.Configuration()
        sizes.seed = configuration.workload.seed
        let products = TimedProducts(
            backend, ProductBench.Layer.all(of: base.configuration), blocks: base.configuration.blocks, sizes)
        var (seconds, losses): ([Double], [Float]) = ([], [])
        for user in 0...configuration.users {
            progress(user)
            // The first compiles products and packs weights.
            let isKept = user > 0
            products.time(isKept: isKept)
            let taken = ProductBench.seconds { losses = workload.run(&encoder, moments: moments) }
            if isKept { seconds.append(taken) }
        }
        let rates = seconds.map { workload.operations / $0 * 1e-9 }
        let median = { (values: [Double]) in ProductBench.median(values) ?? .nan }
        return Row(
            backend: backend.rawValue, kernels: backend.kernelDescription, usersPerSecond: 1 / median(seconds),
            gflops: median(rates), productGflops: median(products.wholeRates),
            ceilingShare: median(zip(rates, products.wholeRates).map { $0 / $1 }),
            firstLoss: losses.first ?? .nan, finalLoss: workload.finalLoss(&encoder))
    }
}
