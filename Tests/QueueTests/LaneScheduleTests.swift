import Queue
import Testing

@Suite struct LaneScheduleTests {
    private func result(
        mark: LaneMark = .start, next: LaneMark? = nil, ended: Int = 0, horizon: String = "7",
        needsEmptyHands: Bool = false
    ) -> ClaimResult {
        ClaimResult(
            chunks: [], endedJobs: ended, mark: mark, next: next, horizon: Horizon(horizon),
            needsEmptyHands: needsEmptyHands)
    }

    /// A schedule whose lanes have all been read once at time 0.
    private func read(_ heads: [Int32: LaneMark?]) throws -> LaneSchedule {
        var schedule = LaneSchedule()
        schedule.setLanes(Array(heads.keys))
        for _ in heads {
            let request = try #require(schedule.nextClaim(workerID: 1, at: 0))
            #expect(request.mark == .start && request.lateSince == nil && request.isLook)
            schedule.note(result(next: heads[request.lane] ?? nil), of: request, at: 0)
        }
        return schedule
    }

    @Test("a worker without lanes claims nothing")
    func empty() {
        let schedule = LaneSchedule()
        #expect(schedule.nextClaim(workerID: 1, at: 0) == nil)
    }

    @Test("new lanes are read from their start, then the smallest head is claimed")
    func smallestHead() throws {
        let schedule = try read([
            1: LaneMark(sortKey: 30, chunkID: 1), 2: LaneMark(sortKey: 10, chunkID: 2), 3: nil,
        ])
        let claim = try #require(schedule.nextClaim(workerID: 1, at: 0.1))
        #expect(claim.lane == 2 && !claim.isLook)
    }

    @Test(
        "a lane whose claim fails is put off, longer each time, and the others go on; a claim that succeeds forgives it"
    )
    func failures() throws {
        var schedule = try read([1: LaneMark(sortKey: 10, chunkID: 1), 2: LaneMark(sortKey: 20, chunkID: 2)])
        let failing = try #require(schedule.nextClaim(workerID: 1, at: 0.1))
        #expect(failing.lane == 1)
        schedule.noteFailure(of: failing, at: 0.1)
        #expect(schedule.nextClaim(workerID: 1, at: 0.1)?.lane == 2)
        #expect(schedule.nextClaim(workerID: 1, at: 1)?.lane == 2)
        schedule.noteFailure(of: failing, at: 1.1)
        for _ in 0..<40 { schedule.noteFailure(of: ClaimRequest(workerID: 1, lane: 2), at: 1.1) }
        #expect(schedule.nextClaim(workerID: 1, at: 3) == nil)
        #expect(schedule.nextClaim(workerID: 1, at: 3.2)?.lane == 1)
        #expect(schedule.nextClaim(workerID: 1, at: 40)?.lane == 1)
        schedule.note(result(), of: failing, at: 40)
        schedule.noteFailure(of: failing, at: 40)
        #expect(schedule.nextClaim(workerID: 1, at: 41.1)?.lane == 2)
        schedule.note(result(), of: try #require(schedule.nextClaim(workerID: 1, at: 41.1)), at: 41.1)
        #expect(schedule.nextClaim(workerID: 1, at: 41.2)?.lane == 1)
    }

    @Test("a lane whose sweep found something lets the others be swept before it is looked at again")
    func sweepsInTurn() throws {
        var schedule = try read([1: nil, 2: nil])
        let first = try #require(schedule.nextClaim(workerID: 1, at: 0.25))
        schedule.note(result(ended: 1), of: first, at: 0.25)
        let second = try #require(schedule.nextClaim(workerID: 1, at: 0.3))
        #expect(Set([first.lane, second.lane]) == [1, 2])
        schedule.note(result(), of: second, at: 0.3)
        let again = try #require(schedule.nextClaim(workerID: 1, at: 0.3))
        #expect(again.lane == first.lane && again.lateSince == Horizon("7"))
    }

    @Test("where sweeps never end finding something, heads get half of the time")
    func headsAmongSweeps() throws {
        var schedule = try read([1: LaneMark(sortKey: 10, chunkID: 2), 2: nil])
        var (seconds, heads) = (0.25, 0)
        for _ in 0..<100 {
            let request = try #require(schedule.nextClaim(workerID: 1, at: seconds))
            if request.lateSince == nil { heads += 1 }
            let isLate = request.lane == 2
            let next = request.lane == 1 ? LaneMark(sortKey: 10, chunkID: 2) : nil
            let ended = isLate || request.lateSince == nil ? 1 : 0
            schedule.note(result(next: next, ended: ended), of: request, at: seconds)
            if ended > 0 { seconds += 0.1 }
        }
        #expect((25...50).contains(heads))
    }

    @Test("a worker with many new lanes takes work by the smallest head, at the start and after a minute as well")
    func looksFirst() async throws {
        let store = MemoryQueueStore()
        let worker = try await store.registerWorker(name: "w", version: "1").workerID
        _ = try await store.adoptLanes(workerID: worker)
        try store.addTenant("acme", base: 1, recipe: 1)
        for index in 0..<64 {
            try store.record(1, of: "u-\(index)", tenant: "acme")
            _ = try await store.enqueue(NewJob(tenant: "acme", user: "u-\(index)"))
        }
        let lanes = try await store.heartbeat(Heartbeat(workerID: worker, progress: 0, jobsInHand: 0)).lanes
        var schedule = LaneSchedule()
        schedule.setLanes(lanes)
        var places: [LaneMark] = []
        for seconds in [0, 60.1] {
            for _ in 0..<(lanes.count + 20) {
                guard var request = schedule.nextClaim(workerID: worker, at: seconds) else { break }
                request.jobBudget = 1
                let result = try await store.claim(request)
                schedule.note(result, of: request, at: seconds)
                places += result.chunks.map(\.place)
            }
        }
        #expect(places.count == 40 && places == places.sorted())
    }

    @Test("an idle lane is swept every quarter of a second, for what the sweep before could not see")
    func sweeps() throws {
        var schedule = try read([1: nil])
        #expect(schedule.nextClaim(workerID: 1, at: 0.2) == nil)
        let sweep = try #require(schedule.nextClaim(workerID: 1, at: 0.25))
        #expect(sweep.lateSince == Horizon("7"))
        // One that found something is repeated at once, since the same horizon: there may be more.
        schedule.note(result(ended: 1, horizon: "9"), of: sweep, at: 0.25)
        #expect(schedule.nextClaim(workerID: 1, at: 0.25)?.lateSince == Horizon("7"))
        schedule.note(result(horizon: "9"), of: sweep, at: 0.25)
        #expect(schedule.nextClaim(workerID: 1, at: 0.3) == nil)
        #expect(schedule.nextClaim(workerID: 1, at: 0.5)?.lateSince == Horizon("9"))
    }

    @Test("in a hurry a lane is swept fifty times a second, many lanes at 5 ms a lane")
    func hurries() throws {
        var one = try read([1: nil])
        one.isHurried = true
        #expect(one.nextClaim(workerID: 1, at: 0.019) == nil)
        #expect(one.nextClaim(workerID: 1, at: 0.02)?.lateSince == Horizon("7"))
        var many = try read(Dictionary(uniqueKeysWithValues: (1...20).map { ($0, nil) }))
        many.isHurried = true
        #expect(many.nextClaim(workerID: 1, at: 0.09) == nil)
        #expect(many.nextClaim(workerID: 1, at: 0.1) != nil)
    }

    @Test("a claim goes on from where the lane's last one got to")
    func marks() throws {
        let head = LaneMark(sortKey: 10, chunkID: 2)
        var schedule = try read([1: head])
        let claim = try #require(schedule.nextClaim(workerID: 1, at: 0.1))
        #expect(claim.lateSince == nil)
        schedule.note(result(mark: head, next: LaneMark(sortKey: 11, chunkID: 3), ended: 1), of: claim, at: 0.1)
        #expect(schedule.nextClaim(workerID: 1, at: 0.1)?.mark == head)
    }

    @Test("every minute a lane is read from its start again")
    func rescans() throws {
        let schedule = try read([1: nil])
        #expect(schedule.nextClaim(workerID: 1, at: 59)?.lateSince == Horizon("7"))
        let rescan = try #require(schedule.nextClaim(workerID: 1, at: 60))
        #expect(rescan.lateSince == nil && rescan.mark == .start)
    }

    @Test("nothing is claimed while a lane wants the worker's hands empty")
    func emptyHands() throws {
        var schedule = try read([1: LaneMark(sortKey: 10, chunkID: 2), 2: LaneMark(sortKey: 20, chunkID: 3)])
        let claim = try #require(schedule.nextClaim(workerID: 1, at: 0.1))
        schedule.note(result(next: LaneMark(sortKey: 10, chunkID: 2), needsEmptyHands: true), of: claim, at: 0.1)
        #expect(schedule.wantsEmptyHands)
        #expect(schedule.nextClaim(workerID: 1, at: 0.1) == nil)
        schedule.handsAreEmpty()
        #expect(schedule.nextClaim(workerID: 1, at: 0.1)?.lane == 1)
    }

    @Test("a sweep that met a suspect chunk meets it again")
    func suspectInSweep() throws {
        var schedule = try read([1: nil])
        let sweep = try #require(schedule.nextClaim(workerID: 1, at: 0.25))
        schedule.note(result(horizon: "9", needsEmptyHands: true), of: sweep, at: 0.25)
        schedule.handsAreEmpty()
        #expect(schedule.nextClaim(workerID: 1, at: 0.25)?.lateSince == Horizon("7"))
    }

    @Test("what a sweep sees after the mark is claimed next")
    func headFromSweep() throws {
        var schedule = try read([1: nil])
        let sweep = try #require(schedule.nextClaim(workerID: 1, at: 0.25))
        schedule.note(result(next: LaneMark(sortKey: 5, chunkID: 5)), of: sweep, at: 0.25)
        let claim = try #require(schedule.nextClaim(workerID: 1, at: 0.25))
        #expect(claim.lateSince == nil && claim.lane == 1)
    }

    @Test("a lane that comes back is read from its start")
    func movedLanes() throws {
        var schedule = try read([1: LaneMark(sortKey: 10, chunkID: 2), 2: nil])
        schedule.setLanes([2])
        #expect(schedule.nextClaim(workerID: 1, at: 0.1) == nil)
        schedule.setLanes([1, 2])
        let request = try #require(schedule.nextClaim(workerID: 1, at: 0.1))
        #expect(request.lane == 1 && request.mark == .start && request.lateSince == nil)
    }

    @Test("after the server has started anew every lane is read from its start")
    func restart() throws {
        var schedule = LaneSchedule()
        schedule.setLanes([1], serverStart: 100)
        let first = try #require(schedule.nextClaim(workerID: 1, at: 0))
        let mark = LaneMark(sortKey: 10, chunkID: 2)
        schedule.note(result(mark: mark), of: first, at: 0)
        schedule.setLanes([1], serverStart: 100)
        #expect(schedule.marks == [1: mark])
        // Orders from a store that does not know say nothing.
        schedule.setLanes([1])
        #expect(schedule.marks == [1: mark])
        schedule.setLanes([1], serverStart: 200)
        let again = try #require(schedule.nextClaim(workerID: 1, at: 0.1))
        #expect(again.mark == .start && again.lateSince == nil)
    }
}
