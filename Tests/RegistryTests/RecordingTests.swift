import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct RecordingTests {
    static let items = (1...40).map { CatalogueItem(id: "m\($0)", text: "book \($0)") }

    @Test("items, texts and both together come back in the order of time")
    func roundTrip() async throws {
        try await withCatalogue { registry, ids in
            let first = Recording(
                user: "u-1", subjects: [.item("m1"), .item("m2"), .text("a quiet novel")], labels: [1, 0, 0.5])
            let second = Recording(user: "u-2", subjects: [.item("m3")], labels: [1])
            #expect(try await registry.record([first, second], for: "acme") == RecordingReport(users: 2, examples: 4))
            let third = Recording(user: "u-1", subjects: [.text("ünïcode"), .text("b")], labels: [-2, 3])
            try await registry.record([third], for: "acme")

            let users = try await registry.users(of: "acme", limit: 10)
            #expect(users.map(\.id) == ["u-1", "u-2"] && users.map(\.dataSeq) == [5, 1])
            let examples = try await registry.examples(users.map { ($0.uid, $0.dataSeq) }, newest: 100)
            let one = try #require(examples[users[0].uid])
            #expect(
                one.subjects == [
                    .item(ids["m1"] ?? 0), .item(ids["m2"] ?? 0), .text("a quiet novel"), .text("ünïcode"), .text("b"),
                ])
            #expect(one.labels == [1, 0, 0.5, -2, 3] && one.objects.isEmpty)
            #expect(examples[users[1].uid]?.subjects == [.item(ids["m3"] ?? 0)])
        }
    }

    @Test("only what had been recorded at the claim is read, and only the newest of it")
    func window() async throws {
        try await withCatalogue { registry, _ in
            for part in 0..<6 {
                let labels = (0..<10).map { Float(part * 10 + $0) }
                let subjects = (0..<10).map { ExampleSubject.item("m\($0 + 1)") }
                try await registry.record([Recording(user: "u", subjects: subjects, labels: labels)], for: "acme")
            }
            let uid = try await registry.users(of: "acme", limit: 1)[0].uid
            let all = try await registry.examples([(uid, 60)], newest: 1000)
            #expect(all[uid]?.labels == (0..<60).map(Float.init))
            let window = try await registry.examples([(uid, 50)], newest: 25)
            #expect(window[uid]?.labels == (25..<50).map(Float.init))
            #expect(window[uid]?.subjects.count == 25)
            #expect(try await registry.examples([(uid, 0)], newest: 25).isEmpty)
        }
    }

    @Test("a recording above a row's limits is stored in several rows and read as one")
    func longRecording() async throws {
        try await withCatalogue { registry, _ in
            let many = (0..<10_000).map { ExampleSubject.item("m\($0 % 40 + 1)") }
            let long = (0..<120).map { ExampleSubject.text(String(repeating: "ß", count: 10_000) + "\($0)") }
            let recordings = [
                Recording(user: "many", subjects: many, labels: many.indices.map { Float($0 % 7) }),
                Recording(user: "long", subjects: long, labels: long.map { _ in 1 }),
            ]
            #expect(
                try await registry.record(recordings, for: "acme") == RecordingReport(users: 2, examples: 10_120))
            let users = try await registry.users(of: "acme", limit: 10)
            let examples = try await registry.examples(users.map { ($0.uid, $0.dataSeq) }, newest: 1_000_000)
            let read = users.map { examples[$0.uid] }
            #expect(Set(users.map(\.id)) == ["many", "long"])
            for (user, examples) in zip(users, read) {
                let expected = user.id == "many" ? recordings[0] : recordings[1]
                #expect(examples?.labels == expected.labels)
                #expect(examples?.subjects.count == expected.subjects.count)
                if user.id == "long" {
                    #expect(
                        examples?.subjects.map { if case .text(let text) = $0 { text } else { "" } }
                            == long.map { if case .text(let text) = $0 { text } else { "" } })
                }
            }
        }
    }

    @Test("examples in an object are placed among the others")
    func objects() async throws {
        try await withCatalogue { registry, _ in
            let object = ExampleObject(
                key: "acme/data/u", sha256: [UInt8](repeating: 9, count: 32), byteCount: 123_456, exampleCount: 9000)
            try await registry.record([Recording(user: "u", subjects: [.item("m1")], labels: [1])], for: "acme")
            #expect(try await registry.record(object, of: "u", for: "acme") == 9001)
            try await registry.record([Recording(user: "u", subjects: [.item("m2")], labels: [0])], for: "acme")
            let user = try await registry.users(of: "acme", limit: 1)[0]
            let examples = try await registry.examples([(user.uid, user.dataSeq)], newest: 100)[user.uid]
            #expect(examples?.labels == [1, 0].suffix(examples?.labels.count ?? 0))
            #expect(examples?.objects.map(\.object) == [object])
            #expect(examples?.objects.map(\.position) == [(examples?.labels.count ?? 0) - 1])
            var foreign = object
            foreign.key = "birch/data/u"
            #expect(
                await refusal { try await registry.record(foreign, of: "u", for: "acme") }?.errorClass == "not_allowed")
        }
    }

    @Test(
        "a bad recording is refused with its row, and nothing is recorded",
        arguments: [
            (Recording(user: "u", subjects: [.item("m99")], labels: [1]), "unknown_item"),
            (Recording(user: "u", subjects: [.item("m1")], labels: [.nan]), "bad_label"),
            (Recording(user: "u", subjects: [.text("  ")], labels: [1]), "empty_text"),
            (
                Recording(user: "u", subjects: [.text(String(repeating: "x", count: 20_001))], labels: [1]),
                "text_too_long"
            ),
            (Recording(user: "u", subjects: [], labels: []), "no_examples"),
            (Recording(user: "", subjects: [.item("m1")], labels: [1]), "bad_user_id"),
        ])
    func refusedRecordings(recording: Recording, errorClass: String) async throws {
        try await withCatalogue { registry, _ in
            let good = Recording(user: "good", subjects: [.item("m1")], labels: [1])
            let problem = await refusal { try await registry.record([good, recording], for: "acme") }
            #expect(problem?.errorClass == errorClass)
            #expect(problem?.location == "acme: row 2")
            let users = try await registry.users(of: "acme", limit: 10)
            #expect(users.isEmpty)
        }
    }

    private func withCatalogue(_ body: (Registry, [String: Int32]) async throws -> Void) async throws {
        try await withRegistry { registry, _ in
            try await registry.importCatalogue(Self.items, of: "acme")
            let stored = try await registry.catalogueItems(of: "acme", limit: 100)
            try await body(registry, Dictionary(uniqueKeysWithValues: stored.map { ($0.id, $0.itemID) }))
        }
    }
}
