import Adapters
import ArgumentParser
import Foundation
import Model
import Problem
import Safetensors

/// Folders of PEFT and files of attune adapt, from one to the other.
extension AdapterCommand {
    /// Reads a folder that PEFT saved.
    struct ImportPEFT: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import-peft", abstract: "Turn a LoRA that PEFT saved into a file for attune generate.",
            discussion: """
                The folder holds adapter_config.json and adapter_model.safetensors. LoRA and rsLoRA of a decoder's products
                are read, with a rank and an alpha of each layer's own; what else changes the outputs, such as DoRA, biases
                or modules_to_save, is refused.

                EXAMPLES:
                  attune adapter import-peft mine-peft --base novels-gpt2 --out mine.safetensors
                  attune generate --base novels-gpt2 --adapter mine.safetensors --prompt "It was late when"
                """)

        @Argument(help: "The folder that PEFT's save_pretrained wrote.") var folder: String
        @OptionGroup var base: BaseOptions
        @Option(help: "Where to write (default: adapter.safetensors).") var out = "adapter.safetensors"
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (base, source) = (try openDecoder(base), absolute(folder))
            let (plan, parameters) = try Self.read(source).adapter(for: base.configuration, baseDigest: base.digest)
            guard !plan.slots.isEmpty else {
                throw Problem(
                    "peft_unsupported", at: source, "all its weights are 0: it changes nothing.",
                    do: "save the adapter after its training.")
            }
            let file = LoRAFile(plan, parameters: parameters, baseDigest: base.digest)
            let (bytes, path) = (file.encoded(base.configuration), absolute(out))
            try write(bytes, to: path)
            try LoRAAnswer(file, path, bytes: bytes.count).print(output)
        }

        private static func read(_ path: String) throws -> PEFTFolder {
            func bytes(_ name: String) throws -> [UInt8] {
                guard let content = FileManager.default.contents(atPath: "\(path)/\(name)") else {
                    throw Problem(
                        "file_unreadable", at: "\(path)/\(name)", "it cannot be read.",
                        do: "name a folder that PEFT's save_pretrained wrote as safetensors.")
                }
                return Array(content)
            }
            return PEFTFolder(
                path: path, configuration: try bytes(PEFTFolder.configurationName),
                weights: try bytes(PEFTFolder.weightsName))
        }
    }

    /// Writes one.
    struct ExportPEFT: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export-peft", abstract: "Turn a file of attune adapt into a folder that PEFT loads.",
            discussion: """
                PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(BASE), FOLDER) then gives what attune generate
                gives. GPT-2 computes queries, keys and values as one product: their adapters become one, of the sum of
                their ranks, which adds the same.

                EXAMPLES:
                  attune adapter export-peft mine.safetensors --base novels-gpt2 --out mine-peft
                  attune adapter export-peft mine.safetensors --base novels-gpt2 --out mine-peft --base-name me/novels-gpt2
                """)

        @Argument(help: "A safetensors file of attune adapt.") var file: String
        @OptionGroup var base: BaseOptions
        @Option(help: ArgumentHelp("Where to write, a folder that is new or empty.", valueName: "folder"))
        var out: String
        @Option(
            help: ArgumentHelp(
                "Where PEFT is to find the base, a path or a name on the hub (default: the folder of --base).",
                valueName: "name"))
        var baseName: String?
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (base, source, path) = (try openDecoder(base), absolute(file), absolute(out))
            let adapter = try LoRAFile(
                decoding: SafetensorsFile(path: source), for: base.configuration, baseDigest: base.digest, at: source)
            let folder = try PEFTFolder(
                path: source, exporting: adapter.plan(base.configuration), adapter.parameters,
                baseName: baseName ?? base.path, provenance: PEFTProvenance(base: base.digest))
            try write(
                [(PEFTFolder.configurationName, folder.configuration), (PEFTFolder.weightsName, folder.weights)],
                inFolder: path)
            try LoRAAnswer(adapter, path, bytes: folder.configuration.count + folder.weights.count).print(output)
        }
    }

    /// What both print.
    private struct LoRAAnswer: Encodable {
        let written: String
        let bytes: Int
        let base: String
        let sites: [String]
        let ranks: [Int]
        let parameters: Int

        init(_ file: LoRAFile, _ path: String, bytes: Int) {
            (written, self.bytes, base, parameters) = (path, bytes, file.baseDigest, file.parameters.count)
            (sites, ranks) = (file.sites.map(\.description), file.kinds.map(\.rank))
        }

        func print(_ output: OutputOptions) throws {
            if output.json { return try JSONOutput.print(self) }
            let ranks = Set(ranks).sorted().map { "\($0)" }.joined(separator: ", ")
            Terminal.output(
                "adapter    LoRA at \(sites.count) sites, rank \(ranks), \(Figures.count(parameters)) parameters")
            Terminal.output("base       \(base)")
            Terminal.output("written    \(written)   \(Figures.count(bytes)) B")
        }
    }

    private static func openDecoder(_ options: BaseOptions) throws -> BaseFolder {
        let base = try BaseFolder.open(absolute(options.base))
        guard base.configuration.family != .bert else {
            throw Problem(
                "model_family", at: base.path, "it is an encoder; LoRA inside one is not used by any command.",
                do: "name the GPT-2 or Llama decoder that the adapter is for with --base.")
        }
        return base
    }
}
