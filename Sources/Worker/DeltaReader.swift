import Adapters
import Artifacts
import ObjectStore
import Problem
import Queue
import Recipe
import Registry

/// A difference that a user has, and the recipe that made it.
struct StoredDelta: Sendable {
    var delta: UserDelta
    var recipe: Recipe
}

/// Reads the differences that users have under a base: one ranged GET an object, since a delivery's users mostly lie
/// together.
struct DeltaReader: Sendable {
    let inputs: AdaptationInputs
    let store: any ObjectStore
    let shelf: RecipeShelf

    /// What users have under a base, read as the recipes that made it say, verified, in the order of `uids`: nil for those with the
    /// recipe's start, a problem where what is stored is not what was published.
    func deltas(of uids: [Int64], under base: String) async throws -> [Result<StoredDelta?, Problem>] {
        var deltas = [Result<StoredDelta?, Problem>](repeating: .success(nil), count: uids.count)
        let places = try await inputs.presentDeltas(of: uids, under: base)
        for (key, group) in Dictionary(grouping: places, by: \.key).sorted(by: { $0.key < $1.key }) {
            let span = group.reduce(group[0].range) {
                min($0.lowerBound, $1.range.lowerBound)..<max($0.upperBound, $1.range.upperBound)
            }
            let bytes: [UInt8]
            do { bytes = try await store.get(ObjectKey(key), range: span) } catch let error as any ProblemConvertible
                where error.problem.errorClass == "object_missing"
            {
                for place in group { deltas[place.index] = .failure(error.problem) }
                continue
            }
            for (_, alike) in Dictionary(grouping: group, by: \.recipe) {
                let place = alike[0]
                let recipe = try await shelf.recipe(id: place.recipeID, digest: place.recipe, base: base).recipe
                var coder = AdapterFrameCoder(
                    provenance: AdapterProvenance(baseDigest: base, recipeDigest: place.recipe), width: recipe.width,
                    space: recipe.deltaSpace)
                for place in alike {
                    let frame = bytes[
                        place.range.lowerBound - span.lowerBound..<place.range.upperBound - span.lowerBound]
                    deltas[place.index] = try Self.delta(Array(frame), of: place, &coder).map { delta in
                        delta.map { StoredDelta(delta: $0, recipe: recipe) }
                    }
                }
            }
        }
        return deltas
    }

    private static func delta(
        _ frame: [UInt8], of place: PresentDelta, _ coder: inout AdapterFrameCoder
    ) throws -> Result<UserDelta?, Problem> {
        guard Digest.sha256(frame) == Digest.hexadecimal(place.sha256) else {
            return .failure(
                Problem(
                    "digest_mismatch", at: place.key, "its bytes \(place.range) are not those that were published.",
                    do: "restore the object from a copy, or adapt the user from the recipe's start."))
        }
        do { return .success(try coder.decode(frame, at: place.key)) } catch let error as any ProblemConvertible {
            return .failure(error.problem)
        }
    }
}
