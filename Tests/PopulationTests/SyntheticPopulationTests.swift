import Foundation
import Population
import Testing

@Suite struct SyntheticPopulationTests {
    @Test("the same seed gives the same catalogue and users, another seed others")
    func isDeterministic() {
        let one = SyntheticPopulation(seed: 5, items: 200, users: 50)
        let same = SyntheticPopulation(seed: 5, items: 200, users: 1_000_000)
        #expect(one.catalogue == same.catalogue)
        #expect(one.user(17) == same.user(17))
        #expect(one.user(17) != one.user(18))
        let other = SyntheticPopulation(seed: 6, items: 200, users: 50)
        #expect(one.catalogue != other.catalogue && one.user(17) != other.user(17))
        #expect(same.user(999_999).examples.count == 100)
    }

    @Test("every item has an id and a text of its own")
    func catalogueIsDistinct() {
        let catalogue = SyntheticPopulation(seed: 1, items: 5000, users: 1).catalogue
        #expect(Set(catalogue.map(\.id)).count == 5000 && Set(catalogue.map(\.text)).count == 5000)
        #expect(catalogue[12].id == "i00012")
        #expect(catalogue.allSatisfy { (40...200).contains($0.text.count) })
    }

    @Test("half of a user's examples are positive and all name items of the catalogue")
    func usersAreBalanced() {
        let population = SyntheticPopulation(seed: 2, items: 100, users: 20, examplesPerUser: 33)
        let ids = Set(population.catalogue.map(\.id))
        for index in 0..<20 {
            let user = population.user(index, withTexts: true)
            #expect(user.examples.count == 32 && user.examples.count { $0.label == 1 } == 16)
            #expect(user.examples.allSatisfy { $0.item.map(ids.contains) ?? false && $0.text != nil })
        }
    }

    @Test("users differ in taste: an item one picks another passes over")
    func tastesDiffer() {
        let population = SyntheticPopulation(seed: 3, items: 20, users: 200, examplesPerUser: 40)
        var shares: [String: [Float]] = [:]
        for index in 0..<200 {
            for example in population.user(index).examples {
                shares[example.item ?? "", default: []].append(example.label)
            }
        }
        for (_, labels) in shares {
            let share = labels.reduce(0, +) / Float(labels.count)
            #expect((0.3...0.7).contains(share))
        }
    }

    @Test("a written user reads back equal, quotes and line feeds in texts included")
    func roundTrips() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "population-\(UUID().uuidString).jsonl").path
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }
        let population = SyntheticPopulation(seed: 4, items: 30, users: 3)
        var users = (0..<3).map { population.user($0, withTexts: $0 == 1) }
        users.append(
            UserExamples(
                user: "a \"b\" \\ ü",
                examples: [
                    Example(text: "line\nfeed \u{1F600} \"q\"", label: 1, part: .support),
                    Example(text: "", label: 0, timestamp: -3, part: .query),
                ]))
        try users.map(\.jsonLine).joined().write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try PopulationReader.all(path: path) == users)
    }
}
