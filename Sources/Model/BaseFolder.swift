import Crypto
import FoundationEssentials
import Problem
import Safetensors
import Tokenizer

/// A base model as a folder in Hugging Face form, opened, checked and identified.
///
/// Files: `config.json`, `model.safetensors`, and `tokenizer.json` or else `vocab.txt`.
public struct BaseFolder: Sendable {
    /// Where it was opened.
    public let path: String
    /// What identifies the base: the hex SHA-256 over a list of its files, one line each,
    /// `NAME SHA256-OF-THE-FILE\n`, in the order weights, config, tokenizer.
    public let digest: String
    /// The files that make up the digest, with their hex SHA-256, in that order.
    public let files: [(name: String, sha256: String)]
    /// The shape of the model.
    public let configuration: TransformerConfiguration

    let weights: SafetensorsFile
    let tokenizer: WordPieceTokenizer

    /// Opens and checks a folder; weights are mapped, so this reads the file once for its digest.
    ///
    /// Errors are ``Problem``s: `base_incomplete`, `file_unreadable`, `file_truncated`, `safetensors_malformed`,
    /// `config_malformed`, `model_family`, `tokenizer_malformed`, `tokenizer_family`.
    public static func open(_ path: String) throws -> BaseFolder { try BaseFolder(path: path) }

    private init(path: String) throws {
        self.path = path
        let tokenizerName = Self.exists(path, "tokenizer.json") ? "tokenizer.json" : "vocab.txt"
        let names = ["model.safetensors", "config.json", tokenizerName]
        for name in names where !Self.exists(path, name) {
            let missing = name == "vocab.txt" ? "tokenizer.json and vocab.txt" : name
            throw Problem(
                "base_incomplete", at: path, "it holds no \(missing).",
                do: "name a Hugging Face folder with config.json, model.safetensors and tokenizer.json or vocab.txt.")
        }
        let contents = try names.map { try SafetensorsFile.map("\(path)/\($0)") }
        files = zip(names, contents).map { (name: $0, sha256: hexadecimal(SHA256.hash(data: $1))) }
        digest = hexadecimal(
            SHA256.hash(data: Data(files.map { "\($0.name) \($0.sha256)\n" }.joined().utf8)))
        configuration = try TransformerConfiguration(json: Array(contents[1]), file: "\(path)/config.json")
        weights = try Self.weights(contents[0], at: "\(path)/model.safetensors", sha256: files[0].sha256)
        let tokenizerPath = "\(path)/\(tokenizerName)"
        tokenizer =
            tokenizerName == "vocab.txt"
            ? try WordPieceTokenizer(vocabularyLines: Array(contents[2]), file: tokenizerPath)
            : try WordPieceTokenizer(json: Array(contents[2]), file: tokenizerPath)
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw Problem(
                "config_malformed", at: tokenizerPath,
                "its ids reach \(tokenizer.vocabularySize - 1), config.json has vocab_size "
                    + "\(configuration.vocabularySize).",
                do: "take config.json and the tokenizer from the same model.")
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
