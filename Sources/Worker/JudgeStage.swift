import Adapters
import Blocking
import Meta
import Model
import Queue
import Recipe
import Registry
import Tensor

/// The mark that a campaign's feed puts on the jobs of users who are to be judged: `attune.judge/1 ROUND WAVE`.
package struct JudgeMark: Sendable, Equatable {
    /// The campaign's round.
    package var round: Int32
    /// The wave.
    package var wave: Int32

    /// Reads a job's payload; nil when it carries no mark.
    package init?(_ payload: [UInt8]?) {
        let words = String(decoding: payload ?? [], as: UTF8.self).split(separator: " ")
        guard words.count == 3, words[0] == "attune.judge/1", let round = Int32(words[1]), let wave = Int32(words[2])
        else { return nil }
        (self.round, self.wave) = (round, wave)
    }
}

/// Judges marked users of a campaign: the new base and recipe against what the users had, on examples that neither saw.
///
/// Where this worker holds the old base, both recipes adapt on all but the newest examples and are scored on those. Where
/// it does not, the guard's leave-one-out loss stands against the one recorded with the user's present revision.
struct JudgeStage: Sendable {
    let inputs: AdaptationInputs
    let shelf: RecipeShelf
    let bases: BaseShelf
    let threads: ComputeThreads
    let briefs: CampaignBriefs
    let finders: StateFinders
    let workspaces: EncoderWorkspaces

    /// One user to judge.
    private struct Candidate {
        var user: FetchedUser
        var adaptation: Adaptation<UserDelta>
        var mark: JudgeMark
    }

    /// Judges whoever of a delivery is marked and writes it down; returns how many users.
    func judge(_ adapted: AdaptedDelivery) async throws -> Int {
        let campaigns = Dictionary(
            adapted.fetched.chunks.compactMap { chunk in chunk.campaignID.map { (chunk.fence.chunkID, $0) } },
            uniquingKeysWith: { first, _ in first })
        guard !campaigns.isEmpty else { return 0 }
        var candidates: [Int32: [Candidate]] = [:]
        for (user, adaptation) in zip(adapted.fetched.users, adapted.adaptations) {
            guard let campaign = campaigns[user.job.chunkID], let mark = JudgeMark(user.job.payload) else { continue }
            candidates[campaign, default: []].append(Candidate(user: user, adaptation: adaptation, mark: mark))
        }
        var count = 0
        for (campaign, users) in candidates.sorted(by: { $0.key < $1.key }) {
            guard let brief = try await briefs.brief(campaign), let before = brief.before else { continue }
            // The guard of copies has seen what it judges them by: without the old base nobody is judged here.
            let judgements =
                bases[before.base] == nil
                ? (brief.startsFromCopies ? [] : users.compactMap(Self.byGuard))
                : try await byTail(users, before, copies: brief.startsFromCopies, adapted.fetched)
            if !judgements.isEmpty { count += try await inputs.add(judgements, to: campaign) }
        }
        return count
    }

    /// What is kept is served as before adapting: the start's loss.
    private static func byGuard(_ candidate: Candidate) -> UserJudgement? {
        guard let losses = candidate.adaptation.leaveOut else { return nil }
        return judgement(
            candidate, .guard, examples: candidate.adaptation.examples, before: nil,
            after: Double(candidate.adaptation.delta == nil ? losses.start : losses.adapted))
    }

    private static func judgement(
        _ candidate: Candidate, _ method: UserJudgement.Method, examples: Int, before: Double?, after: Double
    ) -> UserJudgement {
        UserJudgement(
            uid: candidate.user.job.uid, epoch: candidate.user.job.epoch, round: candidate.mark.round,
            wave: candidate.mark.wave, method: method, examples: Int32(clamping: examples), lossBefore: before,
            lossAfter: after)
    }

    private func byTail(
        _ candidates: [Candidate], _ before: CampaignBrief.Before, copies: Bool, _ delivery: FetchedDelivery
    ) async throws -> [UserJudgement] {
        let new = delivery.recipe
        let old = try await shelf.recipe(id: before.recipeID, digest: before.recipe, base: before.base)
        let limit = min(new.recipe.settings.maximumExamples, old.recipe.settings.maximumExamples)
        let tails = candidates.compactMap { candidate in
            HeldOutTail(candidate.user.support, newest: limit).map { (candidate: candidate, tail: $0) }
        }
        guard !tails.isEmpty else { return [] }
        let table = try await JudgedTexts(of: tails.map(\.tail), in: delivery.texts, inputs: inputs)
        // A text that was removed meanwhile takes its users out of the sample.
        let judged = tails.compactMap { entry in table.renumbered(entry.tail).map { (entry.candidate, $0) } }
        let users = judged.map(\.1)
        let had = try await outcomes(of: users, table.texts, under: old)
        // Copies of what was adapted without the tail: the deltas that users have were fitted on it too.
        let starts = had.map { outcome in outcome.delta.flatMap { new.recipe.carried($0, from: old.recipe) } }
        let have = try await outcomes(of: users, table.texts, under: new, from: copies ? starts : nil)
        return zip(judged, zip(had, have)).map { entry, outcome in
            Self.judgement(
                entry.0, .tail, examples: entry.1.labels.count, before: outcome.0.loss, after: outcome.1.loss)
        }
    }

    /// What each user's held-out examples come to under a recipe whose base this worker holds.
    private func outcomes(
        of users: [HeldOutTail], _ texts: [String], under loaded: LoadedRecipe, from copies: [HeadDelta?]? = nil
    ) async throws -> [HeldOutTail.Outcome] {
        let recipe = loaded.recipe
        if let job = try bases.encoderJob(loaded, at: "recipe \(recipe.name)") {
            let sequences = try await workspaces.sequences(texts, job, on: threads)
            return try await workspaces.each(users, over: sequences, job, on: threads) {
                $0.outcome(under: job.rule, &$1)
            }
        }
        let encoder = try bases.encoder(of: recipe.baseDigest, at: "recipe \(recipe.name)")
        let values = try await threads.spread(ComputeThreads.textSlices(texts)) { try encoder.features($0).values }
            .flatMap { $0 }
        let pooled = Matrix(rows: texts.count, columns: recipe.baseWidth, values: values)
        let features = recipe.features(pooled, of: texts.map { TextDigest(of: $0) })
        return try await threads.run { [finders] _ in
            let starts = copies.map { finders.finder(loaded).starts(from: $0, scale: recipe.settings.scale) }
            return HeldOutTail.outcomes(of: users, under: recipe, features: features, from: starts)
        }
    }
}

/// The texts that judged users' examples name, each once.
private struct JudgedTexts {
    private(set) var texts: [String] = []
    private var rowOfText: [Int: Int32] = [:]

    init(of tails: [HeldOutTail], in table: TextTable, inputs: AdaptationInputs) async throws {
        let rows = Set(tails.flatMap { $0.support.rows.map { Int($0) } + $0.rows }).sorted()
        var rowOfItem: [Int32: Int] = [:]
        for row in rows {
            switch table.sources[row] {
            case .text(let text): add(text, row)
            case .item(let item): rowOfItem[item] = row
            }
        }
        guard !rowOfItem.isEmpty else { return }
        for item in try await inputs.itemTexts(rowOfItem.keys.sorted()) {
            if let row = rowOfItem[item.item] { add(item.text, row) }
        }
    }

    private mutating func add(_ text: String, _ row: Int) {
        rowOfText[row] = Int32(texts.count)
        texts.append(text)
    }

    /// The same user over these texts; nil when one of them is gone.
    func renumbered(_ tail: HeldOutTail) -> HeldOutTail? {
        var tail = tail
        let support = tail.support.rows.compactMap { rowOfText[Int($0)] }
        let rows = tail.rows.compactMap { rowOfText[$0].map { Int($0) } }
        guard support.count == tail.support.count, rows.count == tail.rows.count else { return nil }
        tail.support = UserSupport(rows: support, labels: tail.support.labels)
        tail.rows = rows
        return tail
    }
}
