import HTTPTransfer
import ObjectStore
import Problem
import Synchronization
import Testing

@Suite struct S3SettingsTests {
    static let credentialsFile = """
        # comment
        [default]
        aws_access_key_id = FILEKEY
        aws_secret_access_key=file/secret+=#1 ; comment

        [other]
        aws_access_key_id = OTHERKEY
        aws_secret_access_key = other
        aws_session_token = token==
        [half]
        aws_access_key_id = HALFKEY
        """
    static let configFile = """
        [default]
        region = eu-west-1
        s3 =
            addressing_style = path
            broken nested line
        [profile other]
        region=ap-south-1
        endpoint_url = http://127.0.0.1:9000
        ca_bundle = /etc/ca.pem
        [ profile   third ]
        aws_access_key_id = CONFIGKEY
        aws_secret_access_key = config
        """

    private func profile(_ environment: [String: String]) -> AWSProfile {
        AWSProfile(environment: ["HOME": "/home/u"].merging(environment) { $1 }) { path in
            switch path {
            case "/home/u/.aws/credentials", "/elsewhere": Self.credentialsFile
            case "/home/u/.aws/config": Self.configFile
            case "/bad": "[default]\nnonsense hush"
            default: nil
            }
        }
    }

    @Test("credentials come from the environment, then the credentials file, then the config file, by profile")
    func order() throws {
        let environment = ["AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "env", "AWS_SESSION_TOKEN": "t"]
        #expect(
            try profile(environment).credentials()
                == StoreCredentials(accessKeyID: "ENVKEY", secretAccessKey: "env", sessionToken: "t"))
        let cases: [([String: String], StoreCredentials)] = [
            ([:], StoreCredentials(accessKeyID: "FILEKEY", secretAccessKey: "file/secret+=#1")),
            (["AWS_ACCESS_KEY_ID": ""], StoreCredentials(accessKeyID: "FILEKEY", secretAccessKey: "file/secret+=#1")),
            (
                ["AWS_PROFILE": "other"],
                StoreCredentials(accessKeyID: "OTHERKEY", secretAccessKey: "other", sessionToken: "token==")
            ),
            (["AWS_PROFILE": "third"], StoreCredentials(accessKeyID: "CONFIGKEY", secretAccessKey: "config")),
            (
                ["AWS_SHARED_CREDENTIALS_FILE": "/elsewhere"],
                StoreCredentials(accessKeyID: "FILEKEY", secretAccessKey: "file/secret+=#1")
            ),
        ]
        for (environment, expected) in cases { #expect(try profile(environment).credentials() == expected) }
    }

    @Test("missing, half and malformed credentials say where, and never what")
    func faults() async {
        let cases: [([String: String], String)] = [
            (["AWS_PROFILE": "nobody"], "credentials_missing"), (["HOME": "/nowhere"], "credentials_missing"),
            (["AWS_PROFILE": "half"], "credentials_incomplete"),
            (["AWS_ACCESS_KEY_ID": "X"], "credentials_incomplete"),
            (["AWS_SECRET_ACCESS_KEY": "hush"], "credentials_incomplete"),
            (["AWS_SHARED_CREDENTIALS_FILE": "/bad"], "profile_malformed"),
        ]
        for (environment, expected) in cases {
            #expect {
                try profile(environment).credentials()
            } throws: { error in
                (error as? Problem)?.errorClass == expected && !"\(error)".contains("hush")
            }
        }
    }

    @Test("region, endpoint and authorities come from the environment, then the profile")
    func settings() throws {
        #expect(try profile([:]).region() == "eu-west-1")
        #expect(try profile(["AWS_PROFILE": "other"]).region() == "ap-south-1")
        #expect(try profile(["AWS_DEFAULT_REGION": "b", "AWS_REGION": "a"]).region() == "a")
        #expect(try profile([:]).endpoint() == nil)
        #expect(try profile(["AWS_PROFILE": "other"]).endpoint() == "http://127.0.0.1:9000")
        #expect(try profile(["AWS_ENDPOINT_URL": "b", "AWS_ENDPOINT_URL_S3": "a"]).endpoint() == "a")
        #expect(try profile(["AWS_PROFILE": "other"]).certificateAuthorities() == "/etc/ca.pem")
        #expect(try profile(["AWS_CA_BUNDLE": "/b.pem"]).certificateAuthorities() == "/b.pem")
    }

    @Test("buckets, regions and endpoints that no server takes are refused before anything is sent")
    func validation() throws {
        for bucket in ["ab", "Upper", "under_score", "sla/sh", String(repeating: "x", count: 64), "spa ce"] {
            #expect(throws: Problem.self) { try S3Configuration(bucket: bucket, region: "r").validate() }
        }
        for endpoint in [
            "host:9000", "ftp://host", "http://", "http://user@host", "http://host/path", "http:///", "http://h?q",
        ] {
            #expect(throws: Problem.self, "\(endpoint)") {
                try S3Configuration(bucket: "bucket", region: "r", endpoint: endpoint).validate()
            }
        }
        #expect(throws: Problem.self) { try S3Configuration(bucket: "bucket", region: "").validate() }
        var configuration = S3Configuration(bucket: "bucket", region: "r", endpoint: "https://h:1")
        try configuration.validate()
        configuration.retry.maximumTries = 0
        #expect(throws: Problem.self) { try configuration.validate() }
    }

    @Test("a bucket is addressed by host on AWS, by path elsewhere and where its name has dots")
    func addressing() async throws {
        let seen = Mutex<[String]>([])
        let cases: [(S3Configuration, String)] = [
            (S3Configuration(bucket: "bucket", region: "eu-west-1"), "https://bucket.s3.eu-west-1.amazonaws.com/a%20b"),
            (S3Configuration(bucket: "b.c.d", region: "eu-west-1"), "https://s3.eu-west-1.amazonaws.com/b.c.d/a%20b"),
            (S3Configuration(bucket: "bucket", region: "r", endpoint: "http://H:1/"), "http://h:1/bucket/a%20b"),
            (
                S3Configuration(bucket: "bucket", region: "r", endpoint: "http://h:1", addressing: .virtualHost),
                "http://bucket.h:1/a%20b"
            ),
        ]
        for (configuration, url) in cases {
            let store = try S3ObjectStore(
                configuration, credentials: .fixed(StoreCredentials(accessKeyID: "k", secretAccessKey: "s")),
                exchange: Recorder { request in
                    seen.withLock { $0.append("\(request.url) \(request.headers["host"] ?? "")") }
                })
            try await store.delete(ObjectKey("a b"))
            let host = url.split(separator: "/").dropFirst().first ?? ""
            #expect(seen.withLock { $0.last } == "\(url) \(host)")
        }
    }

    @Test("waits double up to the longest, keep half for certain, and respect what the server asks within limits")
    func waits() {
        let policy = StoreRetryPolicy()
        #expect(policy.delaySeconds(afterTry: 1, random: 0) == 0.1)
        #expect(policy.delaySeconds(afterTry: 3, random: 0) == 0.4)
        #expect(abs(policy.delaySeconds(afterTry: 3, random: 0.999) - 0.8) < 0.001)
        for number in [10, 50, 1000] { #expect(policy.delaySeconds(afterTry: number, random: 0.9) <= 10) }
        #expect(policy.delaySeconds(afterTry: 1, random: 0, serverSeconds: 3) == 3)
        #expect(policy.delaySeconds(afterTry: 1, random: 0, serverSeconds: 3600) == 10)
    }
}

/// Answers 204 to everything and shows each request.
struct Recorder: HTTPExchanging {
    let show: @Sendable (HTTPRequest) -> Void
    func exchange(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse {
        show(request)
        return HTTPResponse(status: 204)
    }
}
