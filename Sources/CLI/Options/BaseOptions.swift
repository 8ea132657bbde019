import ArgumentParser
import Model

/// Which frozen model a command computes with.
struct BaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder of the base model.",
            discussion: "Default: ATTUNE_BASE, then where ops/install puts all-MiniLM-L6-v2.",
            valueName: "folder"))
    var base: String = Settings.base

    /// Reads, checks and loads it.
    func open() throws -> TextEncoder { try TextEncoder(BaseFolder.open(absolute(base))) }
}
