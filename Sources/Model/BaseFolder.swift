import Crypto
import FoundationEssentials
import Problem
import Safetensors
import Tokenizer

/// A base model as a folder in Hugging Face form, opened, checked and identified.
///
/// Files: `config.json`, `model.safetensors` or `model.safetensors.index.json` with the files that it names, and
/// `tokenizer.json` or else, for BERT, `vocab.txt`.
public struct BaseFolder: Sendable {
    /// How a base cuts texts.
    enum TextTokenizer: Sendable {
        case wordPiece(WordPieceTokenizer)
        case bytePair(BytePairTokenizer)

        var vocabularySize: Int {
            switch self {
            case .wordPiece(let tokenizer): tokenizer.vocabularySize
            case .bytePair(let tokenizer): tokenizer.vocabularySize
            }
        }
    }

    /// Where it was opened.
    public let path: String
    /// What identifies the base: the hex SHA-256 over a list of its files, one line each,
    /// `NAME SHA256-OF-THE-FILE\n`, in the order weights (index and then files by name, if sharded), config, tokenizer.
    public let digest: String
    /// The files that make up the digest, with their hex SHA-256, in that order.
    public let files: [(name: String, sha256: String)]
    /// The shape of the model.
    public let configuration: TransformerConfiguration

    let weights: SafetensorsShards
    let tokenizer: TextTokenizer

    private static let single = "model.safetensors"
    private static let index = "model.safetensors.index.json"

    /// Opens and checks a folder; weights are mapped, so this reads each file once for its digest.
    ///
    /// Errors are ``Problem``s: `base_incomplete`, `file_unreadable`, `file_truncated`, `safetensors_malformed`,
    /// `index_malformed`, `config_malformed`, `model_family`, `tokenizer_malformed`, `tokenizer_family`.
    public static func open(_ path: String) throws -> BaseFolder { try BaseFolder(path: path) }

    private init(path: String) throws {
        self.path = path
        let tokenizerName = Self.exists(path, "tokenizer.json") ? "tokenizer.json" : "vocab.txt"
        let isSharded = !Self.exists(path, Self.single) && Self.exists(path, Self.index)
        for name in [isSharded ? Self.index : Self.single, "config.json", tokenizerName]
        where !Self.exists(path, name) {
            let missing = name == "vocab.txt" ? "tokenizer.json and vocab.txt" : name
            throw Problem(
                "base_incomplete", at: path, "it holds no \(missing).",
                do: "name a Hugging Face folder with config.json, model.safetensors and tokenizer.json or vocab.txt.")
        }
        var files: [(name: String, sha256: String)] = []
        func content(_ name: String) throws -> Data {
            let content = try SafetensorsFile.map("\(path)/\(name)")
            files.append((name, hexadecimal(SHA256.hash(data: content))))
            return content
        }
        func shard(_ name: String) throws -> SafetensorsFile {
            let content = try content(name)
            return try Self.weights(content, at: "\(path)/\(name)", sha256: files[files.count - 1].sha256)
        }
        let weights =
            isSharded
            ? try SafetensorsShards(
                index: Array(content(Self.index)), name: "\(path)/\(Self.index)", open: { try shard($0) })
            : SafetensorsShards(try shard(Self.single))
        configuration = try TransformerConfiguration(
            json: Array(content("config.json")), file: "\(path)/config.json")
        tokenizer = try Self.tokenizer(
            Array(content(tokenizerName)), at: "\(path)/\(tokenizerName)", configuration.family)
        self.weights = weights
        self.files = files
        digest = hexadecimal(
            SHA256.hash(data: Data(files.map { "\($0.name) \($0.sha256)\n" }.joined().utf8)))
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw Problem(
                "config_malformed", at: "\(path)/\(tokenizerName)",
                "its ids reach \(tokenizer.vocabularySize - 1), config.json has vocab_size "
                    + "\(configuration.vocabularySize).",
                do: "take config.json and the tokenizer from the same model.")
        }
    }

    private static func tokenizer(
        _ bytes: [UInt8], at path: String, _ family: TransformerConfiguration.Family
    ) throws -> TextTokenizer {
        switch family {
        case .bert where path.hasSuffix("vocab.txt"):
            .wordPiece(try WordPieceTokenizer(vocabularyLines: bytes, file: path))
        case .bert: .wordPiece(try WordPieceTokenizer(json: bytes, file: path))
        case .gpt2, .llama: .bytePair(try BytePairTokenizer(json: bytes, file: path))
        }
    }

    private static func exists(_ path: String, _ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(name)")
    }

    /// A file cut short is told with the digest of what is there, so that it can be compared with the source's.
    private static func weights(_ content: Data, at path: String, sha256: String) throws -> SafetensorsFile {
        do {
            return try SafetensorsFile(content: content, name: path)
        } catch var problem as Problem where problem.errorClass == "file_truncated" {
            problem.remedy = "fetch it again; SHA-256 starts \(sha256.prefix(8))."
            throw problem
        }
    }
}

/// Lower-case hexadecimal digits of a digest.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
