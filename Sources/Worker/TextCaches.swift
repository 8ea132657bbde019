package import Model
import Recipe

/// Token ids of texts.
package typealias TokenCache = RowCache<Int32>

/// What a worker keeps of texts between deliveries, each kind bounded by itself.
struct TextCaches: Sendable {
    /// Pooled features and their projections.
    let features: FeatureCache
    /// Token ids, of recipes inside the encoder.
    let tokens: TokenCache
    /// Rows before where such recipes adapt, tens of kilobytes a text.
    let prefixes: PrefixCache

    /// Caches of features and of prefixes of at most so many bytes each; token ids take an eighth of it besides.
    init(byteLimit: Int) {
        features = FeatureCache(byteLimit: byteLimit)
        tokens = TokenCache(byteLimit: max(1, byteLimit / 8))
        prefixes = PrefixCache(byteLimit: byteLimit)
    }

    /// Where what a recipe needs of texts is kept.
    func memory(of loaded: LoadedRecipe) -> TextTable.Memory {
        loaded.recipe.sparse == nil
            ? .projected(loaded.space, features)
            : .tokens(FeatureSpace(baseDigest: loaded.recipe.baseDigest, site: "tokens"), tokens)
    }
}
