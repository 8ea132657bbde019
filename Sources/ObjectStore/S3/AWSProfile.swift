import Problem

/// Credentials, region and address from AWS's environment variables and files, in the order AWS's own tools use:
/// environment, then `~/.aws/credentials`, then `~/.aws/config`, by the profile of `AWS_PROFILE`.
///
/// Roles, instance metadata and single sign-on are not asked; tools that use them can write these files.
public struct AWSProfile: Sendable {
    private let environment: [String: String]
    private let readFile: @Sendable (String) throws -> String?

    /// Makes a reader.
    ///
    /// - Parameters:
    ///   - environment: the process's variables; only the CLI reads them from the process.
    ///   - readFile: a file's text, nil where there is none; called at each look, so that rotated files are seen.
    public init(environment: [String: String], readFile: @escaping @Sendable (String) throws -> String?) {
        self.environment = environment
        self.readFile = readFile
    }

    /// The name of the profile: `AWS_PROFILE`, else `default`.
    public var name: String { variable("AWS_PROFILE") ?? variable("AWS_DEFAULT_PROFILE") ?? "default" }

    /// `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's `region`; throws ``Problem`` `profile_malformed`.
    public func region() throws -> String? {
        try variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION") ?? setting("region")
    }

    /// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile's `endpoint_url`.
    public func endpoint() throws -> String? {
        try variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL") ?? setting("endpoint_url")
    }

    /// `AWS_CA_BUNDLE` or the profile's `ca_bundle`: a PEM file of certificate authorities.
    public func certificateAuthorities() throws -> String? {
        try variable("AWS_CA_BUNDLE") ?? setting("ca_bundle")
    }

    /// The credentials; throws ``Problem`` `credentials_missing`, `credentials_incomplete` or `profile_malformed`.
    public func credentials() throws -> StoreCredentials {
        let places: [(String, [String: String])] = [
            ("the environment", environmentSection), (credentialsPath, try section(credentialsPath, name)),
            (configPath, try configSection()),
        ]
        for (place, section) in places {
            let (id, secret) = (section["aws_access_key_id"], section["aws_secret_access_key"])
            guard id != nil || secret != nil else { continue }
            guard let id, let secret else {
                let missing = id == nil ? "aws_access_key_id" : "aws_secret_access_key"
                throw Problem(
                    "credentials_incomplete", at: place, "\(missing) is not set, its other half is.",
                    do: "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither.")
            }
            return StoreCredentials(
                accessKeyID: id, secretAccessKey: secret, sessionToken: section["aws_session_token"])
        }
        throw Problem(
            "credentials_missing", at: "profile \(name)",
            "no access key in the environment, \(credentialsPath) or \(configPath).",
            do: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile that has them.")
    }

    /// The same as a source for a store.
    public var source: CredentialSource { CredentialSource { try credentials() } }

    private var environmentSection: [String: String] {
        var section: [String: String] = [:]
        section["aws_access_key_id"] = variable("AWS_ACCESS_KEY_ID")
        section["aws_secret_access_key"] = variable("AWS_SECRET_ACCESS_KEY")
        section["aws_session_token"] = variable("AWS_SESSION_TOKEN")
        return section
    }

    private var credentialsPath: String {
        variable("AWS_SHARED_CREDENTIALS_FILE").map(expanded) ?? expanded("~/.aws/credentials")
    }
    private var configPath: String { variable("AWS_CONFIG_FILE").map(expanded) ?? expanded("~/.aws/config") }

    /// An empty variable counts as unset, as in AWS's tools.
    private func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    private func expanded(_ path: String) -> String {
        path.hasPrefix("~/") ? (variable("HOME") ?? "") + path.dropFirst(1) : path
    }

    private func setting(_ key: String) throws -> String? { try configSection()[key] }

    private func configSection() throws -> [String: String] {
        try section(configPath, name == "default" ? name : "profile \(name)")
    }

    private func section(_ path: String, _ wanted: String) throws -> [String: String] {
        guard let text = try readFile(path) else { return [:] }
        return try ProfileFile(text, path: path).sections[wanted] ?? [:]
    }
}

/// The sections of an AWS credentials or config file.
struct ProfileFile {
    private(set) var sections: [String: [String: String]] = [:]

    /// Reads `[section]` and `key = value` lines; comments begin with `#` or `;`, and indented lines belong to a
    /// nested setting that is not ours. Throws ``Problem`` `profile_malformed` with the line, never its text.
    init(_ text: String, path: String) throws(Problem) {
        var current: String?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = Self.trimmed(line)
            if trimmed.isEmpty || trimmed.hasPrefix("#") || trimmed.hasPrefix(";") { continue }
            if line.first?.isWhitespace == true { continue }
            if trimmed.hasPrefix("["), let end = trimmed.firstIndex(of: "]") {
                let name = Self.trimmed(trimmed[trimmed.index(after: trimmed.startIndex)..<end])
                    .split(whereSeparator: \.isWhitespace).joined(separator: " ")
                current = name
                sections[name, default: [:]].merge([:]) { old, _ in old }
            } else if let equals = trimmed.firstIndex(of: "="), let current {
                let key = Self.trimmed(trimmed[..<equals]).lowercased()
                let value = Self.withoutComment(Self.trimmed(trimmed[trimmed.index(after: equals)...]))
                sections[current, default: [:]][key] = value
            } else {
                throw Problem(
                    "profile_malformed", at: "\(path):\(index + 1)",
                    "the line is no [section], no key = value and no comment.", do: "correct or remove it.")
            }
        }
    }

    /// A comment after a value needs a space before it; secrets may hold `#`.
    private static func withoutComment(_ value: String) -> String {
        for mark in [" #", " ;", "\t#", "\t;"] {
            if let range = value.firstRange(of: mark) { return trimmed(value[..<range.lowerBound]) }
        }
        return value
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let front = text.drop(while: \.isWhitespace)
        return String(front[..<(front.lastIndex { !$0.isWhitespace }.map(front.index(after:)) ?? front.startIndex)])
    }
}
