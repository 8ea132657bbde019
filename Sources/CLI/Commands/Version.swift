import ArgumentParser

/// Prints what this binary is.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the version, the build and the linear-algebra kernels in use.",
        discussion: "EXAMPLES:\n  attune version --json")

    @OptionGroup var output: OutputOptions

    func run() throws {
        let identity = BuildIdentity()
        if output.json { return try JSONOutput.print(identity) }
        Terminal.output("attune \(identity.version) (\(identity.configuration), Swift \(identity.swift))")
        Terminal.output("kernels \(identity.kernels)")
    }
}
