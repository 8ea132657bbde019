import Foundation
public import Testing

/// The server that tests use; the environment names it.
public enum PostgresServer {
    /// The connection string of a superuser, from ATTUNE_TEST_DSN.
    public static let conninfo = ProcessInfo.processInfo.environment["ATTUNE_TEST_DSN"]

    /// The string, where a test runs only when there is one.
    public static func requireConninfo() throws -> String {
        try #require(conninfo, "ATTUNE_TEST_DSN is not set")
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips, saying why, unless there is a server to test with.
    public static var needsPostgres: Self {
        .enabled(
            if: PostgresServer.conninfo != nil,
            "set ATTUNE_TEST_DSN to a superuser's connection string, for example host=127.0.0.1 user=postgres")
    }
}
