import Queue
import Testing
import Worker

/// Which chunks of a claim are worked on together, and what a worker says that it holds.
@Suite struct GroupingTests {
    private func chunk(_ id: Int64, like chunk: ClaimedChunk) -> ClaimedChunk {
        var copy = chunk
        copy.fence = Fence(chunkID: id, attempt: 1, token: chunk.fence.token)
        return copy
    }

    @Test("chunks that agree in tenant, kind, base and recipe make one delivery, in the order of the claim")
    func together() async throws {
        let one = try await Claims.chunk(users: 2).chunk
        let chunks = (1...7).map { chunk($0, like: one) }
        var mixed = chunks
        mixed[1].tenantID += 1
        mixed[3].baseID += 1
        mixed[4].recipeID += 1
        mixed[6].kind = MetaRunQueue.kind
        let groups = Worker.deliveries(mixed).map { $0.map(\.fence.chunkID) }
        #expect(groups == [[1, 3, 6], [2], [4], [5], [7]])
        #expect(Worker.deliveries(chunks).map(\.count) == [7])
        #expect(Worker.deliveries([]).isEmpty)
    }

    @Test("a chunk that crashed two workers is worked on alone, so that it takes nobody with it")
    func suspectsAlone() async throws {
        let one = try await Claims.chunk(users: 2).chunk
        var chunks = (1...4).map { chunk($0, like: one) }
        chunks[0].crashes = 2
        chunks[2].crashes = 3
        #expect(Worker.deliveries(chunks).map { $0.map(\.fence.chunkID) } == [[1], [2, 4], [3]])
    }

    @Test("what is in hand is counted in jobs until it is released under the fence it was taken with")
    func inHand() async throws {
        let one = try await Claims.chunk(users: 3).chunk
        let hand = ChunksInHand()
        #expect(hand.isEmpty && hand.heartbeat == (0, 0, 0))
        hand.take([chunk(1, like: one), chunk(2, like: one)])
        #expect(hand.heartbeat.jobs == 6 && hand.heartbeat.costMilliseconds == 30 && hand.fences.count == 2)
        hand.release([Fence(chunkID: 1, attempt: 2, token: one.fence.token)])
        #expect(hand.fences.count == 2, "another claim's fence releases nothing")
        hand.release([chunk(1, like: one).fence])
        #expect(hand.fences.map(\.chunkID) == [2] && hand.heartbeat.jobs == 3)
        #expect(hand.heartbeat.progress == 3, "each of these was progress")
    }

    @Test("a chunk that could not be given up stays in hand and is remembered for the next heartbeat")
    func abandoned() async throws {
        let one = try await Claims.chunk(users: 3).chunk
        let hand = ChunksInHand()
        hand.take([chunk(1, like: one), chunk(2, like: one)])
        hand.abandon([chunk(2, like: one).fence])
        #expect(hand.abandoned.map(\.chunkID) == [2] && hand.fences.count == 2)
        hand.release(hand.abandoned)
        #expect(hand.abandoned.isEmpty && hand.fences.map(\.chunkID) == [1])
    }
}
