import Problem
import StrictJSON

/// What a tokenizer file says, once it is known to be of the WordPiece family.
struct TokenizerFile: Sendable {
    var vocabulary: Vocabulary
    var normalizer: BertNormalizer
    /// Strings that are one token wherever they stand in the raw text, with their ids.
    var addedTokens: [(text: String, id: Int32)]
    var unknown: Int32
    var start: Int32
    var end: Int32
    var continuingPrefix: String
    /// Words of more scalars than this become the unknown token.
    var longestWord: Int

    /// Reads tokenizer.json of the Hugging Face tokenizers library.
    ///
    /// Throws a ``Problem`` `tokenizer_family` for anything but WordPiece behind BERT's normaliser and splitter, and
    /// `tokenizer_malformed` for what does not parse. Its truncation and padding are not used: the caller decides.
    init(json bytes: [UInt8], file: String) throws {
        let root: JSONValue
        do {
            root = try JSONValue(parsing: bytes)
        } catch {
            throw Vocabulary.malformed(file, "it is no JSON at \(error)")
        }
        guard let model = root.object?["model"]?.object else { throw Vocabulary.malformed(file, "it has no model") }
        try Self.require(model["type"], is: "WordPiece", "model", file)
        guard let members = model["vocab"]?.object?.members, let unknownText = model["unk_token"]?.string,
            let prefix = model["continuing_subword_prefix"]?.string,
            let longest = model["max_input_chars_per_word"]?.integer
        else {
            throw Vocabulary.malformed(
                file, "the model needs vocab, unk_token, continuing_subword_prefix and max_input_chars_per_word")
        }
        vocabulary = try Vocabulary(members, file: file)
        normalizer = try Self.normalizer(root.object?["normalizer"], file)
        try Self.require(root.object?["pre_tokenizer"]?.object?["type"], is: "BertPreTokenizer", "pre_tokenizer", file)
        addedTokens = try Self.addedTokens(root.object?["added_tokens"], beside: vocabulary, file)
        let (startText, endText) = try Self.frame(root.object?["post_processor"], file)
        let added = addedTokens
        let vocabulary = vocabulary
        func id(_ text: String) throws -> Int32 {
            guard let id = added.first(where: { $0.text == text })?.id ?? vocabulary.id(of: text) else {
                throw Vocabulary.malformed(file, "its special token \(Problem.excerpt(text)) has no id")
            }
            return id
        }
        (unknown, start, end) = (try id(unknownText), try id(startText), try id(endText))
        continuingPrefix = prefix
        longestWord = longest
    }

    /// Reads vocab.txt with the settings of the original BERT, uncased.
    init(vocabularyLines bytes: [UInt8], file: String) throws {
        vocabulary = try Vocabulary(lines: bytes, file: file)
        normalizer = BertNormalizer()
        addedTokens = try ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map { [vocabulary] text in
            guard let id = vocabulary.id(of: text) else {
                throw Problem(
                    "tokenizer_family", at: file, "it has no token \(text), so it is not BERT's WordPiece.",
                    do: "use a base model of the BERT family, or add its tokenizer.json.")
            }
            return (text, id)
        }
        (unknown, start, end) = (addedTokens[1].id, addedTokens[2].id, addedTokens[3].id)
        continuingPrefix = "##"
        longestWord = 100
    }

    private static func require(_ value: JSONValue?, is wanted: String, _ part: String, _ file: String) throws {
        guard value?.string == wanted else {
            throw Problem(
                "tokenizer_family", at: file,
                "its \(part) is \(Problem.excerpt(value?.string ?? "missing")), this reader knows \(wanted).",
                do: "use a base model of the BERT family.")
        }
    }

    private static func normalizer(_ value: JSONValue?, _ file: String) throws -> BertNormalizer {
        let fields = value?.object
        try require(fields?["type"], is: "BertNormalizer", "normalizer", file)
        let lowercases = fields?["lowercase"]?.bool ?? true
        var normalizer = BertNormalizer()
        normalizer.cleansText = fields?["clean_text"]?.bool ?? true
        normalizer.spacesIdeographs = fields?["handle_chinese_chars"]?.bool ?? true
        normalizer.stripsAccents = fields?["strip_accents"]?.bool ?? lowercases
        normalizer.lowercases = lowercases
        return normalizer
    }

    /// The strings that are one token; a file where they and the vocabulary disagree about an id has no one meaning.
    static func addedTokens(
        _ value: JSONValue?, beside vocabulary: Vocabulary, _ file: String
    ) throws -> [(text: String, id: Int32)] {
        let tokens = try (value?.array ?? []).map { try addedToken($0, file) }
        var textByID: [Int32: [UInt8]] = [:]
        var idByText: [[UInt8]: Int32] = [:]
        for token in tokens {
            let text = Array(token.text.utf8)
            guard textByID.updateValue(text, forKey: token.id) == nil else {
                throw Vocabulary.malformed(file, "id \(token.id) has two added tokens")
            }
            idByText[text] = token.id
        }
        for token in vocabulary.tokens {
            let text = Array(token.text.utf8)
            guard textByID[token.id] ?? text == text, idByText[text] ?? token.id == token.id else {
                throw Vocabulary.malformed(
                    file, "id \(token.id) is \(Problem.excerpt(token.text)) and, as an added token, another")
            }
        }
        return tokens
    }

    private static func addedToken(_ element: JSONValue, _ file: String) throws -> (text: String, id: Int32) {
        guard let token = element.object, let text = token["content"]?.string, !text.isEmpty,
            let id = token["id"]?.integer, (0..<Vocabulary.sizeLimit).contains(id)
        else { throw Vocabulary.malformed(file, "an added token has no content or no id") }
        for flag in ["single_word", "lstrip", "rstrip", "normalized"] where token[flag]?.bool == true {
            throw Problem(
                "tokenizer_family", at: file,
                "its added token \(Problem.excerpt(text)) is \(flag), which this reader does not know.",
                do: "use a base model of the BERT family.")
        }
        return (text, Int32(id))
    }

    /// The tokens before and after one text: `[CLS]` and `[SEP]`.
    private static func frame(_ value: JSONValue?, _ file: String) throws -> (String, String) {
        let fields = value?.object
        if fields?["type"]?.string == "BertProcessing", let start = fields?["cls"]?.array?.first?.string,
            let end = fields?["sep"]?.array?.first?.string
        {
            return (start, end)
        }
        try require(fields?["type"], is: "TemplateProcessing", "post_processor", file)
        let pieces = fields?["single"]?.array ?? []
        guard pieces.count == 3, let start = pieces[0].object?["SpecialToken"]?.object?["id"]?.string,
            pieces[1].object?["Sequence"] != nil,
            let end = pieces[2].object?["SpecialToken"]?.object?["id"]?.string
        else {
            throw Problem(
                "tokenizer_family", at: file, "its post_processor does not frame one text by two tokens.",
                do: "use a base model of the BERT family.")
        }
        return (start, end)
    }
}
