@testable import Chaos

extension History {
    /// User 1 has two revisions, user 2 one, user 3 was erased while a job of theirs waited; all is as it should be.
    static let sound: History = {
        var history = History()
        history.window = 0...100
        history.tenants = [Tenant(id: 1, keyPrefix: "t1", baseID: 1, baseEpoch: 3)]
        history.users = [
            User(uid: 1, tenantID: 1, dataSeq: 8, isErased: false, hasData: true),
            User(uid: 2, tenantID: 1, dataSeq: 4, isErased: false, hasData: true),
            User(uid: 3, tenantID: 1, dataSeq: 0, isErased: true, hasData: false),
        ]
        history.baseOfRecipe = [1: 1]
        let objects = ["t1/pack-a", "t1/pack-b"]
        for (index, key) in objects.enumerated() {
            let digest = "a\(index)"
            history.objects.append(
                Object(id: Int64(index + 1), tenantID: 1, key: key, sha256: digest, byteCount: 400, isLive: true))
            history.stored[key] = StoredObject(byteCount: 400, sha256: digest)
        }
        for (chunk, uid, ending) in [
            (1, 1, Ending.completed), (2, 1, .completed), (3, 2, .completed), (4, 3, .cancelled),
        ] as [(Int64, Int64, Ending)] {
            let key = DedupKey(tenantID: 1, hash: "0\(chunk)")
            let isErased = uid == 3
            history.jobs.append(Job(id: chunk * 1024, uid: uid, tenantID: 1, keyHash: isErased ? nil : key.hash))
            history.chunks.append(Chunk(id: chunk, isClosed: true, attempt: 1, workerID: 7, hasToken: true))
            history.outcomes.append(.sound(job: chunk * 1024, uid: uid, ending: ending, revision: 9 + chunk))
            if !isErased { history.jobOfKey[key] = chunk * 1024 }
            history.told.accepted.append(
                Told.Acceptance(key: key, uid: uid, jobID: chunk == 3 ? nil : chunk * 1024))
        }
        history.addRevision(id: 10, uid: 1, parent: nil, number: 1, job: 1024)
        history.addRevision(id: 11, uid: 1, parent: 10, number: 2, job: 2048)
        history.addRevision(id: 12, uid: 2, parent: nil, number: 1, job: 3072)
        history.pointers = [
            Pointer(uid: 1, baseID: 1, revisionID: 11, number: 2, judgedThrough: 8),
            Pointer(uid: 2, baseID: 1, revisionID: 12, number: 1, judgedThrough: 4),
        ]
        history.told.erased = [3]
        history.told.promotions = [
            Told.Promotion(tenantID: 1, baseID: 2, epoch: 2), Told.Promotion(tenantID: 1, baseID: 1, epoch: 3),
        ]
        history.probes = [
            ClaimProbe(
                moment: "start", waitingChunks: 1, endedJobs: 0, chunks: 1, jobs: 20, endings: 0, followers: 0,
                pages: 240),
            ClaimProbe(
                moment: "end", waitingChunks: 1000, endedJobs: 90_000, chunks: 20, jobs: 20, endings: 0, followers: 0,
                pages: 980),
        ]
        return history
    }()

    /// Adds a revision with its bytes in the second object.
    mutating func addRevision(id: Int64, uid: Int64, parent: Int64?, number: Int32, job: Int64) {
        revisions.append(
            Revision(
                id: id, uid: uid, tenantID: 1, baseID: 1, recipeID: 1, parentID: parent, jobID: job, number: number))
        slots.append(Slot(revisionID: id, objectID: id == 10 ? 1 : 2, uid: uid, offset: 80, length: 60))
        edit(outcome: job) { if $0.ending == .cancelled { ($0.ending, $0.revisionID) = (.completed, id) } }
    }

    /// Changes the outcome of a job.
    mutating func edit(outcome job: Int64, _ change: (inout Outcome) -> Void) {
        for index in outcomes.indices where outcomes[index].jobID == job { change(&outcomes[index]) }
    }
}

extension History.Outcome {
    /// What worker 7 published within the run.
    static func sound(job: Int64, uid: Int64, ending: History.Ending, revision: Int64? = nil) -> History.Outcome {
        History.Outcome(
            jobID: job, uid: uid, chunkID: job / 1024, attempt: 1, ending: ending, workerID: 7,
            revisionID: ending == .completed ? revision : nil, mergedInto: nil, claimedAt: 10, finishedAt: 11)
    }
}
