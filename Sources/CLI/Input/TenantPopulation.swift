import Population
import Problem
import Registry

/// A tenant's users with their texts, as meta-training takes them.
struct TenantPopulation {
    /// Newest examples of a user that are read: what a support and the query after it can use, with room to draw from.
    static let examplesPerUser = 200

    let registry: Registry
    let inputs: AdaptationInputs

    /// Up to `limit` users that have examples, in the order of their surrogate ids.
    ///
    /// - Throws: `unknown_tenant`, `too_few_users`, `text_missing`.
    func users(of tenant: String, limit: Int) async throws -> [UserExamples] {
        _ = try await registry.tenant(tenant)
        var people: [UserExamples] = []
        var texts: [Int32: String] = [:]
        var after: Int64 = 0
        while people.count < limit {
            let page = try await registry.users(of: tenant, after: after, limit: min(500, limit - people.count))
            guard let last = page.last else { break }
            after = last.uid
            let recorded = try await inputs.newestExamples(of: page.map(\.uid), limit: Self.examplesPerUser)
            let unknown = Set(recorded.flatMap(\.items).compactMap { $0 }).subtracting(texts.keys)
            for item in try await inputs.itemTexts(Array(unknown)) { texts[item.item] = item.text }
            for (user, examples) in zip(page, recorded) where !examples.labels.isEmpty {
                people.append(try user.examples(examples, texts, tenant: tenant))
            }
        }
        guard !people.isEmpty else {
            throw Problem(
                "too_few_users", at: tenant, "no user of the tenant has examples.",
                do: "attune import or attune sample, then meta-train.")
        }
        return people
    }
}

extension ListedUser {
    fileprivate func examples(
        _ recorded: RecordedExamples, _ texts: [Int32: String], tenant: String
    ) throws -> UserExamples {
        let examples = try recorded.labels.indices.map { index -> Example in
            guard let text = recorded.texts[index] ?? recorded.items[index].flatMap({ texts[$0] }) else {
                throw Problem(
                    "text_missing", at: "\(tenant)/\(Problem.excerpt(id))", "example \(index + 1) has no text.",
                    do: "import the catalogue again.")
            }
            return Example(text: text, label: recorded.labels[index])
        }
        return UserExamples(user: id, examples: examples)
    }
}
