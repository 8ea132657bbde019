import Problem
import StrictJSON

/// What a tokenizer.json says, once it is known to be a byte-level byte pair encoding.
struct BytePairFile: Sendable {
    var vocabulary: Vocabulary
    /// The tokens that each merge joins, in the order learnt.
    var merges: [(left: String, right: String)]
    /// Strings that are one token wherever they stand in the raw text, with their ids.
    var addedTokens: [(text: String, id: Int32)]
    var pattern: WordPattern
    /// Whether a text begins with a space if it has none.
    var addsPrefixSpace: Bool
    /// Whether a word that is a token as it stands is not merged.
    var ignoresMerges: Bool
    /// The tokens before and after a text.
    var frame: (before: [Int32], after: [Int32])

    /// Reads tokenizer.json of the Hugging Face tokenizers library.
    ///
    /// Throws a ``Problem`` `tokenizer_family` for anything but BPE over bytes cut by the pattern of GPT-2 or of Llama 3, and
    /// `tokenizer_malformed` for what does not parse. Its truncation and padding are not used: the caller decides.
    init(json bytes: [UInt8], file: String) throws {
        let root: JSONValue
        do {
            root = try JSONValue(parsing: bytes)
        } catch {
            throw Vocabulary.malformed(file, "it is no JSON at \(error)")
        }
        guard let fields = root.object, let model = fields["model"]?.object else {
            throw Vocabulary.malformed(file, "it has no model")
        }
        guard model["type"]?.string == "BPE" else {
            throw Self.family(file, "its model is \(Problem.excerpt(model["type"]?.string ?? "missing"))")
        }
        for (name, isSet) in [
            ("byte_fallback", model["byte_fallback"]?.bool == true), ("dropout", model["dropout"]?.number ?? 0 != 0),
            ("continuing_subword_prefix", model["continuing_subword_prefix"]?.string ?? "" != ""),
            ("end_of_word_suffix", model["end_of_word_suffix"]?.string ?? "" != ""),
        ] where isSet {
            throw Self.family(file, "its model has \(name)")
        }
        if let normalizer = fields["normalizer"], !normalizer.isNull {
            throw Self.family(file, "it has a normalizer")
        }
        guard let members = model["vocab"]?.object?.members, let pairs = model["merges"]?.array else {
            throw Vocabulary.malformed(file, "the model needs vocab and merges")
        }
        vocabulary = try Vocabulary(members, file: file)
        merges = try pairs.enumerated().map { index, pair in
            guard let pair = Self.pair(pair) else {
                throw Vocabulary.malformed(file, "merge \(index + 1) is not two tokens")
            }
            return pair
        }
        ignoresMerges = model["ignore_merges"]?.bool ?? false
        addedTokens = try TokenizerFile.addedTokens(fields["added_tokens"], beside: vocabulary, file)
        (pattern, addsPrefixSpace) = try Self.splitting(fields["pre_tokenizer"], file)
        let size = addedTokens.reduce(vocabulary.size) { max($0, Int($1.id) + 1) }
        frame = try Self.frame(fields["post_processor"], ids: 0..<size, file)
    }

    /// `"a b"` or `["a", "b"]`; a token holds no space.
    private static func pair(_ value: JSONValue) -> (left: String, right: String)? {
        let parts =
            value.array?.compactMap(\.string)
            ?? value.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init) ?? []
        return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty ? (parts[0], parts[1]) : nil
    }

    private static func splitting(_ value: JSONValue?, _ file: String) throws -> (WordPattern, Bool) {
        let steps = value?.object?["pretokenizers"]?.array ?? value.map { [$0] } ?? []
        guard let bytes = steps.last?.object, bytes["type"]?.string == "ByteLevel" else {
            throw family(file, "its pre_tokenizer does not end in ByteLevel")
        }
        let addsSpace = bytes["add_prefix_space"]?.bool ?? true
        if steps.count == 1, bytes["use_regex"]?.bool ?? true { return (WordPattern(family: .gpt2), addsSpace) }
        guard steps.count == 2, bytes["use_regex"]?.bool == false, let split = steps[0].object,
            split["type"]?.string == "Split", split["behavior"]?.string == "Isolated", split["invert"]?.bool != true,
            let expression = split["pattern"]?.object?["Regex"]?.string,
            let pattern = WordPattern(regularExpression: expression)
        else {
            throw family(file, "its pre_tokenizer cuts by another pattern than GPT-2's or Llama 3's")
        }
        return (pattern, addsSpace)
    }

    /// Pieces times ids may be the square of the file's size.
    private static let frameLimit = 1000

    /// The special tokens around one text; ByteLevel, which only trims offsets, adds none.
    private static func frame(
        _ value: JSONValue?, ids known: Range<Int>, _ file: String
    ) throws -> (before: [Int32], after: [Int32]) {
        guard let value, !value.isNull else { return ([], []) }
        let steps = value.object?["processors"]?.array ?? [value]
        var frame: (before: [Int32], after: [Int32]) = ([], [])
        for step in steps where step.object?["type"]?.string != "ByteLevel" {
            guard let fields = step.object, fields["type"]?.string == "TemplateProcessing",
                let pieces = fields["single"]?.array, let tokens = fields["special_tokens"]?.object
            else { throw family(file, "its post_processor is no template") }
            var isBefore = true
            for piece in pieces {
                if piece.object?["Sequence"] != nil {
                    isBefore = false
                    continue
                }
                guard let name = piece.object?["SpecialToken"]?.object?["id"]?.string,
                    let listed = tokens[name]?.object?["ids"]?.array
                else { throw Vocabulary.malformed(file, "its template names a token without ids") }
                let ids = listed.compactMap(\.integer).filter(known.contains).map { Int32($0) }
                guard ids.count == listed.count else {
                    throw Vocabulary.malformed(file, "its template has an id that is not in the vocabulary")
                }
                if isBefore { frame.before += ids } else { frame.after += ids }
                guard frame.before.count + frame.after.count <= frameLimit else {
                    throw Vocabulary.malformed(file, "its template puts more than \(frameLimit) tokens around a text")
                }
            }
        }
        return frame
    }

    private static func family(_ file: String, _ reason: String) -> Problem {
        Problem(
            "tokenizer_family", at: file, "\(reason), which this reader does not know.",
            do: "use a base model with a byte-level BPE, such as GPT-2 or Llama 3.")
    }
}

extension WordPattern {
    /// The pattern that a tokenizer.json writes out; nil for any other.
    init?(regularExpression: String) {
        let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        func llama3(_ digits: String) -> String {
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + digits
                + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        }
        switch regularExpression {
        case gpt2: self.init(family: .gpt2)
        case llama3("{1,3}"): self.init(family: .llama3(digits: 3))
        case llama3(""): self.init(family: .llama3(digits: 1))
        default: return nil
        }
    }
}
