// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// All targets: Swift 6, strict memory safety, no warning tolerated.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Debug builds, which all tests run on, check exclusive access at run time; the release build, which proxies, does
    // not: the checks are a quarter of its instructions. A section for each function lets the linker leave out and merge
    // single ones.
    .unsafeFlags(
        ["-enforce-exclusivity=unchecked", "-cross-module-optimization", "-Xfrontend", "-function-sections"],
        .when(configuration: .release)),
]

/// For code that runs at startup or rarely: its release build is optimised for size.
let small: [SwiftSetting] = settings + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = settings) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

/// The parsers' fuzz targets, as a program: only with libFuzzer, which `scripts/fuzz` links.
let isFuzzing = Context.environment["SIDEGATE_FUZZING"] != nil
let fuzzer: [Target] =
    isFuzzing
    ? [
        .systemLibrary(name: "CFuzzer", path: "Fuzzing/CFuzzer"),
        .executableTarget(
            name: "sidegate-fuzz", dependencies: ["CFuzzer", "FuzzTargets"], path: "Fuzzing/Runner",
            swiftSettings: settings),
    ] : []

let package = Package(
    name: "sidegate",
    products: [
        .executable(name: "sidegate", targets: ["sidegate"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // System libraries.
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CNGHTTP2", pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(
            name: "CYAML", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CEpoll"),

        // Pure.
        module("Decisions"),
        module("HTTP", ["Decisions"]),
        module("HTTP1", ["Decisions", "HTTP"]),
        module("HTTP2", ["Decisions", "HTTP", "CNGHTTP2"]),
        module("Cryptography", ["COpenSSL"]),
        module("JWT", ["Decisions", "Cryptography"]),
        module("Pages", ["Decisions"], small),
        module("Console", ["Decisions", "HTTP", "Cryptography", "Pages"], small),
        module("Gate", ["Decisions", "HTTP", "JWT", "Cryptography", "Pages"]),
        module("Telemetry", ["Decisions", .product(name: "Logging", package: "swift-log")]),
        module("YAML", ["CYAML"], small),
        module("Configuration", ["HTTP", "JWT", "Cryptography", "Gate", "Pages", "YAML"], small),
        module("Manifests", ["YAML"], small),
        module("Webhook", ["JWT", "Cryptography", "Manifests"], small),

        // Input and output.
        module("Reactor", ["CEpoll"]),
        module("TLS", ["Reactor", "Cryptography", "COpenSSL"]),
        module("Outbound", ["HTTP", "HTTP1", "TLS", "Reactor"], small),
        module("Redis", ["TLS", "Reactor"], small),
        module(
            "Proxy",
            ["Decisions", "HTTP", "HTTP1", "HTTP2", "Gate", "Pages", "TLS", "Reactor", "Telemetry"]),
        module(
            "SharedState",
            [
                "HTTP", "Gate", "Cryptography", "Redis", "Proxy", "Reactor",
                .product(name: "Logging", package: "swift-log"),
            ], small),
        module(
            "StateJournal",
            [
                "HTTP", "Gate", "Cryptography", "Proxy", "Reactor", .product(name: "Logging", package: "swift-log"),
            ], small),
        module("Demo", ["HTTP", "JWT", "Cryptography", "Pages"], small),
        module(
            "Sidecar",
            [
                "Decisions", "HTTP", "HTTP1", "JWT", "Gate", "Cryptography", "Outbound", "Redis", "SharedState",
                "StateJournal", "Proxy", "Demo", "Configuration", "Telemetry", "Reactor", "TLS", "Console", "Pages",
                "Webhook",
                .product(name: "Logging", package: "swift-log"),
            ], small),
        .executableTarget(
            name: "sidegate",
            dependencies: [
                "Sidecar", "Configuration", "Decisions", "Demo", "Gate", "HTTP", "HTTP1", "JWT", "Cryptography",
                "Manifests", "Webhook", "YAML",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Command",
            swiftSettings: small,
            // Merges identical code, and leaves out code that nothing refers to: the flags for a static standard library
            // would export all of the package's symbols, which keeps them.
            linkerSettings: [
                .unsafeFlags(
                    ["-Xlinker", "--icf=safe", "-Xlinker", "--no-export-dynamic"], .when(configuration: .release))
            ]),

        // Shared by the tests of several modules.
        .target(
            name: "TestSupport",
            dependencies: ["Reactor", "Telemetry", .product(name: "Logging", package: "swift-log")],
            path: "Tests/TestSupport",
            swiftSettings: settings),

        // Functions of bytes that throw when a property of a parser does not hold; run by the unit tests and by the fuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "HTTP", "HTTP1", "HTTP2", "JWT", "Cryptography", "Gate", "Redis", "Proxy", "Configuration", "Manifests",
                "YAML", "StateJournal", "Outbound", "Pages", "TLS", "Reactor", "TestSupport",
            ],
            path: "Fuzzing/Targets",
            swiftSettings: settings),

        tests("FuzzingTests", ["FuzzTargets"]),
        tests("DecisionsTests", ["Decisions"]),
        tests("HTTPTests", ["HTTP"]),
        tests("HTTP1Tests", ["FuzzTargets", "HTTP", "HTTP1", "TestSupport"], exclude: ["Corpus"]),
        tests("HTTP2Tests", ["HTTP", "HTTP1", "HTTP2"]),
        tests("CryptographyTests", ["Cryptography"], exclude: ["Keys"]),
        tests("JWTTests", ["Decisions", "JWT", "Cryptography"], exclude: ["Vectors"]),
        tests("PagesTests", ["Decisions", "Pages", "Cryptography"]),
        tests("ConsoleTests", ["Console", "Cryptography", "Decisions", "HTTP", "Pages"]),
        tests(
            "GateTests", ["Decisions", "Gate", "HTTP", "HTTP1", "JWT", "Cryptography", "Pages", "TestSupport"],
            exclude: ["Request/Corpus"]),
        tests("DemoTests", ["Decisions", "Demo", "HTTP", "HTTP1", "JWT", "Cryptography"]),
        tests("TelemetryTests", ["Decisions", "Telemetry", .product(name: "Logging", package: "swift-log")]),
        tests("ConfigurationTests", ["Configuration", "Cryptography", "Decisions", "Gate", "HTTP", "JWT", "sidegate"]),
        tests("ReactorTests", ["Reactor", "TestSupport"]),
        tests("TLSTests", ["TLS", "Reactor", "Cryptography", "TestSupport"], exclude: ["Keys"]),
        tests("OutboundTests", ["Outbound", "TLS", "Reactor", "Cryptography", "TestSupport"]),
        tests("RedisTests", ["Redis", "Reactor"]),
        tests(
            "StateJournalTests",
            [
                "StateJournal", "Cryptography", "Gate", "HTTP", "Reactor", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests(
            "ProxyTests",
            [
                "Decisions", "Proxy", "HTTP", "HTTP1", "HTTP2", "Gate", "TLS", "Reactor", "JWT", "Cryptography",
                "Pages", "Telemetry", "TestSupport",
            ]),
        tests(
            "SidecarTests",
            [
                "Sidecar", "Configuration", "Console", "Cryptography", "Decisions", "Gate", "HTTP", "HTTP1", "JWT",
                "Manifests", "Outbound", "Proxy", "Reactor", "SharedState", "StateJournal", "TLS", "Telemetry",
                "TestSupport",
                "Webhook",
                .product(name: "Logging", package: "swift-log"),
            ]),
        tests("ManifestsTests", ["Manifests"]),
        tests("WebhookTests", ["Webhook", "JWT", "Cryptography", "Manifests"]),
        tests("LayeringTests", []),
    ] + fuzzer
)
