import Foundation
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(3))) struct SetUpTests {
    @Test("tenants are made once, listed as a table in a pipe, and named by their problems")
    func tenants() async throws {
        try await CommandLineTool.with { attune in
            let empty = try await attune.succeed("tenant", "list")
            #expect(empty.output.isEmpty && empty.errors == "no tenant yet: attune tenant create NAME\n")
            #expect(try await attune.succeed("tenant", "create", "acme").output == "tenant     acme\n")
            let again = try await attune.run("tenant", "create", "acme")
            #expect(again.status == 5)
            #expect(
                again.errors == """
                    error: acme: already_exists: a tenant of that name exists.
                      do: use it, or choose another name

                    """)
            let bad = try await attune.run("tenant", "create", "Bad Name")
            #expect(bad.status == 8 && bad.errors.hasPrefix("error: Bad Name: bad_name: "))
            #expect(
                try await attune.succeed("tenant", "list").golden == """
                    TENANT  USERS  BASE  RECIPE  CREATED
                    acme        0  –     –       DATE

                    """)
            let listed = try await attune.succeed("tenant", "list", "--json").objects
            #expect(listed.count == 1 && listed[0]["tenant"] as? String == "acme" && listed[0]["users"] as? Int == 0)
        }
    }

    @Test("a catalogue comes from JSON lines or CSV; bad lines are named and the rest is taken")
    func catalogues() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("tenant", "create", "acme")
            try attune.write(
                "items.csv", "id,text", #"m1,"A ""quoted"", text""#, "m2,Plain", "m2,again", "m3", "m4,\"two\nlines\"",
                "m5,   ")
            let csv = try await attune.run("catalogue", "import", "--tenant", "acme", "items.csv")
            #expect(csv.status == 3)
            #expect(csv.golden == "imported   3 items   3 new   0 changed   rejected 3   TIME\n")
            #expect(
                csv.errors == """
                    rejected   items.csv:4  duplicate_item: item m2 came before in this file.
                    rejected   items.csv:5  bad_csv: 1 fields, 2 are expected.
                    rejected   items.csv:8  empty_text: item m5 has no text.

                    """)
            try attune.write(
                "items.jsonl", #"{"id":"m1","text":"Other"}"#, #"{"item":6,"text":"Six"}"#, "{", #"{"id":"m7"}"#)
            let lines = try await attune.run("catalogue", "import", "--tenant", "acme", "items.jsonl", "--json")
            let answer = try #require(try lines.objects.first)
            #expect(lines.status == 3 && answer["added"] as? Int == 1 && answer["changed"] as? Int == 1)
            let classes = try #require(answer["rejects"] as? [[String: Any]]).map { $0["errorClass"] as? String }
            #expect(classes == ["bad_json", "bad_item_line"])
            let none = try await attune.run("catalogue", "import", "--tenant", "acme", "nothing.csv")
            #expect(none.status == 8 && none.errors.hasPrefix("error: nothing.csv: file_unreadable: "))
        }
    }

    @Test("an import records users, brings their items, and lists who was refused")
    func imports() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("tenant", "create", "acme")
            try attune.write(
                "users.jsonl",
                #"{"user":"a","examples":[{"item":"m1","text":"One","label":1},{"text":"Two","label":0}]}"#,
                #"{"user":"b","examples":[{"item":"nope","label":1},{"item":"m1","label":0}]}"#,
                #"{"user":"c","examples":[{"text":"x","label":1}]}"#, #"{"user":"#,
                #"{"user":"d","examples":[{"item":"m1","label":0},{"text":"Three","rating":5}]}"#)
            let first = try await attune.run("import", "--tenant", "acme", "users.jsonl")
            #expect(first.status == 3)
            #expect(
                first.golden == "recorded   2 users   4 examples   1 new items   skipped 0   rejected 3   TIME\n")
            let lines = first.errors.split(separator: "\n").map(String.init)
            #expect(lines.count == 3)
            #expect(lines.contains { $0.hasPrefix("rejected   users.jsonl:2  unknown_item: ") })
            #expect(
                lines.contains("rejected   users.jsonl:3  one_class_examples: all 1 examples of c have label 1."))
            #expect(lines.contains { $0.hasPrefix("rejected   users.jsonl:4  bad_json: column ") })
            let again = try await attune.run("import", "--tenant", "acme", "users.jsonl", "--new-users", "--json")
            let counts = try #require(try again.objects.first?["counts"] as? [String: Any])
            #expect(counts["users"] as? Int == 0 && counts["skipped"] as? Int == 2 && again.status == 3)
            let user = try #require(try await attune.succeed("user", "acme", "a", "--json").objects.first)
            #expect(user["examples"] as? Int == 2 && user["newerExamples"] as? Int == 2)
        }
    }

    @Test("a user beyond a recording's limits is recorded in several, and nothing of a refused file is")
    func large() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("tenant", "create", "acme")
            let examples = (0..<5000).map { #"{"text":"t\#($0)","label":\#($0 % 2)}"# }.joined(separator: ",")
            try attune.write("large.jsonl", #"{"user":"big","examples":[\#(examples)]}"#)
            try await attune.succeed("import", "--tenant", "acme", "large.jsonl")
            let user = try #require(try await attune.succeed("user", "acme", "big", "--json").objects.first)
            #expect(user["examples"] as? Int == 5000)
            try attune.write("bad.jsonl", "[]")
            #expect(try await attune.run("import", "--tenant", "acme", "bad.jsonl").status == 8)
        }
    }

    @Test("a sample is the same for the same seed, leaves present users alone, and refuses another catalogue")
    func samples() async throws {
        try await CommandLineTool.with { attune in
            let first = try await attune.succeed("sample", "--tenant", "demo", "--users", "30", "--items", "50")
            #expect(first.golden == "recorded   30 users   100 examples each   50 items   skipped 0   TIME\n")
            let more = try await attune.succeed(
                "sample", "--tenant", "demo", "--users", "40", "--items", "50", "--json")
            let answer = try #require(try more.objects.first)
            #expect(answer["users"] as? Int == 10 && answer["skipped"] as? Int == 30)
            let other = try await attune.run(
                "sample", "--tenant", "demo", "--users", "3", "--items", "50", "--seed", "2")
            #expect(other.status == 5 && other.errors.contains(": catalogue_differs: "))
            for name in ["one.jsonl", "two.jsonl"] {
                try await attune.succeed("sample", "--write", name, "--users", "5", "--items", "50")
            }
            #expect(try attune.read("one.jsonl") == attune.read("two.jsonl"))
            try await attune.succeed("tenant", "create", "other")
            try await attune.succeed("import", "--tenant", "other", "one.jsonl")
        }
    }
}
