import Foundation
import Postgres
import PostgresTestSupport
import Queue
import Testing

/// When a partition of history is closed, how large it is, and when it goes.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct HistoryPartitionTests {
    @Test("a partition closes only when every transaction that took an id from it has ended")
    func closing() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.record(2, of: "a", tenant: "acme")
            let open = "SELECT count(*) FROM attune.history_part WHERE closed_at IS NULL AND passed_at IS NOT NULL"
            try await world.database.withConnection { other in
                // It holds an id, and has written nothing yet.
                let take = "BEGIN; SELECT nextval('attune.chunk_id_seq')"
                try await other.executeScript(Statement(name: take, text: take))
                try await world.run("SELECT setval('attune.chunk_id_seq', $1)", [.int64(HistoryWorld.partIDs)])
                for _ in 0..<3 { #expect(try await history.history.advance(epoch: history.epoch) == 0) }
                #expect(try await world.value(open) == Int64(1))
                try await other.executeScript(Statement(name: "commit", text: "COMMIT"))
            }
            try await history.closeUsed()
            #expect(try await world.value(open) == Int64(0))
        }
    }

    @Test(
        "a site that uses few ids starts a partition by age, but takes no id from under a transaction that is enqueueing"
    )
    func byAge() async throws {
        try await HistoryWorld.with { history in
            let world = history.world
            try await world.record(2, of: "a", tenant: "acme")
            let first = try await history.enqueue("a")
            #expect(first >> 10 < HistoryWorld.partIDs)
            _ = try await history.history.advance(epoch: history.epoch)
            try await world.run("UPDATE attune.history_part SET used_at = used_at - interval '4 days'")
            let meanwhile = try await world.database.withConnection { other in
                let enqueue = "SELECT attune.enqueue('acme', 'a')"
                try await other.executeScript(Statement(name: "begin", text: "BEGIN"))
                let job: Int64 = try await other.execute(Statement(name: enqueue, text: enqueue)).one().decode(0)
                _ = try await history.history.advance(epoch: history.epoch)
                let another = try await history.enqueue("a")
                #expect(another >> 10 < HistoryWorld.partIDs, "somebody holds an id")
                try await other.executeScript(Statement(name: "commit", text: "COMMIT"))
                return job
            }
            try await history.history.advance(epoch: history.epoch)
            let next = try await history.enqueue("a")
            #expect(next >> 10 == HistoryWorld.partIDs)
            #expect(try await world.state(of: meanwhile) == .available)
            let used: Int64 = try await world.value("SELECT passed_ids FROM attune.history_part WHERE first_chunk = 0")
            #expect(used == (meanwhile >> 10) + 2)
            // Used up slowly: the partitions made next are of the least size.
            let sizes = "SELECT max(end_chunk - first_chunk) FROM attune.history_part"
            #expect(try await world.value(sizes) == HistoryWorld.partIDs)
        }
    }

    @Test("where ids go fast, partitions grow: there are never many of them")
    func bySize() async throws {
        try await HistoryWorld.with { history in
            try await history.closeUsed()
            // All of its ids within a minute: an eighth of 30 days holds 5,400 times as many, rounded up to 2^33, and at most 2^30.
            try await history.world.run(
                "UPDATE attune.history_part SET used_at = passed_at - interval '1 minute' WHERE passed_at IS NOT NULL")
            try await history.closeUsed()
            let newest: Int64 = try await history.world.value(
                "SELECT end_chunk - first_chunk FROM attune.history_part ORDER BY first_chunk DESC LIMIT 1")
            #expect(newest == 1 << 30)
            try await history.world.record(2, of: "a", tenant: "acme")
            try await history.world.run(
                "SELECT setval('attune.chunk_id_seq', (SELECT max(end_chunk) - 1 FROM attune.history_part) - 1)")
            let last = try await history.enqueue("a")
            try await history.history.advance(epoch: history.epoch)
            let beyond = try await history.enqueue("a")
            #expect(try await history.world.state(of: last) == .available)
            #expect(beyond == last + 1024)
        }
    }

    @Test("with too many jobs that have not ended a partition stays, and says why")
    func tooMany() async throws {
        try await HistoryWorld.with { history in
            _ = try await history.world.enqueueBulk(5)
            try await history.closeUsed()
            try await history.age(jobs: [])
            #expect(try await history.history.walk(epoch: history.epoch, budget: 10, mostStragglers: 4) == 0)
            let note: String? = try await history.world.value(
                "SELECT note FROM attune.history_part WHERE first_chunk = 0")
            #expect(note == "more than 4 of its jobs have not ended or ended late")
            #expect(try await history.dropOldest() == false)
            #expect(try await history.tables("%\\_carry%") == [])
        }
    }
}
