import StrictJSON
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String, depthLimit: Int = 32) throws -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), depthLimit: depthLimit)
    }

    @Test("values of every kind are read with their nesting and order")
    func values() throws {
        let root = try parse(#" {"b": [1, -2.5e3, true, false, null], "a": {"": "x"}} "#)
        #expect(root.object?.members.map(\.name) == ["b", "a"])
        let list = try #require(root.object?["b"]?.array)
        #expect(list[0].integer == 1)
        #expect(list[0].number == 1)
        #expect(list[1].number == -2500)
        #expect(list[1].integer == nil)
        #expect(list[2].bool == true && list[3].bool == false && list[4].isNull)
        #expect(root.object?["a"]?.object?[""]?.string == "x")
        #expect(root.object?["c"] == nil)
    }

    @Test("escapes, surrogate pairs among them, become the characters they stand for")
    func escapes() throws {
        #expect(try parse(#""a\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00z""#).string == "a\"\\/\u{8}\u{c}\n\r\t\u{e9}😀z")
    }

    @Test("canonically equivalent names stay two members, each found by its own bytes")
    func equivalentNames() throws {
        let object = try #require(try parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}").object)
        #expect(object["\u{e9}"]?.integer == 1)
        #expect(object["e\u{301}"]?.integer == 2)
    }

    @Test(
        "what is not strict JSON is refused",
        arguments: [
            "", " ", "{", "[", "\"", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "tru", "nul",
            "01", "-", "1.", "1e", "+1", ".5", "1e999", "NaN", "'a'", "\"\u{1}\"", "\"\\x\"", "\"\\u12\"",
            "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "1 2", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
        ])
    func refused(text: String) {
        #expect(throws: JSONSyntaxError.self) { try parse(text) }
    }

    @Test("a text that is to be an object is refused where it is none, or no JSON")
    func objects() throws {
        #expect(try JSONObject(parsing: Array(#"{"a":1}"#.utf8))["a"]?.integer == 1)
        let list = #expect(throws: JSONSyntaxError.self) { try JSONObject(parsing: Array("[1]".utf8)) }
        #expect(list?.byteOffset == 0 && list?.reason == "it is not an object")
        let broken = #expect(throws: JSONSyntaxError.self) { try JSONObject(parsing: Array(#"{"a""#.utf8)) }
        #expect(broken?.byteOffset == 4)
    }

    @Test("bytes that are not UTF-8 are refused at their offset")
    func notUTF8() throws {
        let error = try #require(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: [0x22, 0x61, 0xC3, 0x28, 0x22])
        }
        #expect(error.byteOffset == 2)
    }

    @Test("nesting is bounded, so that a long row of brackets cannot exhaust the stack")
    func depth() throws {
        let nested = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
        #expect(try parse(nested).array?.count == 1)
        let error = try #require(throws: JSONSyntaxError.self) { try parse("[\(nested)]") }
        #expect(error.byteOffset == 33)
    }

    @Test("a repeated name is found in a large object too")
    func manyMembers() throws {
        let members = (0..<5_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try parse("{\(members)}").object?.members.count == 5_000)
        #expect(throws: JSONSyntaxError.self) { try parse("{\(members),\"k17\":0}") }
    }

    @Test("a quoted text reads back as itself")
    func quoted() throws {
        let text = "plain \" \\ / \n\r\t\u{0}\u{1f}\u{7f} é 世界 😀"
        #expect(try parse(JSONText.quoted(text)).string == text)
    }
}
