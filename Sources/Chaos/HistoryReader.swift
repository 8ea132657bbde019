import Artifacts
import ObjectStore
import Postgres
import Schema

/// Reads a history: every row, and every byte of the store that a row names.
struct HistoryReader {
    let database: ConnectionPool
    let store: any ObjectStore

    /// What each slot's bytes have to be.
    private struct Frame {
        let revisionID: Int64
        let key: String
        let range: Range<Int>
        let sha256: String
        let recipeID: Int32
    }

    private struct RecipeRow {
        let baseID: Int32
        let provenance: AdapterProvenance
        let width: Int
    }

    /// Everything but what was told and what was measured on the way.
    func read() async throws -> History {
        var history = History()
        try await readWork(&history)
        try await readAdapters(&history)
        let recipes = try await recipes()
        history.baseOfRecipe = recipes.mapValues(\.baseID)
        let frames = try await readSlots(&history)
        try await readStore(&history, frames, recipes)
        return history
    }

    private func rows(_ file: SQLFile) async throws -> Rows { try await database.execute(Statement(file)) }

    private func readWork(_ history: inout History) async throws {
        history.tenants = try await rows(SQL.Chaos.historyTenants).map { row in
            let (id, prefix, base, epoch) = try row.values(Int32.self, String.self, Int32?.self, Int64.self)
            return History.Tenant(id: id, keyPrefix: prefix, baseID: base, baseEpoch: epoch)
        }
        history.users = try await rows(SQL.Chaos.historyUsers).map { row in
            let (uid, tenant, seq, erased, data) = try row.values(
                Int64.self, Int32.self, Int64.self, Bool.self, Bool.self)
            return History.User(uid: uid, tenantID: tenant, dataSeq: seq, isErased: erased, hasData: data)
        }
        history.jobs = try await rows(SQL.Chaos.historyJobs).map { row in
            let (id, uid, tenant, hash) = try row.values(Int64.self, Int64.self, Int32.self, String?.self)
            return History.Job(id: id, uid: uid, tenantID: tenant, keyHash: hash)
        }
        history.chunks = try await rows(SQL.Chaos.historyChunks).map { row in
            let (id, closed, attempt, worker, token) = try row.values(
                Int64.self, Bool.self, Int32.self, Int64?.self, Bool.self)
            return History.Chunk(id: id, isClosed: closed, attempt: attempt, workerID: worker, hasToken: token)
        }
        history.outcomes = try await rows(SQL.Chaos.historyOutcomes).compactMap { row in
            guard let ending = History.Ending(rawValue: try row.decode(4)) else { return nil }
            return History.Outcome(
                jobID: try row.decode(0), uid: try row.decode(1), chunkID: try row.decode(2),
                attempt: try row.decode(3), ending: ending, workerID: try row.decode(5), revisionID: try row.decode(6),
                mergedInto: try row.decode(7), claimedAt: try row.decode(8), finishedAt: try row.decode(9))
        }
        for row in try await rows(SQL.Chaos.historyKeys) {
            let (tenant, hash, job) = try row.values(Int32.self, String.self, Int64.self)
            history.jobOfKey[DedupKey(tenantID: tenant, hash: hash)] = job
        }
    }

    private func readAdapters(_ history: inout History) async throws {
        history.revisions = try await rows(SQL.Chaos.historyRevisions).map { row in
            let (id, uid, tenant, base, recipe, parent, job, number) = try row.values(
                Int64.self, Int64.self, Int32.self, Int32.self, Int32.self, Int64?.self, Int64.self, Int32.self)
            return History.Revision(
                id: id, uid: uid, tenantID: tenant, baseID: base, recipeID: recipe, parentID: parent, jobID: job,
                number: number)
        }
        history.objects = try await rows(SQL.Chaos.historyObjects).map { row in
            let (id, tenant, key, digest, bytes, live) = try row.values(
                Int64.self, Int32.self, String.self, String.self, Int64.self, Bool.self)
            return History.Object(id: id, tenantID: tenant, key: key, sha256: digest, byteCount: bytes, isLive: live)
        }
        history.pointers = try await rows(SQL.Chaos.historyPointers).map { row in
            let (uid, base, revision, number, judged) = try row.values(
                Int64.self, Int32.self, Int64?.self, Int32.self, Int64.self)
            return History.Pointer(uid: uid, baseID: base, revisionID: revision, number: number, judgedThrough: judged)
        }
    }

    private func recipes() async throws -> [Int32: RecipeRow] {
        var recipes: [Int32: RecipeRow] = [:]
        for row in try await rows(SQL.Chaos.historyRecipes) {
            let (id, base, digest, baseDigest, width) = try row.values(
                Int32.self, Int32.self, String.self, String.self, Int32.self)
            recipes[id] = RecipeRow(
                baseID: base, provenance: AdapterProvenance(baseDigest: baseDigest, recipeDigest: digest),
                width: Int(width))
        }
        return recipes
    }

    /// The slots, and what the bytes of each have to be.
    private func readSlots(_ history: inout History) async throws -> [Frame] {
        let keys = Dictionary(history.objects.map { ($0.id, $0.key) }) { first, _ in first }
        let recipeOf = Dictionary(history.revisions.map { ($0.id, $0.recipeID) }) { first, _ in first }
        var frames: [Frame] = []
        for row in try await rows(SQL.Chaos.historySlots) {
            let (revision, object, uid, offset, length, digest) = try row.values(
                Int64.self, Int64.self, Int64.self, Int32.self, Int32.self, String.self)
            history.slots.append(
                History.Slot(revisionID: revision, objectID: object, uid: uid, offset: offset, length: length))
            guard let key = keys[object], let recipe = recipeOf[revision] else { continue }
            frames.append(
                Frame(
                    revisionID: revision, key: key, range: Int(offset)..<Int(offset) + Int(length), sha256: digest,
                    recipeID: recipe))
        }
        return frames
    }

    /// Lists the store, reads every object that a live row names, and every adapter in it.
    private func readStore(_ history: inout History, _ frames: [Frame], _ recipes: [Int32: RecipeRow]) async throws {
        var listed: Set<String> = []
        var after: String?
        repeat {
            let page = try await store.list(prefix: "", after: after, limit: 1000)
            listed.formUnion(page.map(\.key.string))
            after = page.count < 1000 ? nil : page.last?.key.string
        } while after != nil
        let wanted = history.objects.filter { $0.isLive && listed.contains($0.key) }.map(\.key)
        var packs: [String: [UInt8]] = [:]
        for start in stride(from: 0, to: wanted.count, by: 16) {
            try await withThrowingTaskGroup(of: (String, [UInt8]).self) { group in
                for key in wanted[start..<min(start + 16, wanted.count)] {
                    group.addTask { (key, try await store.get(ObjectKey(key))) }
                }
                for try await (key, bytes) in group { packs[key] = bytes }
            }
        }
        history.stored = packs.mapValues {
            History.StoredObject(byteCount: Int64($0.count), sha256: Digest.sha256($0))
        }
        for (recipeID, group) in Dictionary(grouping: frames, by: \.recipeID) {
            guard let recipe = recipes[recipeID] else { continue }
            var coder = AdapterFrameCoder(provenance: recipe.provenance, width: recipe.width)
            for frame in group {
                guard let pack = packs[frame.key], frame.range.upperBound <= pack.count else { continue }
                let bytes = Array(pack[frame.range])
                guard Digest.sha256(bytes) == frame.sha256 else {
                    history.unreadable[frame.revisionID] = "its bytes in \(frame.key) are not those published"
                    continue
                }
                do { _ = try coder.decode(bytes, at: frame.key) } catch {
                    history.unreadable[frame.revisionID] = "\(error)"
                }
            }
        }
    }
}
