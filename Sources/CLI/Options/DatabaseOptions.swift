import ArgumentParser
import Foundation
import Problem

/// Which database a command speaks to: the option, the environment, a running `attune up`, or libpq's own defaults.
struct DatabaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of an `attune up`.", discussion: "Default: ATTUNE_DIR.", valueName: "folder"))
    var dir: String = Settings.directory

    @Option(
        help: ArgumentHelp(
            "libpq conninfo or URI without password.",
            discussion: "Default: ATTUNE_DSN, then the running `attune up`, then libpq's PG* variables.",
            valueName: "conninfo"))
    var dsn: String?

    /// The running deployment of `--dir`, if any.
    func deployment() throws -> Deployment? { try Deployment.running(in: absolute(dir)) }

    /// The conninfo to connect with.
    func conninfo() throws -> String {
        if let chosen = dsn ?? Settings.conninfo {
            guard chosen.firstMatch(of: /password\s*=|:[^\/@]+@/) == nil else {
                throw Problem(
                    "usage", at: "--dsn", "holds a password, which `ps` would show.",
                    do: "put it into PGPASSWORD, PGPASSFILE or ~/.pgpass.")
            }
            return chosen
        }
        return try deployment()?.conninfo ?? ""
    }
}

/// A path as the shell meant it, absolute.
func absolute(_ path: String) -> String {
    URL(filePath: (path as NSString).expandingTildeInPath).standardizedFileURL.path
}

/// `--json`, on every command that prints data.
struct OutputOptions: ParsableArguments {
    @Flag(help: "One JSON object on standard output (lists: one line an element).")
    var json = false
}
