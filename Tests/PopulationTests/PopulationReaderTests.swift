import Foundation
import Population
import Problem
import Testing
import Zstd

@Suite struct PopulationReaderTests {
    /// Writes a file into a directory of its own, reads it, removes it.
    private func read(
        _ bytes: [UInt8], limits: PopulationReader.Limits = .init()
    ) throws -> (users: [UserExamples], refused: [Problem]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "population-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        let path = folder.appending(path: "users.jsonl").path
        try Data(bytes).write(to: URL(filePath: path))
        var reader = try PopulationReader(path: path, limits: limits)
        var users: [UserExamples] = []
        var refused: [Problem] = []
        while let entry = try reader.next() {
            switch entry {
            case .user(let user, _): users.append(user)
            case .refused(var problem):
                problem.location = String(problem.location.drop { $0 != ":" }.dropFirst())
                refused.append(problem)
            }
        }
        return (users, refused)
    }

    private func read(
        _ text: String, limits: PopulationReader.Limits = .init()
    ) throws -> (users: [UserExamples], refused: [Problem]) { try read(Array(text.utf8), limits: limits) }

    private let good =
        #"{"user":"u-1","examples":[{"text":"a","label":1},{"item":"m7","label":0,"ts":5,"split":"query"}]}"#

    @Test("a user's examples come with text or item, label, time and part")
    func readsUsers() throws {
        let (users, refused) = try read(good + "\n")
        #expect(refused.isEmpty)
        #expect(
            users == [
                UserExamples(
                    user: "u-1",
                    examples: [
                        Example(text: "a", label: 1), Example(item: "m7", label: 0, timestamp: 5, part: .query),
                    ])
            ])
    }

    @Test("ratings of at least 4 are positive, whole-number ids are ids")
    func readsRatings() throws {
        let (users, _) = try read(
            #"{"user":7,"examples":[{"item":500,"rating":4},{"item":2,"rating":3.5},{"text":"x","rating":5}]}"#)
        #expect(users[0].user == "7" && users[0].examples.map(\.label) == [1, 0, 1])
        #expect(users[0].examples.map(\.item) == ["500", "2", nil])
    }

    @Test("where labels are ignored they may be of any kind or missing, and every example counts as a positive")
    func ignoresLabels() throws {
        var limits = PopulationReader.Limits()
        (limits.ignoresLabels, limits.requiresBothClasses) = (true, false)
        let line = #"{"user":"u","examples":[{"text":"x","label":"a book"},{"text":"y"},{"text":"z","label":0}]}"#
        let (users, refused) = try read(line, limits: limits)
        #expect(refused.isEmpty && users[0].examples.map(\.label) == [1, 1, 1])
        #expect(try read(line).refused.map(\.errorClass) == ["label_out_of_range"])
    }

    @Test("a compressed file reads as a plain one, the last line needs no line feed, blank lines are passed over")
    func readsCompressed() throws {
        let text = (0..<3000).map { good.replacing("u-1", with: "u-\($0)") }.joined(separator: "\n \n")
        let frame = ZstdFrame.compress(Array(text.utf8), level: 1)
        let (users, refused) = try read(frame)
        #expect(users.count == 3000 && refused.isEmpty && users.last?.user == "u-2999")
        #expect(try read(text).users == users)
    }

    @Test(
        "a bad line is refused by name with its number, and the lines after it are read",
        arguments: [
            (#"{"user":"u","examples":[}"#, "bad_json"),
            (#"[1]"#, "bad_user_line"),
            (#"{"examples":[]}"#, "bad_user_line"),
            (#"{"user":"u","examples":7}"#, "bad_user_line"),
            (#"{"user":"","examples":[]}"#, "bad_user_line"),
            (#"{"user":"a\u0001b","examples":[]}"#, "bad_user_line"),
            (#"{"user":"u","examples":[]}"#, "no_examples"),
            (#"{"user":"u","examples":[{"text":"a","label":1},{"text":"b","label":1}]}"#, "one_class_examples"),
            (#"{"user":"u","examples":[{"text":"a","label":2}]}"#, "label_out_of_range"),
            (#"{"user":"u","examples":[{"text":"a","label":"book"}]}"#, "label_out_of_range"),
            (#"{"user":"u","examples":[{"text":"a","label":1e999}]}"#, "bad_json"),
            (#"{"user":"u","examples":[{"text":"a","label":NaN}]}"#, "bad_json"),
            (#"{"user":"u","examples":[{"text":"a"}]}"#, "bad_user_line"),
            (#"{"user":"u","examples":[{"label":1}]}"#, "bad_user_line"),
            (#"{"user":"u","examples":[{"text":5,"label":1}]}"#, "bad_user_line"),
            (#"{"user":"u","examples":[{"text":"a","label":1,"ts":"now"}]}"#, "bad_user_line"),
            (#"{"user":"u","examples":[{"text":"a","label":1,"split":"test"}]}"#, "bad_user_line"),
            (
                "{\"user\":\"u\",\"examples\":[{\"text\":\"" + String(repeating: "é", count: 20_001)
                    + "\",\"label\":1}]}", "text_too_long"
            ),
        ])
    func refuses(line: String, errorClass: String) throws {
        let (users, refused) = try read("\(good)\n\(line)\n\(good)\n")
        #expect(users.count == 2)
        #expect(refused.map(\.errorClass) == [errorClass])
        #expect(refused.map(\.location) == ["2"])
    }

    @Test("bytes that are not UTF-8 are refused with their place")
    func refusesOtherEncodings() throws {
        let line = Array(#"{"user":"u","examples":[{"text":"caf"#.utf8) + [0xE9] + Array(#"","label":1}]}"#.utf8)
        let (users, refused) = try read(line + [10] + Array(good.utf8))
        #expect(users.count == 1)
        #expect(refused.map(\.errorClass) == ["not_utf8"])
    }

    @Test("a line over the limit is skipped whole, whatever pieces it came in")
    func refusesLongLines() throws {
        var limits = PopulationReader.Limits()
        limits.lineBytes = good.utf8.count
        let (users, refused) = try read(
            "\(good)\n\(String(repeating: "x", count: 400_000))\n\(good)", limits: limits)
        #expect(users.count == 2)
        #expect(refused.map(\.errorClass) == ["line_too_long"])
        #expect(refused.map(\.location) == ["2"])
    }

    @Test("a missing file and a cut one say so")
    func fileProblems() throws {
        #expect(throws: Problem.self) { _ = try PopulationReader.all(path: "/nowhere/users.jsonl") }
        let frame = ZstdFrame.compress(Array((good + "\n").utf8), level: 1)
        do {
            _ = try read(Array(frame.dropLast(4)))
            Issue.record("a cut frame was read")
        } catch let problem as Problem { #expect(problem.errorClass == "file_truncated") }
    }

    @Test("what is marked query is not support; unmarked users keep their last 40 percent back")
    func supportCounts() {
        func user(_ parts: [Example.Part?]) -> UserExamples {
            UserExamples(user: "u", examples: parts.map { Example(text: "t", label: 1, part: $0) })
        }
        #expect(user([.support, .support, .query]).supportCount == 2)
        #expect(user([.support, .support]).supportCount == 2)
        #expect(user(Array(repeating: nil, count: 100)).supportCount == 60)
        #expect(user(Array(repeating: nil, count: 10)).supportCount == 2)
        #expect(user(Array(repeating: nil, count: 5)).supportCount == 0)
    }
}
