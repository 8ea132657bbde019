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

/// Set by `ops/fuzz`, which builds in a folder of its own: our code alone is instrumented, not what we import.
let fuzzing = Context.environment["ATTUNE_FUZZ"] == nil ? [] : ["-sanitize=fuzzer,address"]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let channels = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let heaps = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

/// The processor that the kernels are compiled for. Unless `ATTUNE_TARGET_CPU` names a level it is x86-64-v4, which has
/// AVX-512, where the machine that builds has it, and otherwise x86-64-v3, which has AVX2 and FMA. `attune` refuses in words
/// to start on a lesser one than it was built for (`Processor`).
let level: String = {
    // A machine that does not say what it is, because it has no proc(5), is taken for one without AVX-512.
    let machine = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let hasAVX512 = ["f", "bw", "cd", "dq", "vl"].allSatisfy { machine.contains(" avx512\($0) ") }
    return Context.environment["ATTUNE_TARGET_CPU"] ?? (hasAVX512 ? "x86-64-v4" : "x86-64-v3")
}()

/// How the compiler is told.
///
/// Swift has no setting for it but takes the processor from the options of its C importer. Nor does it fuse a product with
/// a sum unasked: what is defined here also says that the kernels may ask.
let kernels: (flags: [String], defines: [String]) = {
    #if arch(x86_64)
        switch level {
        case "x86-64": return ([], [])
        case "x86-64-v3": return (["-Xcc", "-march=x86-64-v3"], ["ATTUNE_AVX2"])
        case "x86-64-v4":
            return (
                ["-Xcc", "-march=x86-64-v4", "-Xcc", "-mprefer-vector-width=512"], ["ATTUNE_AVX2", "ATTUNE_AVX512"]
            )
        // A manifest has no other way to refuse: this is what `swift build` prints.
        case let other: fatalError("ATTUNE_TARGET_CPU is \(other), not x86-64, x86-64-v3 or x86-64-v4")
        }
    #else
        return ([], [])
    #endif
}()

/// The settings of single rows: what the others do not need.
let special: [String: [SwiftSetting]] = [
    // Kernels are loops over floats: unoptimised they are 20 times slower, and every test that runs the base model
    // with them.
    "Tensor": [.unsafeFlags(["-O"], .when(configuration: .debug)), .unsafeFlags(kernels.flags)]
        + kernels.defines.map { .define($0) },
    // Knows what the kernels need, and is itself compiled for any processor.
    "Processor": kernels.defines.map { .define($0) },
    // The tests of Chaos look into its plans and histories, in release builds too; nothing ships from it.
    "Chaos": [.unsafeFlags(["-enable-testing"])],
]

/// The layout: a row imports only rows above it, exactly those it names. `ArchitectureTests` holds the sources to it.
let libraries: [(name: String, imports: [String], packages: [Target.Dependency])] = [
    ("Problem", [], []),
    ("Blocking", [], []),
    ("Loopback", [], []),
    ("Postgres", ["CPostgres", "Blocking", "Problem"], []),
    ("Zstd", ["CZstd", "Problem"], []),
    ("HTTPTransfer", ["CCurl", "Blocking", "Problem"], []),
    ("StrictJSON", [], []),
    ("Safetensors", ["StrictJSON", "Problem"], []),
    ("Tokenizer", ["StrictJSON", "Problem"], [heaps]),
    ("Processor", ["CProcessor", "Problem"], []),
    ("Tensor", ["COpenBLAS", "COneDNN", "CVectors"], []),
    ("Model", ["Tensor", "StrictJSON", "Safetensors", "Tokenizer", "Problem"], [crypto]),
    ("Population", ["StrictJSON", "Zstd", "Tensor", "Problem"], []),
    ("Adapters", ["Model", "Tensor", "Safetensors", "StrictJSON", "Problem"], []),
    ("Gate", ["Tensor"], []),
    ("Meta", ["Adapters", "Model", "Gate", "Tensor", "Problem"], []),
    ("Schema", ["Postgres", "Problem"], [crypto]),
    ("Queue", ["Schema", "Postgres", "Problem"], [log]),
    ("Registry", ["Schema", "Postgres", "Problem"], [crypto]),
    ("ObjectStore", ["HTTPTransfer", "Blocking", "Problem"], [crypto]),
    ("Artifacts", ["Adapters", "Safetensors", "Zstd", "Problem"], [crypto]),
    ("Recipe", ["Meta", "Model", "Gate", "Adapters", "Tensor", "Safetensors", "Problem"], [crypto]),
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
    ("ClusterTraining", ["Queue", "ObjectStore", "Recipe", "Meta", "Tensor", "Problem"], []),
    ("Campaigns", ["Schema", "Postgres", "Problem"], [log]),
    ("Scheduler", ["Campaigns", "Queue", "ObjectStore", "Postgres", "Problem"], [log]),
    ("Embedded", ["Blocking", "Problem"], []),
    (
        "Evaluation",
        [
            "Population", "Recipe", "Meta", "Gate", "Adapters", "Model", "Tokenizer", "Tensor", "Artifacts", "Blocking",
            "Problem",
        ], []
    ),
    (
        "Bench",
        [
            "Campaigns", "Queue", "Registry", "Scheduler", "Schema", "Postgres", "Population", "Recipe", "Meta",
            "Adapters", "Model", "Tensor", "Safetensors", "Problem",
        ], []
    ),
    (
        "Chaos",
        [
            "Blocking", "Loopback", "Embedded", "Postgres", "Schema", "Queue", "Registry", "HTTPTransfer",
            "ObjectStore",
            "Artifacts", "Population", "Recipe", "Meta", "Adapters", "Model", "Safetensors", "Tensor", "Problem",
        ], []
    ),
]

/// What each row's tests import besides the row and its own imports, and whether golden files lie beside them.
let tests: [(of: String, more: [Target.Dependency], haveFixtures: Bool)] = [
    ("Problem", [], false),
    ("Blocking", [], false),
    ("Loopback", ["HTTPTransfer", "TestSupport"], false),
    ("Postgres", ["PostgresTestSupport"], false),
    ("Zstd", [], false),
    ("HTTPTransfer", ["TestSupport"], false),
    ("StrictJSON", [], false),
    ("Safetensors", [], false),
    ("Tokenizer", [], true),
    ("Processor", [], false),
    ("Tensor", [], false),
    ("Model", [], true),
    ("Population", [], false),
    ("Adapters", ["Tokenizer"], true),
    ("Gate", [], false),
    ("Meta", [], false),
    ("Schema", ["PostgresTestSupport"], false),
    ("Queue", ["PostgresTestSupport", "QueueModel"], false),
    ("Registry", ["PostgresTestSupport"], false),
    ("ObjectStore", ["TestSupport"], true),
    ("Artifacts", [], false),
    ("Recipe", [], false),
    ("Serving", ["Safetensors", "PostgresTestSupport"], true),
    ("Worker", ["Gate", "Postgres", "PostgresTestSupport", crypto], false),
    ("ClusterTraining", ["Adapters"], false),
    ("Campaigns", ["Queue", "Registry", "PostgresTestSupport"], false),
    ("Scheduler", [], false),
    ("Evaluation", [], false),
    ("Chaos", [], false),
]

let named: (String) -> Target.Dependency = { .init(stringLiteral: $0) }

let libraryTargets = libraries.map { library in
    Target.target(
        name: library.name,
        dependencies: library.imports.map(named) + library.packages,
        swiftSettings: strict + (special[library.name] ?? []) + [.unsafeFlags(fuzzing)],
        plugins: library.name == "Schema" ? ["EmbedSQLPlugin"] : [])
}

let testTargets = tests.map { test in
    let row = libraries.first { $0.name == test.of }
    return Target.testTarget(
        name: "\(test.of)Tests",
        dependencies: [named(test.of)] + (row?.imports ?? []).filter { !$0.hasPrefix("C") }.map(named)
            + (row?.packages ?? []) + test.more,
        exclude: test.haveFixtures ? ["Fixtures"] : [],
        swiftSettings: strict)
}

let everyLibrary = libraries.map { named($0.name) }

let otherTargets: [Target] = [
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CVectors"),
    .systemLibrary(name: "CProcessor"),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .executableTarget(name: "EmbedSQL", swiftSettings: strict),
    .plugin(
        name: "EmbedSQLPlugin", capability: .buildTool(), dependencies: ["EmbedSQL"], path: "Sources/EmbedSQLPlugin"),
    .executableTarget(
        name: "CLI", dependencies: everyLibrary + [log, crypto, arguments, signals], swiftSettings: strict),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    .target(
        name: "PostgresTestSupport", dependencies: ["Loopback", "Postgres", "Schema"],
        path: "Tests/PostgresTestSupport", swiftSettings: strict),
    .target(
        name: "FuzzTargets",
        dependencies: [
            "Recipe", "Meta", "Model", "Adapters", "Tensor", "Population", "Artifacts", "Tokenizer", "Safetensors",
            "Problem",
        ], path: "Tests/Fuzz/Targets", swiftSettings: strict + [.unsafeFlags(fuzzing)]),
    .testTarget(name: "FuzzTargetsTests", dependencies: ["FuzzTargets", "Problem"], swiftSettings: strict),
    // Exploring a million states is a loop over small values: as with kernels, 20 times slower when not optimised.
    .target(name: "QueueModel", path: "Tests/QueueModel", swiftSettings: strict + [.unsafeFlags(["-O"])]),
    .testTarget(name: "ArchitectureTests", swiftSettings: strict),
    .testTarget(
        name: "CLITests", dependencies: ["Adapters", "Postgres", "PostgresTestSupport", "Recipe", "Registry"],
        swiftSettings: strict),
    .testTarget(
        name: "IntegrationTests", dependencies: everyLibrary + ["PostgresTestSupport", log],
        swiftSettings: strict),
]

let fuzzers: [Target] =
    fuzzing.isEmpty
    ? []
    : [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "FuzzDriver", dependencies: ["CFuzzer", "FuzzTargets"], path: "Tests/Fuzz/Driver",
            swiftSettings: strict, linkerSettings: [.unsafeFlags(fuzzing + ["-use-ld=lld"])]),
    ]

let package = Package(
    name: "attune",
    products: [.executable(name: "attune", targets: ["CLI"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: libraryTargets + testTargets + otherTargets + fuzzers
)
