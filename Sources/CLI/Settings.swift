import Foundation

/// Every environment variable that `attune` reads itself; nothing else in the package reads the environment.
///
/// libpq reads `PGHOST`, `PGPASSWORD`, `~/.pgpass` and its other standard places by itself.
enum Settings {
    private static let environment = ProcessInfo.processInfo.environment

    /// `ATTUNE_DIR`: the folder of an `attune up`; default `/var/lib/attune` for root, else `~/.local/share/attune`.
    static var directory: String {
        if let chosen = environment["ATTUNE_DIR"], !chosen.isEmpty { return chosen }
        return NSUserName() == "root" ? "/var/lib/attune" : "\(NSHomeDirectory())/.local/share/attune"
    }

    /// `ATTUNE_DSN`: libpq conninfo of the database; without password (`PGPASSWORD`, `~/.pgpass` hold it).
    static var conninfo: String? { environment["ATTUNE_DSN"] }

    /// `ATTUNE_STORE`: `s3://bucket/prefix` or a folder.
    static var store: String? { environment["ATTUNE_STORE"] }

    /// `ATTUNE_S3_ENDPOINT`: `https://host:port` of an S3 server that is not AWS.
    static var s3Endpoint: String? { environment["ATTUNE_S3_ENDPOINT"] }

    /// `ATTUNE_BASE`: folder of the base model; default the place where `ops/install` puts it.
    static var base: String {
        if let chosen = environment["ATTUNE_BASE"], !chosen.isEmpty { return chosen }
        let cache = environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache"
        return "\(cache)/attune/all-MiniLM-L6-v2"
    }

    /// `NO_COLOR`, `TERM=dumb`: no colour.
    static var allowsColor: Bool { environment["NO_COLOR"] == nil && environment["TERM"] != "dumb" }

    /// `COLUMNS`: width of the terminal.
    static var columns: Int? { environment["COLUMNS"].flatMap { Int($0) } }

    /// `AWS_*`: what S3 credentials and region are taken from, with the deployment's own file where one is named.
    static func aws(credentialsFile: String?) -> [String: String] {
        var variables = environment.filter { $0.key.hasPrefix("AWS_") || $0.key == "HOME" }
        if let credentialsFile, variables["AWS_ACCESS_KEY_ID"] == nil {
            variables["AWS_SHARED_CREDENTIALS_FILE"] = credentialsFile
        }
        return variables
    }
}
