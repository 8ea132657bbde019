import Adapters
import ArgumentParser
import Foundation
import Model
import Problem
import Recipe
import Registry
import Serving

extension AdapterCommand {
    /// Forms that other libraries load.
    enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
        case sentenceTransformers = "sentence-transformers"
    }

    /// Writes a user's adapter as a folder that another library loads.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a user's adapter as a folder that another library loads.",
            discussion: """
                sentence-transformers: SentenceTransformer("DIR").encode(texts) gives what attune predict gives. The
                head is the module 3_Dense; the base's files are links to its folder.

                EXAMPLES:
                  attune adapter export demo u-7 --format sentence-transformers --out u-7
                  attune adapter export demo u-7 --format sentence-transformers --out u-7 --logits
                """)

        @OptionGroup var user: UserArguments
        @Option(help: "The library: sentence-transformers.") var format: ExportFormat
        @Option(help: ArgumentHelp("Where to write, a folder that is new or empty.", valueName: "folder"))
        var out: String
        @Option(help: "A revision's number (default: the one in use).") var number: Int32?
        @Flag(help: "Give logits instead of probabilities.") var logits = false
        @OptionGroup var base: BaseOptions
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var objects: StoreOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let folder = try BaseFolder.open(absolute(base.base))
            guard folder.configuration.family == .bert else {
                throw Problem(
                    "model_family", at: folder.path, "it is a decoder, which sentence-transformers pools no head from.",
                    do: "name the encoder that the adapter was made for with --base.")
            }
            let adapter = try await AdapterCommand.read(
                user, base: folder.digest, number: number, connection, objects)
            try AdapterCommand.requireRevision(adapter, user)
            guard adapter.recipe.items == nil else {
                throw Problem(
                    "side_features", at: "\(user.tenant)/\(Problem.excerpt(user.user))",
                    "its recipe scores a text by what users did with it, too, which a head over the text's features cannot.",
                    do: "activate a recipe that was meta-trained without --side-features, and adapt the user again.")
            }
            let head = try adapter.head
            let model = SentenceTransformersFolder(
                folder.configuration, weights: head.weights, bias: [head.bias],
                logits ? .identity : .sigmoid,
                provenance: PEFTProvenance(
                    base: adapter.place.baseDigest, recipe: adapter.place.recipeDigest,
                    user: "\(user.tenant)/\(user.user)",
                    revision: adapter.place.revision.map { String($0.number) }))
            let path = absolute(out)
            try write(model.files.map { ($0.path, $0.bytes) }, linkingTo: folder, inFolder: path)
            var answer = AdapterCommand.answer(adapter, user)
            answer.file = path
            if output.json { return try JSONOutput.print(answer) }
            AdapterCommand.print(answer)
        }
    }

    /// Writes files into a folder that is new or empty, and beside them links to a base's.
    static func write(
        _ files: [(path: String, bytes: [UInt8])], linkingTo base: BaseFolder? = nil, inFolder path: String
    ) throws {
        let manager = FileManager.default
        do {
            try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard try manager.contentsOfDirectory(atPath: path).isEmpty else {
                throw Problem("already_exists", at: path, "the folder is not empty.", do: "choose another --out.")
            }
            for file in files {
                let target = URL(filePath: path).appending(path: file.path)
                try manager.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(file.bytes).write(to: target)
            }
            if let base {
                for file in base.files {
                    try manager.createSymbolicLink(
                        atPath: "\(path)/\(file.name)", withDestinationPath: "\(base.path)/\(file.name)")
                }
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem("file_unwritable", at: path, "\(error).", do: "choose another --out, or free space.")
        }
    }
}
