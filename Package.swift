// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// The build is the reviewer: every Swift target of ours is compiled with these.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

#if arch(x86_64)
// AVX2 and BMI2, never `native`: AVX-512 breaks valgrind and the virtual bench.
let machine = ["-march=x86-64-v3"]
let triplet = "x86_64-linux-gnu"
#else
let machine = ["-march=armv8.2-a+crc"]
let triplet = "aarch64-linux-gnu"
#endif

// Only hw/scripts/fuzz sets this: everything is built for libFuzzer, and the fuzzers are there.
let isFuzzing = Context.environment["NEEDLETAIL_FUZZ"] != nil
let fuzzing: [SwiftSetting] =
    isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])] : []

// Only hw/scripts/mutation-check sets this: bugs are there to be planted.
let mutants: [SwiftSetting] =
    Context.environment["NEEDLETAIL_MUTANTS"] != nil ? [.define("NEEDLETAIL_MUTANTS")] : []

let swiftSettings = strict + fuzzing + mutants + [.unsafeFlags(machine.flatMap { ["-Xcc", $0] })]
// Millions of turns in one thread: a build for speed does not look who reads what is being written.
let simulating: [SwiftSetting] =
    swiftSettings + [
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
    ]
let cSettings: [CSetting] = [.unsafeFlags(machine + ["-Wall", "-Wextra", "-Werror"])]

func library(
    _ name: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = swiftSettings
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "needletail",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    // A target imports only targets above it in this list.
    targets: [
        .target(
            name: "CDPDK",
            cSettings: [
                .unsafeFlags(
                    machine + [
                        "-I/usr/include/dpdk", "-I/usr/include/\(triplet)/dpdk",
                        "-include", "rte_config.h", "-Wall", "-Wextra", "-Werror",
                    ])
            ],
            linkerSettings: [
                "rte_ethdev", "rte_mbuf", "rte_mempool", "rte_ring", "rte_eal",
            ].map { .linkedLibrary($0) }),
        .target(
            name: "CPlatform", cSettings: cSettings,
            linkerSettings: [.linkedLibrary("numa"), .linkedLibrary("uring")]),
        .target(
            name: "CVerbs", cSettings: cSettings,
            linkerSettings: [.linkedLibrary("rdmacm"), .linkedLibrary("ibverbs")]),
        .target(
            name: "CHTTP", cSettings: cSettings, linkerSettings: [.linkedLibrary("curl")]),
        .target(
            name: "CTLS", cSettings: cSettings,
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CAllocations", cSettings: cSettings),
        library("Platform", ["CPlatform"]),
        library("Wire", []),
        library("CommandLog", ["Platform", "Wire"]),
        library("Engine", ["Platform", "Wire"]),
        library("NICGateway", ["CDPDK", "Platform", "Wire", "CommandLog"]),
        library(
            "RDMAReplica",
            ["CHTTP", "CPlatform", "CVerbs", "CTLS", "Platform", "Wire", "CommandLog"]),
        library("OrderEntryClient", ["CPlatform", "Platform", "Wire"]),
        library("Settings", ["Platform", "Yams"]),
        library("Hardware", ["Platform", "Settings"]),
        library(
            "Pipeline",
            [
                "Platform", "Wire", "CommandLog", "Engine", "NICGateway", "RDMAReplica", "Settings",
                "Hardware", logging,
            ]),
        library(
            "Qualification",
            [
                "Platform", "Wire", "CommandLog", "NICGateway", "RDMAReplica", "Hardware",
                "Pipeline",
            ]),
        library(
            "Simulator",
            [
                "Platform", "Wire", "CommandLog", "Engine", "NICGateway", "RDMAReplica",
                "OrderEntryClient", "Hardware", "Pipeline",
            ], simulating),
        .executableTarget(
            name: "needletail",
            dependencies: [
                "Platform", "Wire", "CommandLog", "Engine", "NICGateway", "RDMAReplica",
                "OrderEntryClient", "Settings", "Hardware", "Pipeline", "Qualification",
                argumentParser, logging,
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "needletail-lab",
            dependencies: [
                "CAllocations", "Platform", "Wire", "CommandLog", "Engine", "NICGateway",
                "RDMAReplica", "OrderEntryClient", "Hardware", "Pipeline", "Qualification",
                "Simulator", argumentParser, histogram,
            ],
            swiftSettings: swiftSettings),
        // The other process in tests of ports: EAL starts once in each.
        .executableTarget(
            name: "port-echo", dependencies: ["CDPDK", "NICGateway"], path: "Tests/port-echo",
            swiftSettings: swiftSettings),
        // The other processes in tests of the arbiter in a folder.
        .executableTarget(
            name: "arbiter-race", dependencies: ["RDMAReplica"], path: "Tests/arbiter-race",
            swiftSettings: swiftSettings),
        .target(
            name: "ShardRig",
            dependencies: ["Pipeline", "Hardware", "NICGateway", "Engine", "Platform", "Wire"],
            path: "Tests/ShardRig", swiftSettings: swiftSettings),
        .target(name: "TestSeed", path: "Tests/TestSeed", swiftSettings: swiftSettings),
        tests("PlatformTests", ["TestSeed", "Platform"], exclude: ["Golden"]),
        tests("WireTests", ["Wire", "Platform"], exclude: ["Golden"]),
        tests(
            "CommandLogTests", ["TestSeed", "CommandLog", "Platform", "Wire"], exclude: ["Golden"]),
        tests(
            "EngineTests",
            ["TestSeed", "OrderEntryClient", "Engine", "CommandLog", "Platform", "Wire", "Yams"],
            exclude: ["Golden", "Scenarios"]),
        tests("NICGatewayTests", ["NICGateway", "CDPDK", "CommandLog", "Platform", "Wire"]),
        tests(
            "RDMAReplicaTests",
            ["TestSeed", "arbiter-race", "RDMAReplica", "CommandLog", "Platform", "Wire"],
            exclude: ["Golden"]),
        tests("OrderEntryClientTests", ["TestSeed", "OrderEntryClient", "Platform", "Wire"]),
        tests(
            "HardwareTests", ["TestSeed", "Hardware", "Settings", "Platform"],
            exclude: ["Machines"]),
        tests(
            "PipelineTests",
            [
                "TestSeed", "ShardRig", "OrderEntryClient", "Pipeline", "Settings", "Hardware",
                "RDMAReplica", "NICGateway", "CommandLog", "Engine", "CDPDK", "Platform", "Wire",
            ]),
        tests(
            "QualificationTests",
            [
                "Qualification", "Pipeline", "RDMAReplica", "Hardware", "NICGateway", "Platform",
                "Wire",
            ]),
        tests("SimulatorTests", ["TestSeed", "Simulator"]),
        tests("EndToEndTests", ["Wire", "TestSeed", "CommandLog", "NICGateway", "Pipeline"]),
        tests("TidyTests", []),
    ],
    cLanguageStandard: .gnu11
)

if isFuzzing {
    func fuzzer(_ name: String, _ tested: [Target.Dependency]) -> Target {
        .executableTarget(
            name: name, dependencies: ["FuzzDriver"] + tested, path: "Tests/\(name)",
            swiftSettings: swiftSettings,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])
    }
    package.targets += [
        .target(name: "FuzzDriver", path: "Tests/FuzzDriver", swiftSettings: swiftSettings),
        fuzzer("DecodeFuzzer", ["ShardRig", "Pipeline", "NICGateway", "Engine", "Wire"]),
        fuzzer("FoldFuzzer", ["Engine", "Wire"]),
    ]
}

// Under the thread sanitizer Swift 6.3.1 breaks on Engine's 32-bit subscripts ("invalid bitcast"):
// with this set only what is below it and its tests are there to be built.
if Context.environment["NEEDLETAIL_ONLY"] == "CommandLog" {
    package.targets.removeAll {
        ![
            "CPlatform", "CVerbs", "CHTTP", "CTLS", "Platform", "Wire", "CommandLog", "RDMAReplica",
            "TestSeed", "PlatformTests", "CommandLogTests", "RDMAReplicaTests", "arbiter-race",
        ].contains($0.name)
    }
}
