import Foundation
import Testing

/// What the environment gives these tests. Nothing of it is guessed: what is not set is not tested, and says so.
enum TestSettings {
    private static let environment = ProcessInfo.processInfo.environment

    /// ATTUNE_TEST_BINARY: the built `attune`.
    static let binary = environment["ATTUNE_TEST_BINARY"]
    /// ATTUNE_TEST_BASE: folder of the base model.
    static let base = environment["ATTUNE_TEST_BASE"]
    /// ATTUNE_TEST_S3: address of an S3 server; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go with it.
    static let s3 = environment["ATTUNE_TEST_S3"]
    /// ATTUNE_TEST_PYTHON: a Python that has `numpy` and `safetensors`.
    static let python = environment["ATTUNE_TEST_PYTHON"]
}

extension Trait where Self == ConditionTrait {
    /// Skips, saying why, unless there is a binary to run and a base model for it.
    static var needsBinary: Self {
        .enabled(
            if: TestSettings.binary != nil && TestSettings.base != nil,
            "set ATTUNE_TEST_BINARY to the built attune and ATTUNE_TEST_BASE to a base model's folder")
    }

    /// Skips, saying why, unless there is an S3 server.
    static var needsS3: Self {
        .enabled(
            if: TestSettings.s3 != nil,
            "set ATTUNE_TEST_S3 to an S3 server's address, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    }

    /// Skips, saying why, unless there is a Python to check with.
    static var needsPython: Self {
        .enabled(if: TestSettings.python != nil, "set ATTUNE_TEST_PYTHON to a Python with numpy and safetensors")
    }
}

/// Whole processes of the binary against real servers, one test after another: they measure leases in seconds, and the
/// machine has few cores.
@Suite(.serialized, .needsBinary) struct EndToEnd {}
