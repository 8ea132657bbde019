import Crypto
import Postgres
import PostgresTestSupport
import Problem
import Registry
import Testing

private struct BadLine: Error {}

@Suite(.needsPostgres, .timeLimit(.minutes(2))) struct CatalogueTests {
    @Test("items are added, changed in place, and left alone when they are the same")
    func importing() async throws {
        try await withRegistry { registry, _ in
            let items = (1...500).map { CatalogueItem(id: "m\($0)", text: "book \($0) über 語") }
            #expect(try await registry.importCatalogue(items, of: "acme") == report(500, 0, 0))
            let before = try await registry.catalogueItems(of: "acme", limit: 1000)
            let stored = before.map { CatalogueItem(id: $0.id, text: $0.text) }
            #expect(stored.sorted { $0.id < $1.id } == items.sorted { $0.id < $1.id })
            #expect(before.map(\.itemID) == before.map(\.itemID).sorted())
            #expect(before.allSatisfy { $0.digest == Array(SHA256.hash(data: Array($0.text.utf8))) })

            let changed = [
                CatalogueItem(id: "m1", text: "another text"), items[1], CatalogueItem(id: "n", text: "new"),
            ]
            #expect(try await registry.importCatalogue(changed, of: "acme") == report(1, 1, 1))
            let after = try await registry.catalogueItems(of: "acme", limit: 1000).first { $0.id == "m1" }
            let first = before.first { $0.id == "m1" }
            #expect(after?.itemID == first?.itemID && after?.text == "another text" && after?.digest != first?.digest)
        }
    }

    @Test("pages follow each other, and texts and digests come by item id")
    func reading() async throws {
        try await withCatalogue { registry, inputs, ids in
            var (seen, last) = ([StoredItem](), Int32(0))
            while case let page = try await registry.catalogueItems(of: "acme", after: last, limit: 15),
                let end = page.last
            {
                seen += page
                last = end.itemID
            }
            #expect(Set(seen.map(\.id)) == Set(ids.keys) && seen.count == 40)
            #expect(try await registry.catalogueItems("other", of: "acme", limit: 15).isEmpty)
            let asked = [seen[3].itemID, 999_999, seen[17].itemID]
            let texts = try await inputs.itemTexts(asked).sorted { $0.item < $1.item }
            #expect(texts.map(\.item) == [seen[3].itemID, seen[17].itemID])
            #expect(texts.map(\.text) == [seen[3].text, seen[17].text])
            let digests = try await inputs.itemDigests(asked).sorted { $0.item < $1.item }
            #expect(digests.map(\.sha256) == [seen[3].digest, seen[17].digest])
        }
    }

    @Test(
        "a bad item is refused with its row, and nothing is imported",
        arguments: [
            ("", "text", "bad_item_id"), ("a", " \n", "empty_text"),
            ("b", String(repeating: "x", count: 20_001), "text_too_long"),
            ("good", "again", "duplicate_item"), (String(repeating: "i", count: 201), "text", "bad_item_id"),
        ])
    func refusedItems(id: String, text: String, errorClass: String) async throws {
        try await withRegistry { registry, _ in
            let items = [CatalogueItem(id: "good", text: "fine"), CatalogueItem(id: id, text: text)]
            let problem = await refusal { try await registry.importCatalogue(items, of: "acme") }
            #expect(problem?.errorClass == errorClass)
            #expect(problem?.location == "acme/default: row 2")
            let imported = try await registry.catalogueItems(of: "acme", limit: 10)
            #expect(imported.isEmpty)
        }
    }

    @Test("a source that fails half-way imports nothing")
    func failingSource() async throws {
        try await withRegistry { registry, _ in
            await #expect(throws: BadLine.self) {
                try await registry.importCatalogue(of: "acme") { writer in
                    try await writer.append(CatalogueItem(id: "a", text: "b"))
                    throw BadLine()
                }
            }
            let items = try await registry.catalogueItems(of: "acme", limit: 10)
            #expect(items.isEmpty)
        }
    }

    @Test("two imports of the same items at once do not stop each other")
    func concurrentImports() async throws {
        try await withRegistry { registry, _ in
            let items = (0..<2000).map { CatalogueItem(id: "i\($0)", text: "text \($0)") }
            try await withThrowingTaskGroup { group in
                for order in [items, items.reversed()] {
                    group.addTask { _ = try await registry.importCatalogue(order, of: "acme") }
                }
                try await group.waitForAll()
            }
            #expect(try await registry.catalogueItems(of: "acme", limit: 5000).count == 2000)
        }
    }

    private func report(_ added: Int, _ changed: Int, _ unchanged: Int) -> CatalogueReport {
        CatalogueReport(added: added, changed: changed, unchanged: unchanged)
    }
}
