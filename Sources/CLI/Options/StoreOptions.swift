public import ArgumentParser
import Foundation
import HTTPTransfer
public import ObjectStore
import Problem

/// Where adapters are kept: the options, the environment, or the running `attune up`.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "s3://bucket/prefix, or a folder.", discussion: "Default: ATTUNE_STORE, then the running `attune up`.",
            valueName: "store"))
    var store: String?

    @Option(name: .customLong("s3-endpoint"), help: "https://host:port of an S3 server that is not AWS.")
    var endpoint: String?

    @Option(
        name: .customLong("s3-region"),
        help: "Region that requests are signed for (default: AWS_REGION or the profile's).")
    var region: String?

    @Option(name: .customLong("s3-addressing"), help: "path or virtualHost (default: path where an endpoint is given).")
    var addressing: S3Configuration.Addressing?

    /// The store, ready to use.
    ///
    /// - Throws: `configuration_missing` when nothing says where objects are, and what the store's settings refuse.
    func open(for deployment: Deployment?, clock: StoreClock = .system) throws -> any ObjectStore {
        guard let place = store ?? Settings.store ?? deployment?.store else {
            throw Problem(
                "configuration_missing", at: "--store", "nothing says where adapters are kept.",
                do: "give --store s3://bucket/prefix or a folder, set ATTUNE_STORE, or run attune up.")
        }
        guard place.hasPrefix("s3://") else { return try DirectoryObjectStore(path: absolute(place)) }
        let parts = place.dropFirst("s3://".count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let bucket = try openS3(bucket: String(parts[0]), deployment, clock: clock)
        // `s3://bucket/` is the whole bucket, and `prefix/` the same as `prefix`.
        let prefix = parts.count == 2 ? parts[1] : ""
        guard !prefix.isEmpty else { return bucket }
        return try PrefixedObjectStore(bucket, prefix: String(prefix.hasSuffix("/") ? prefix.dropLast() : prefix))
    }

    /// The same, when it has to be S3, for making its bucket.
    func openS3(bucket: String, _ deployment: Deployment?, clock: StoreClock = .system) throws -> S3ObjectStore {
        let profile = AWSProfile(environment: Settings.aws(credentialsFile: deployment?.credentialsFile)) { path in
            FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : nil
        }
        let configuration = S3Configuration(
            bucket: bucket,
            region: try region ?? profile.region() ?? "us-east-1",
            endpoint: try endpoint ?? Settings.s3Endpoint ?? deployment?.endpoint ?? profile.endpoint(),
            addressing: addressing)
        var transfer = TransferSettings()
        transfer.certificateAuthorities = try profile.certificateAuthorities()
        return try S3ObjectStore(
            configuration, credentials: profile.source, exchange: try TransferPool(transfer),
            clock: clock)
    }
}

extension S3Configuration.Addressing: ExpressibleByArgument {}
