import Adapters
import Blocking
import Meta
import Model
import Recipe
import Synchronization

/// Adapts inside encoders, for the compute threads: keeps rows before cuts, and the workspaces for the next delivery.
///
/// A workspace is some megabytes and serves one closure at a time, so there are as many of a recipe as threads have used at once.
final class EncoderWorkspaces: Sendable {
    /// A recipe's rule in the base that it adapts.
    struct Job: Sendable {
        let rule: SparseRule
        let digest: String
        let encoder: TextEncoder
    }

    private let prefixes: PrefixCache
    /// By recipe, the one used last at the end.
    private let idle = Mutex<[(recipe: String, workspaces: [EncoderAdaptation])]>([])
    /// Recipes whose workspaces are kept: those before and after a campaign, and some tenants'.
    private static let recipeLimit = 4
    /// Users of one closure, about a tenth of a second: other deliveries take their turn between two.
    private static let sliceUsers = 8

    init(prefixes: PrefixCache) { self.prefixes = prefixes }

    /// Token ids of texts, with the rows before a rule's cut computed and kept.
    func sequences(_ texts: [String], _ job: Job, on threads: ComputeThreads) async throws -> [[Int32]] {
        try await threads.spread(ComputeThreads.textSlices(texts)) { [self] slice in
            let sequences = slice.map(job.encoder.tokens)
            encoderTexts(sequences, job).keepPrefixes(before: job.rule.rule.plan.cut)
            return sequences
        }.flatMap { $0 }
    }

    /// What `body` makes of each user, in order.
    ///
    /// - Parameter sequences: by row of the users' supports.
    func each<User: Sendable, Result: Sendable>(
        _ users: [User], over sequences: [[Int32]], _ job: Job, on threads: ComputeThreads,
        _ body: @escaping @Sendable (User, inout EncoderAdaptation) -> Result
    ) async throws -> [Result] {
        let texts = encoderTexts(sequences, job)
        let slices = stride(from: 0, to: users.count, by: Self.sliceUsers).map {
            Array(users[$0..<min($0 + Self.sliceUsers, users.count)])
        }
        return try await threads.spread(slices) { [self] slice in
            var workspace =
                take(job)
                ?? EncoderAdaptation(
                    texts, job.rule.rule.plan, longestTokens: job.encoder.maximumTokens)
            defer { put(workspace, job) }
            workspace.read(texts)
            return slice.map { body($0, &workspace) }
        }.flatMap { $0 }
    }

    private func encoderTexts(_ sequences: [[Int32]], _ job: Job) -> EncoderTexts {
        EncoderTexts(job.encoder.transformer, sequences, cache: prefixes)
    }

    private func take(_ job: Job) -> EncoderAdaptation? {
        idle.withLock { idle in
            idle.firstIndex { $0.recipe == job.digest }.flatMap { idle[$0].workspaces.popLast() }
        }
    }

    private func put(_ workspace: EncoderAdaptation, _ job: Job) {
        idle.withLock { idle in
            let index = idle.firstIndex { $0.recipe == job.digest }
            var entry = index.map { idle.remove(at: $0) } ?? (recipe: job.digest, workspaces: [])
            entry.workspaces.append(workspace)
            idle.append(entry)
            if idle.count > Self.recipeLimit { idle.removeFirst() }
        }
    }
}

extension BaseShelf {
    /// What adapting inside the encoder takes; nil for a recipe of pooled features.
    ///
    /// - Throws: `base_not_held`, and `base_mismatch` where the base has no such site.
    func encoderJob(_ loaded: LoadedRecipe, at location: String) throws -> EncoderWorkspaces.Job? {
        guard let part = loaded.recipe.sparse else { return nil }
        let encoder = try encoder(of: loaded.recipe.baseDigest, at: location).encoder
        return EncoderWorkspaces.Job(
            rule: try part.rule(in: loaded.recipe, for: encoder.configuration, at: location), digest: loaded.digest,
            encoder: encoder)
    }
}
