extension Checker {
    /// I8, rule 11: of an erased user nothing is left or comes back.
    mutating func checkErasure() {
        let erased = Set(history.users.filter(\.isErased).map(\.uid))
        for uid in history.told.erased where !erased.contains(uid) {
            report(.erasureUndone, "user \(uid)", "told to be erased, but the name is still there")
        }
        for user in history.users where user.isErased && user.hasData {
            report(.erasureUndone, "user \(user.uid)", "examples are there")
        }
        for revision in history.revisions where erased.contains(revision.uid) {
            report(.erasureUndone, "user \(revision.uid)", "revision \(revision.id) is there")
        }
        for pointer in history.pointers where erased.contains(pointer.uid) {
            report(.erasureUndone, "user \(pointer.uid)", "a pointer under base \(pointer.baseID) is there")
        }
        for slot in history.slots where erased.contains(slot.uid) {
            report(.erasureUndone, "user \(slot.uid)", "bytes of revision \(slot.revisionID) are named")
        }
    }

    /// I5: every revision's bytes are in the store, as they were published.
    mutating func checkObjects() {
        let slots = Dictionary(history.slots.map { ($0.revisionID, $0) }) { first, _ in first }
        let objects = Dictionary(history.objects.map { ($0.id, $0) }) { first, _ in first }
        for revision in history.revisions {
            let subject = "revision \(revision.id)"
            guard let slot = slots[revision.id], slot.uid == revision.uid else {
                report(.slotMissing, subject, "nothing says where its bytes lie")
                continue
            }
            guard let object = objects[slot.objectID] else {
                report(.objectMissing, subject, "object \(slot.objectID) has no row")
                continue
            }
            if !object.isLive { report(.objectNotLive, subject, "object \(object.key) is condemned or deleted") }
            guard let stored = history.stored[object.key] else {
                report(.objectMissing, subject, "\(object.key) is not in the store")
                continue
            }
            if stored.sha256 != object.sha256 || stored.byteCount != object.byteCount {
                report(
                    .digestDiffers, subject,
                    "\(object.key) has \(stored.byteCount) bytes of \(stored.sha256.prefix(12)), published were "
                        + "\(object.byteCount) of \(object.sha256.prefix(12))")
            }
            if Int64(slot.offset) + Int64(slot.length) > stored.byteCount {
                report(.slotOutsideObject, subject, "\(slot.offset)+\(slot.length) of \(stored.byteCount) bytes")
            }
        }
    }

    /// I6 and I7: base, recipe and bytes agree, and nothing is another tenant's.
    mutating func checkOwners() {
        for (revision, reason) in history.unreadable.sorted(by: { $0.key < $1.key }) {
            report(.unreadableAdapter, "revision \(revision)", reason)
        }
        let objects = Dictionary(history.objects.map { ($0.id, $0) }) { first, _ in first }
        let prefixes = Dictionary(history.tenants.map { ($0.id, $0.keyPrefix) }) { first, _ in first }
        for revision in history.revisions {
            let base = history.baseOfRecipe[revision.recipeID]
            if base != revision.baseID {
                report(
                    .recipeOfAnotherBase, "revision \(revision.id)",
                    "base \(revision.baseID), its recipe \(revision.recipeID) is for base \(base ?? 0)")
            }
            if usersByID[revision.uid].map({ $0.tenantID != revision.tenantID }) ?? true {
                report(.tenantsMixed, "revision \(revision.id)", "it is not of its user's tenant")
            }
        }
        for slot in history.slots {
            guard let revision = revisionsByID[slot.revisionID], let object = objects[slot.objectID] else { continue }
            let prefix = prefixes[revision.tenantID].map { $0 + "/" } ?? "no tenant"
            if object.tenantID != revision.tenantID || !object.key.hasPrefix(prefix) {
                report(.tenantsMixed, "revision \(revision.id)", "its bytes lie in \(object.key)")
            }
        }
        for job in history.jobs where usersByID[job.uid]?.tenantID != job.tenantID {
            report(.tenantsMixed, "job \(job.id)", "it is not of its user's tenant")
        }
    }

    /// I3: every time that was written down is the database's, whatever the clocks of workers said.
    mutating func checkClocks() {
        for outcome in history.outcomes {
            let start = outcome.claimedAt ?? outcome.finishedAt
            guard history.window.contains(start), history.window.contains(outcome.finishedAt),
                start <= outcome.finishedAt
            else {
                report(
                    .timeNotTheDatabases, "job \(outcome.jobID)",
                    "claimed at \(start), ended at \(outcome.finishedAt), the run was \(history.window)")
                continue
            }
        }
    }

    /// Pages that a claim may touch, whatever waits, has ended or is dead: for itself, for each chunk, each job, each job
    /// that ends in it and each that it makes for a campaign.
    ///
    /// Measured with warm caches: 60, of which a limited tenant takes half; 37 a chunk (four looks at it by its id, its
    /// lease written with two index entries, base, recipe, tenant and kind); 8 a job (itself, its user and pointer, each an
    /// index of three levels). A job that ends here writes an outcome, one that follows is a row with its index entries, at
    /// worst in a chunk of its own. Beyond that each has a quarter to a half for
    /// another level of indexes; what grows with the backlog or with what has ended is of another order.
    static let claimPages: (once: Int64, eachChunk: Int64, eachJob: Int64, eachEnding: Int64, eachFollower: Int64) =
        (96, 48, 12, 16, 64)

    /// I10: what a claim touches depends on what it takes alone.
    mutating func checkClaimCost() {
        for probe in history.probes where probe.jobs > 0 {
            let limit =
                Self.claimPages.once + probe.chunks * Self.claimPages.eachChunk + probe.jobs * Self.claimPages.eachJob
                + probe.endings * Self.claimPages.eachEnding + probe.followers * Self.claimPages.eachFollower
            if probe.pages > limit {
                report(
                    .claimCostGrew, probe.moment,
                    "\(probe.pages) pages, not \(limit), for \(probe.jobs) jobs in \(probe.chunks) chunks "
                        + "(\(probe.endings) ended) with \(probe.waitingChunks) chunks waiting and "
                        + "\(probe.endedJobs) jobs ended")
            }
        }
    }
}
