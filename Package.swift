// swift-tools-version: 6.3
import Foundation
import PackageDescription

/// One list of settings for every target: a lapse in any of them is a compile error everywhere.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let channels = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

/// The layout: a row imports only rows above it, exactly those it names. `ArchitectureTests` holds the sources to it.
let libraries: [(name: String, imports: [String], packages: [Target.Dependency])] = [
    ("Problem", [], []),
    ("Blocking", [], []),
    ("Postgres", ["CPostgres", "Blocking", "Problem"], []),
    ("Zstd", ["CZstd", "Problem"], []),
    ("HTTPTransfer", ["CCurl", "Blocking", "Problem"], []),
    ("StrictJSON", [], []),
    ("Safetensors", ["StrictJSON", "Problem"], []),
    ("Tokenizer", ["StrictJSON", "Problem"], []),
    ("Tensor", ["COpenBLAS"], []),
    ("Model", ["Tensor", "StrictJSON", "Safetensors", "Tokenizer", "Problem"], [crypto]),
    ("Population", ["StrictJSON", "Zstd", "Tensor", "Problem"], []),
    ("Adapters", ["Tensor", "Safetensors", "Problem"], []),
    ("Gate", [], []),
    ("Meta", ["Adapters", "Gate", "Tensor", "Problem"], []),
    ("Schema", ["Postgres", "Problem"], [crypto]),
    ("Queue", ["Schema", "Postgres", "Problem"], [log]),
    ("Registry", ["Schema", "Postgres", "Problem"], [crypto]),
    ("ObjectStore", ["HTTPTransfer", "Blocking", "Problem"], [crypto]),
    ("Artifacts", ["Adapters", "Safetensors", "Zstd", "Problem"], [crypto]),
    ("Recipe", ["Meta", "Gate", "Adapters", "Tensor", "Safetensors", "Problem"], [crypto]),
    (
        "Serving",
        [
            "Recipe", "Meta", "Model", "Adapters", "Tensor", "Artifacts", "ObjectStore", "Registry", "Blocking",
            "Problem",
        ], []
    ),
    (
        "Worker",
        [
            "Queue", "Registry", "Population", "Recipe", "Meta", "Adapters", "Model", "Tensor", "Artifacts", "Zstd",
            "ObjectStore", "Blocking", "Problem",
        ], [log, channels]
    ),
    ("Scheduler", ["Queue", "ObjectStore", "Postgres", "Problem"], [log]),
    ("Embedded", ["Blocking", "Problem"], []),
    ("Evaluation", ["Population", "Recipe", "Meta", "Adapters", "Tensor", "Problem"], []),
    (
        "Bench",
        ["Queue", "Registry", "Schema", "Postgres", "Population", "Recipe", "Meta", "Adapters", "Model", "Tensor"], []
    ),
]

let present: (String) -> Bool = { FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\($0)") }

var targets: [Target] = [
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .executableTarget(name: "EmbedSQL", swiftSettings: strict),
    .plugin(
        name: "EmbedSQLPlugin", capability: .buildTool(), dependencies: ["EmbedSQL"], path: "Sources/EmbedSQLPlugin"),
]
for library in libraries where present("Sources/\(library.name)") {
    targets.append(
        .target(
            name: library.name,
            dependencies: library.imports.filter { present("Sources/\($0)") }.map { .init(stringLiteral: $0) }
                + library.packages,
            // Kernels are loops over floats: unoptimised they are 20 times slower, and every test that runs the
            // base model with them.
            swiftSettings: strict
                + (library.name == "Tensor" ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : []),
            plugins: library.name == "Schema" ? ["EmbedSQLPlugin"] : []))
    if present("Tests/\(library.name)Tests") {
        targets.append(
            .testTarget(
                name: "\(library.name)Tests",
                dependencies: [.init(stringLiteral: library.name)]
                    + library.imports.filter { !$0.hasPrefix("C") && present("Sources/\($0)") }.map {
                        .init(stringLiteral: $0)
                    }
                    + library.packages
                    + (present("Tests/TestSupport") ? ["TestSupport"] : [])
                    + (present("Tests/PostgresTestSupport") ? ["PostgresTestSupport"] : []),
                exclude: present("Tests/\(library.name)Tests/Fixtures") ? ["Fixtures"] : [],
                swiftSettings: strict))
    }
}
if present("Tests/TestSupport") {
    targets.append(.target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict))
}
if present("Tests/PostgresTestSupport") {
    targets.append(
        .target(
            name: "PostgresTestSupport", dependencies: ["Postgres", "Schema"], path: "Tests/PostgresTestSupport",
            swiftSettings: strict))
}
if present("Sources/CLI") {
    targets.append(
        .executableTarget(
            name: "CLI",
            dependencies: libraries.map(\.name).filter { present("Sources/\($0)") }.map { .init(stringLiteral: $0) }
                + [log, crypto, arguments, signals],
            swiftSettings: strict))
}
targets.append(.testTarget(name: "ArchitectureTests", swiftSettings: strict))
if present("Tests/CLITests") {
    targets.append(
        .testTarget(
            name: "CLITests",
            dependencies: ["Adapters", "Postgres", "PostgresTestSupport", "Recipe", "Registry"],
            swiftSettings: strict))
}
if present("Tests/IntegrationTests") {
    targets.append(
        .testTarget(
            name: "IntegrationTests",
            dependencies: libraries.map(\.name).filter { present("Sources/\($0)") }.map { .init(stringLiteral: $0) }
                + ["TestSupport", "PostgresTestSupport"],
            swiftSettings: strict))
}

let package = Package(
    name: "attune",
    products: present("Sources/CLI") ? [.executable(name: "attune", targets: ["CLI"])] : [],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: targets
)
