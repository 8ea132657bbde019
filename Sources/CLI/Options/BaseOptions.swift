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

/// Which frozen models a worker holds.
struct BasesOptions: ParsableArguments {
    @Option(
        name: .customLong("base"),
        help: ArgumentHelp(
            "Folder of a base model; again for each further one.",
            discussion: "Default: ATTUNE_BASE, then where ops/install puts all-MiniLM-L6-v2.", valueName: "folder"))
    var folders: [String] = []

    /// The folders, absolute; at least one.
    var paths: [String] { (folders.isEmpty ? [Settings.base] : folders).map(absolute) }

    /// Reads, checks and loads them, in order.
    func open() throws -> [TextEncoder] { try paths.map { try TextEncoder(BaseFolder.open($0)) } }
}
