import Synchronization
import Testing
import Worker

/// The lane of deliveries that have many texts to embed.
@Suite(.timeLimit(.minutes(1))) struct ColdLaneTests {
    @Test("beyond its room whoever adds waits until a delivery is done; a single one always fits; order is kept")
    func bounded() async throws {
        let fetched = try await Claims.fetched(users: 3)
        let lane = ColdLane(userLimit: 4)
        let added = Mutex(0)
        let adding = Task {
            for _ in 0..<3 {
                await lane.put(fetched)
                added.withLock { $0 += 1 }
            }
            lane.finish()
        }
        var done = 0
        for await delivery in lane.deliveries {
            // Another three users would be six of four: whoever adds them waits for this delivery to be done.
            for _ in 0..<100 { await Task.yield() }
            #expect(added.withLock { $0 } <= done + 1)
            done += 1
            lane.note(done: delivery)
        }
        await adding.value
        #expect(done == 3)
        let small = ColdLane(userLimit: 1)
        await small.put(fetched)
    }

    @Test("whoever waits for room is let go when the drain cancels")
    func cancelled() async throws {
        let fetched = try await Claims.fetched(users: 3)
        let lane = ColdLane(userLimit: 3)
        await lane.put(fetched)
        let waiting = Task { await lane.put(fetched) }
        waiting.cancel()
        await waiting.value
        lane.finish()
        var held = 0
        for await _ in lane.deliveries { held += 1 }
        #expect(held == 1)
    }
}
