import Testing

@testable import Chaos

/// The checker finds every kind of violation, planted one at a time into a history that holds none.
@Suite struct CheckerTests {
    @Test("a history without fault has no violation")
    func sound() {
        #expect(Checker.violations(in: .sound).isEmpty)
        #expect(Checker.violations(in: History()).isEmpty)
    }

    @Test("every kind of violation is found where it is planted", arguments: Violation.Kind.allCases)
    func planted(kind: Violation.Kind) throws {
        let plant = try #require(Self.plants[kind], "no violation of this kind is planted")
        var history = History.sound
        plant(&history)
        let found = Checker.violations(in: history)
        #expect(found.contains { $0.kind == kind }, "\(found)")
    }

    /// How each kind comes about.
    static let plants: [Violation.Kind: @Sendable (inout History) -> Void] = [
        .jobWithoutEnd: { $0.outcomes.removeAll { $0.jobID == 2048 } },
        .acceptedJobMissing: { history in
            history.jobs.removeAll { $0.id == 2048 }
            history.outcomes.removeAll { $0.jobID == 2048 }
        },
        .outcomeWithoutJob: { $0.outcomes.append(.sound(job: 9216, uid: 1, ending: .kept)) },
        .mergedIntoNothing: { history in
            history.edit(outcome: 3072) { ($0.ending, $0.mergedInto, $0.revisionID) = (.merged, 4096, nil) }
        },
        .chunkLeftOpen: { $0.chunks[0].isClosed = false },
        .dataNotAdapted: { $0.users[0].dataSeq += 1 },
        .twoOutcomes: { $0.outcomes.append($0.outcomes[0]) },
        .twoJobsOfAKey: { history in
            history.jobs.append(History.Job(id: 9216, uid: 1, tenantID: 1, keyHash: "01"))
            history.outcomes.append(.sound(job: 9216, uid: 1, ending: .kept))
        },
        .twoRevisionsOfAJob: { $0.addRevision(id: 19, uid: 2, parent: 12, number: 2, job: 3072) },
        .revisionWithoutCompletion: { history in
            history.edit(outcome: 3072) { ($0.ending, $0.revisionID) = (.kept, nil) }
        },
        .completionWithoutRevision: { history in
            history.revisions.removeAll { $0.id == 12 }
            history.slots.removeAll { $0.revisionID == 12 }
        },
        .publishedWithoutLease: { $0.chunks[1].attempt += 1 },
        .forkedLine: { $0.addRevision(id: 19, uid: 1, parent: 10, number: 3, job: 4096) },
        .cancelledJobRan: { $0.told.cancelled = [1024] },
        .erasureUndone: { history in
            history.pointers.append(
                History.Pointer(uid: 3, baseID: 1, revisionID: nil, number: 0, judgedThrough: 0))
        },
        .stalePointer: { $0.pointers[0].revisionID = 10 },
        .pointerMissing: { $0.pointers.removeAll { $0.uid == 2 } },
        .judgedBeyondData: { $0.pointers[0].judgedThrough += 1 },
        .promotionLost: { $0.tenants[0].baseID = 2 },
        .pointerToNothing: { $0.pointers[0].revisionID = 99 },
        .slotMissing: { $0.slots.removeLast() },
        .objectMissing: { $0.stored["t1/pack-b"] = nil },
        .objectNotLive: { $0.objects[0].isLive = false },
        .digestDiffers: { $0.stored["t1/pack-a"]?.sha256 = "ff" },
        .slotOutsideObject: { $0.slots[0].length = 1000 },
        .unreadableAdapter: { $0.unreadable[11] = "base_mismatch" },
        .recipeOfAnotherBase: { $0.baseOfRecipe[1] = 2 },
        .tenantsMixed: { $0.objects[0].key = "t2/pack-a" },
        .timeNotTheDatabases: { $0.outcomes[1].claimedAt = -3600 },
        .claimCostGrew: { $0.probes[1].pages = 1400 },
    ]

    @Test("what a guard forbids is found whoever it happened to: a fork between two workers, a chunk taken back")
    func unguardedPublish() {
        var history = History.sound
        // Two workers published the same job from the same parent.
        history.addRevision(id: 19, uid: 2, parent: nil, number: 2, job: 3072)
        history.chunks[2].hasToken = false
        let kinds = Set(Checker.violations(in: history).map(\.kind))
        #expect(kinds.isSuperset(of: [.twoRevisionsOfAJob, .forkedLine, .stalePointer, .publishedWithoutLease]))
    }

    @Test("a rollback, told or perhaps done, excuses where a line goes on and where a pointer stands")
    func rollback() {
        var history = History.sound
        history.pointers[0].revisionID = 10
        history.told.rollbacks = [Told.Rollback(uid: 1, from: 2, to: 1)]
        #expect(Checker.violations(in: history).isEmpty)
        history.told.rollbacks = [Told.Rollback(uid: 2, from: 2, to: 1)]
        #expect(Checker.violations(in: history).map(\.kind) == [.stalePointer], "another user's rollback is no excuse")

        // From 2 back to 0 over 1, then a new revision from there.
        history = .sound
        history.addRevision(id: 19, uid: 1, parent: nil, number: 3, job: 4096)
        history.pointers[0].revisionID = 19
        history.pointers[0].number = 3
        history.told.rollbacks = [Told.Rollback(uid: 1, from: 2, to: 1), Told.Rollback(uid: 1, from: 1, to: 0)]
        #expect(Checker.violations(in: history).isEmpty)
    }

    @Test("erasure excuses what it removes: keys, revisions of completed jobs, acknowledged bulk jobs")
    func erasure() {
        var history = History.sound
        history.users[1] = History.User(uid: 2, tenantID: 1, dataSeq: 0, isErased: true, hasData: false)
        history.told.erased.append(2)
        history.revisions.removeAll { $0.uid == 2 }
        history.slots.removeAll { $0.uid == 2 }
        history.pointers.removeAll { $0.uid == 2 }
        history.jobOfKey[DedupKey(tenantID: 1, hash: "03")] = nil
        history.jobs[2].keyHash = nil
        #expect(Checker.violations(in: history).isEmpty)
        history.users[1].isErased = false
        #expect(Checker.violations(in: history).contains { $0.kind == .erasureUndone })
    }

    @Test("every kind names its invariant and its harm")
    func names() {
        for kind in Violation.Kind.allCases {
            #expect(["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10"].contains(kind.invariant))
        }
        #expect(Set(Violation.Kind.allCases.map(\.harm)) == Set(Violation.Harm.allCases))
        let violation = Violation(.twoRevisionsOfAJob, "job 1024", "revisions [1, 2]")
        #expect(violation.description == "I2 twoRevisionsOfAJob: job 1024: revisions [1, 2]")
    }
}
