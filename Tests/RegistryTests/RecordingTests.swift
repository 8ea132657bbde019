import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct RecordingTests {
    @Test("items, texts and both together come back in the order of time")
    func roundTrip() async throws {
        try await withCatalogue { registry, inputs, ids in
            let first = Recording(
                user: "u-1", subjects: [.item("m1"), .item("m2"), .text("a quiet novel")], labels: [1, 0, 0.5])
            let second = Recording(user: "u-2", subjects: [.item("m3")], labels: [1])
            #expect(try await registry.record([first, second], for: "acme") == RecordingReport(users: 2, examples: 4))
            let third = Recording(user: "u-1", subjects: [.text("ünïcode"), .text("b")], labels: [-2, 3])
            try await registry.record([third], for: "acme")

            let users = try await registry.users(of: "acme", limit: 10)
            #expect(users.map(\.id) == ["u-1", "u-2"] && users.map(\.dataSeq) == [5, 1])
            let (two, one) = try await unpack(inputs.newestExamples(of: users.reversed().map(\.uid), limit: 100))
            #expect(one.items == [ids["m1"], ids["m2"], nil, nil, nil])
            #expect(one.texts == [nil, nil, "a quiet novel", "ünïcode", "b"])
            #expect(one.labels == [1, 0, 0.5, -2, 3] && one.objects.isEmpty && one.dataThrough == 5)
            #expect(two.items == [ids["m3"]] && two.texts == [nil] && two.labels == [1] && two.dataThrough == 1)
        }
    }

    @Test("the newest examples are read across recordings, cut inside one, and say what they have seen")
    func window() async throws {
        try await withCatalogue { registry, inputs, ids in
            for part in 0..<6 {
                let labels = (0..<10).map { Float(part * 10 + $0) }
                let subjects = (0..<10).map { ExampleSubject.item("m\($0 + 1)") }
                try await registry.record([Recording(user: "u", subjects: subjects, labels: labels)], for: "acme")
            }
            let uid = try await registry.users(of: "acme", limit: 1)[0].uid
            for limit in [1, 9, 10, 11, 25, 60, 1000] {
                let read = try await inputs.newestExamples(of: [uid], limit: limit)[0]
                let expected = (0..<60).suffix(limit)
                #expect(read.labels == expected.map(Float.init), "newest \(limit)")
                #expect(read.items == expected.map { ids["m\($0 % 10 + 1)"] }, "newest \(limit)")
                #expect(read.texts.count == expected.count && read.dataThrough == 60)
            }
        }
    }

    @Test("a recording above a row's limits is stored in several rows and read as one")
    func longRecording() async throws {
        try await withCatalogue { registry, inputs, ids in
            let many = (0..<10_000).map { "m\($0 % 40 + 1)" }
            let long = (0..<120).map { String(repeating: "ß", count: 10_000) + "\($0)" }
            let recordings = [
                Recording(
                    user: "many", subjects: many.map(ExampleSubject.item), labels: many.indices.map { Float($0 % 7) }),
                Recording(user: "long", subjects: long.map(ExampleSubject.text), labels: long.map { _ in 1 }),
            ]
            #expect(
                try await registry.record(recordings, for: "acme") == RecordingReport(users: 2, examples: 10_120))
            let users = try await registry.users(of: "acme", limit: 10)
            let read = try await inputs.newestExamples(of: users.map(\.uid), limit: 1_000_000)
            let byName = Dictionary(uniqueKeysWithValues: zip(users.map(\.id), read))
            #expect(byName["many"]?.items == many.map { ids[$0] })
            #expect(byName["many"]?.labels == recordings[0].labels && byName["many"]?.dataThrough == 10_000)
            #expect(byName["long"]?.texts == long && byName["long"]?.labels == recordings[1].labels)
            // A cut inside a large recording: the second of the three rows gives its end.
            let newest = try await inputs.newestExamples(of: users.map(\.uid), limit: 5000)
            let cut = zip(users, newest).first { $0.0.id == "many" }?.1
            #expect(cut?.labels == recordings[0].labels.suffix(5000) && cut?.items == many.suffix(5000).map { ids[$0] })
        }
    }

    @Test("examples in an object are placed among the others")
    func objects() async throws {
        try await withCatalogue { registry, inputs, _ in
            let object = ExampleObject(
                key: "acme/data/u", sha256: [UInt8](repeating: 9, count: 32), byteCount: 123_456, exampleCount: 9000)
            try await registry.record([Recording(user: "u", subjects: [.item("m1")], labels: [1])], for: "acme")
            #expect(try await registry.record(object, of: "u", for: "acme") == 9001)
            try await registry.record([Recording(user: "u", subjects: [.item("m2")], labels: [0])], for: "acme")
            let user = try await registry.users(of: "acme", limit: 1)[0]
            let all = try await inputs.newestExamples(of: [user.uid], limit: 10_000)[0]
            #expect(all.labels == [1, 0] && all.dataThrough == 9002)
            #expect(all.objects.map(\.key) == [object.key] && all.objects.map(\.sha256) == [object.sha256])
            #expect(all.objects.map(\.byteCount) == [123_456] && all.objects.map(\.position) == [1])
            // The object alone has more than the newest 100: what is older than it is not read.
            let newest = try await inputs.newestExamples(of: [user.uid], limit: 100)[0]
            #expect(newest.labels == [0] && newest.objects.map(\.position) == [0])
            var foreign = object
            foreign.key = "birch/data/u"
            #expect(
                await refusal { try await registry.record(foreign, of: "u", for: "acme") }?.errorClass == "not_allowed")
        }
    }

    @Test("a user that is gone or has nothing reads as nothing")
    func nothing() async throws {
        try await withCatalogue { registry, inputs, _ in
            try await registry.record([Recording(user: "u", subjects: [.item("m1")], labels: [1])], for: "acme")
            let uid = try await registry.users(of: "acme", limit: 1)[0].uid
            #expect(try await inputs.newestExamples(of: [], limit: 10).isEmpty)
            let read = try await inputs.newestExamples(of: [999_999, uid], limit: 10)
            #expect(read[0].labels.isEmpty && read[0].objects.isEmpty && read[0].dataThrough == 0)
            #expect(read[1].labels == [1])
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
        try await withCatalogue { registry, _, _ in
            let good = Recording(user: "good", subjects: [.item("m1")], labels: [1])
            let problem = await refusal { try await registry.record([good, recording], for: "acme") }
            #expect(problem?.errorClass == errorClass)
            #expect(problem?.location == "acme: row 2")
            let users = try await registry.users(of: "acme", limit: 10)
            #expect(users.isEmpty)
        }
    }

    /// The two elements of an array of two.
    private func unpack(_ read: [RecordedExamples]) throws -> (RecordedExamples, RecordedExamples) {
        try #require(read.count == 2)
        return (read[0], read[1])
    }
}
