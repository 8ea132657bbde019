package import Adapters
package import Meta
import Model
package import Problem
package import Queue
import Recipe
import Registry

/// Chunks of one tenant, base and recipe, with everything that adapting their users needs.
package struct FetchedDelivery: Sendable {
    /// The chunks, each under the fence it was claimed with.
    package let chunks: [ClaimedChunk]
    /// The recipe they were resolved to.
    package let recipe: LoadedRecipe
    /// Users that can be adapted.
    package var users: [FetchedUser] = []
    /// Users whose data cannot be used, and why.
    package var refused: [(job: ClaimedJob, problem: Problem)] = []
    /// The users' texts.
    package var texts: TextTable
    /// Texts of missing rows, by row.
    var missingTexts: [(row: Int, text: String)] = []
    /// How long claiming and fetching took.
    var fetchMilliseconds: Int32 = 0

    package init(chunks: [ClaimedChunk], recipe: LoadedRecipe, texts: TextTable) {
        self.chunks = chunks
        self.recipe = recipe
        self.texts = texts
    }

    /// All jobs of the delivery.
    var jobs: [ClaimedJob] { chunks.flatMap(\.jobs) }
    /// Whether users of it are to be judged.
    var isJudged: Bool {
        chunks.contains { $0.campaignID != nil && $0.jobs.contains { JudgeMark($0.payload) != nil } }
    }
}

/// A user's support as rows of the delivery's texts.
package struct FetchedUser: Sendable {
    package let job: ClaimedJob
    package let support: UserSupport
    /// The user's `data_seq` that the support includes.
    package let dataThrough: Int64
    /// What the steps begin at; nil: the recipe's start.
    package var copy: HeadDelta?

    package init(job: ClaimedJob, support: UserSupport, dataThrough: Int64, copy: HeadDelta? = nil) {
        self.job = job
        self.support = support
        self.dataThrough = dataThrough
        self.copy = copy
    }
}

/// Reads what claimed users recorded and turns it into supports over distinct texts.
struct FetchStage: Sendable {
    let inputs: AdaptationInputs
    let examples: ExamplesReader
    let shelf: RecipeShelf
    let items: ItemDirectory
    let caches: TextCaches
    let briefs: CampaignBriefs
    let deltas: DeltaReader

    /// Fetches one delivery: chunks that agree in tenant, base and recipe.
    func fetch(_ chunks: [ClaimedChunk]) async throws -> FetchedDelivery {
        let recipe = try await shelf.recipe(of: chunks[0])
        var delivery = FetchedDelivery(
            chunks: chunks, recipe: recipe, texts: TextTable(caches.memory(of: recipe)))
        let jobs = delivery.jobs
        let recorded = try await examples.newest(of: jobs, limit: recipe.recipe.settings.maximumExamples)
        // Those who are refused have no items to learn: they are refused below, each with the reason.
        try await learnItems(
            recorded.compactMap {
                guard case .success(let examples) = $0 else { return nil }
                return examples
            })
        let copies = try await copies(of: chunks, for: recipe.recipe)
        for (job, examples) in zip(jobs, recorded) {
            do throws(Problem) {
                let known = try examples.get()
                var user = try support(of: job, known, in: chunks[0].tenant, &delivery.texts)
                user.copy = try copies[job.jobID]?.get()
                delivery.users.append(user)
            } catch {
                delivery.refused.append((job, error))
            }
        }
        delivery.missingTexts = try await texts(of: delivery.texts)
        return delivery
    }

    private func support(
        of job: ClaimedJob, _ examples: RecordedExamples, in tenant: String, _ texts: inout TextTable
    ) throws(Problem) -> FetchedUser {
        let location = "\(tenant)/\(job.user)"
        let labels = examples.labels
        try UserSupport.check(labels: labels, at: location)
        let digests = items.digests(of: examples.items.compactMap { $0 })
        var known = digests.makeIterator()
        var rows: [Int32] = []
        rows.reserveCapacity(labels.count)
        for index in labels.indices {
            if let item = examples.items[index] {
                guard let digest = known.next() ?? nil else {
                    throw Problem(
                        "unknown_item", at: location, "example \(index + 1) names item \(item), which is gone.",
                        do: "import the catalogue again, or record the example with its text.")
                }
                rows.append(texts.row(of: digest, source: .item(item)))
            } else if let text = examples.texts[index] {
                rows.append(texts.row(of: TextDigest(of: text), source: .text(text)))
            }
        }
        return FetchedUser(
            job: job, support: UserSupport(rows: rows, labels: labels), dataThrough: examples.dataThrough)
    }

    /// What users of campaigns that start from copies have under the base before, by job.
    ///
    /// A recipe inside the encoder starts everybody anew: its start is what its rates were learned for, and what users had is of
    /// another base's channels.
    private func copies(
        of chunks: [ClaimedChunk], for recipe: Recipe
    ) async throws -> [Int64: Result<HeadDelta, Problem>] {
        guard recipe.kind == .pooledHead else { return [:] }
        var copies: [Int64: Result<HeadDelta, Problem>] = [:]
        func refuse(_ job: ClaimedJob, _ chunk: ClaimedChunk, _ errorClass: String, _ reason: String) {
            copies[job.jobID] = .failure(
                Problem(
                    errorClass, at: "\(chunk.tenant)/\(job.user)", reason,
                    do: "start a campaign from the recipe: warm_start => 'recipe'."))
        }
        for chunk in chunks {
            guard let campaign = chunk.campaignID, let brief = try await briefs.brief(campaign), brief.startsFromCopies,
                let before = brief.before
            else { continue }
            let deltas = try await deltas.deltas(of: chunk.jobs.map(\.uid), under: before.base)
            for (job, delta) in zip(chunk.jobs, deltas) {
                switch delta {
                case .success(nil): break
                case .success(let stored?):
                    guard case .head(let delta) = stored.delta else {
                        refuse(
                            job, chunk, "adapter_kind",
                            "what the user has is inside the encoder, the recipe adapts a head over pooled features.")
                        continue
                    }
                    guard let copy = recipe.carried(delta, from: stored.recipe) else {
                        refuse(
                            job, chunk, "width_mismatch",
                            "what the user has is for \(stored.recipe.baseWidth) features of a text, the recipe is for "
                                + "\(recipe.baseWidth).")
                        continue
                    }
                    copies[job.jobID] = .success(copy)
                case .failure(let problem): copies[job.jobID] = .failure(problem)
                }
            }
        }
        return copies
    }

    private func learnItems(_ recorded: [RecordedExamples]) async throws {
        let unknown = items.unknown(among: recorded.lazy.flatMap(\.items).compactMap { $0 })
        guard !unknown.isEmpty else { return }
        items.insert(
            try await inputs.itemDigests(unknown).compactMap { entry in
                TextDigest(sha256: entry.sha256).map { (entry.item, $0) }
            })
    }

    /// The texts of rows that the cache had no features for.
    private func texts(of table: TextTable) async throws -> [(row: Int, text: String)] {
        var found: [(row: Int, text: String)] = []
        var rowOfItem: [Int32: Int] = [:]
        for row in table.missing {
            switch table.sources[row] {
            case .text(let text): found.append((row, text))
            case .item(let item): rowOfItem[item] = row
            }
        }
        guard !rowOfItem.isEmpty else { return found }
        for item in try await inputs.itemTexts(Array(rowOfItem.keys)) {
            // Features are kept under the digest: those of a text corrected a moment ago must not be taken for it.
            guard let row = rowOfItem[item.item], TextDigest(of: item.text) == table.digests[row] else { continue }
            found.append((row, item.text))
            rowOfItem[item.item] = nil
        }
        if let changed = rowOfItem.keys.min() {
            items.forget(rowOfItem.keys)
            throw Problem(
                "item_changed", at: "item \(changed)", "its text was changed or removed while it was being read.",
                do: "nothing: the jobs run again with what stands there now.", isRetryable: true)
        }
        return found
    }
}
