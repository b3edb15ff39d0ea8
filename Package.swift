// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The call graph as code. Four helpers below keep it that way: a shared component names the components and
// products it stands on, a service names the contracts it serves and calls, nothing else can be expressed.

let package = Package(
    name: "assay",
    platforms: [.macOS(.v15)],
    products: ["gateway", "scheduling", "execution", "validation", "analytics", "projects", "notifications"].map {
        .executable(name: "assay-\($0)", targets: ["\($0.capitalized)Service"])
    } + [
        .executable(name: "assay", targets: ["CommandLineClient"]), .executable(name: "assay-bench", targets: ["Benchmarks"]),
        .executable(name: "protoc-gen-assay", targets: ["ContractGenerator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
        .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Mechanism
        shared("Primitives"),
        cLibrary("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
        shared("Postgres", ["Primitives", "CPostgres", .logging, .lifecycle]),
        shared("Jobs", ["Primitives", "Postgres", .logging, .lifecycle, .metrics]),
        shared("FrameTransport", ["TransportAPI", .grpc, .protobuf, .nio, .nioPosix, .nioTLS]),
        .target(name: "COutbound", path: "Shared/COutbound", linkerSettings: [.linkedLibrary("curl")]),
        shared("Outbound", ["Primitives", "COutbound"]), cLibrary("CArgon2", pkgConfig: "libargon2", apt: "libargon2-dev"),
        shared("Passwords", ["Primitives", "CArgon2", .crypto]),
        cLibrary("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"), shared("Patterns", ["CPCRE2"]),
        shared("Sealing", ["Primitives", "Postgres", "ServiceKit", .configuration, .crypto, .lifecycle, .logging, .metrics]),
        cLibrary("CRedis", pkgConfig: nil, apt: "libhiredis-dev"),
        shared("Redis", ["Primitives", "CRedis", .logging, .lifecycle]),
        shared("Contract", [.grpc, .protobuf]),
        shared("AuditChain", ["Primitives", .crypto]),
        shared("Audit", ["Primitives", "Postgres", "AuditChain"]),
        shared(
            "ServiceKit",
            [
                "Primitives", "Contract", "Postgres", "Jobs", "Audit", "AuditChain", "FrameTransport", "HealthAPI", "AuditAPI", "CommonAPI",
                .arguments, .configuration, .crypto, .grpc, .grpcHTTP2, .grpcProtobuf, .hummingbird, .lifecycle, .logging, .metrics, .nio, .nioPosix,
                .nioReloading, .nioTLS, .protobuf, .x509,
            ]),

        // Contracts
        .target(name: "TransportAPI", dependencies: [.protobuf], path: "Proto/Transport", exclude: ["transport.proto"], swiftSettings: .house),
        api("Common"), api("Health"), api("Audit"),
        api("Gateway"), api("Scheduling"), api("Execution"), api("Validation"), api("Analytics"), api("Projects"), api("Notifications"),
        .executableTarget(
            name: "ContractGenerator", dependencies: ["Contract", .protobuf, .protobufPlugin], path: "Proto/Generator", swiftSettings: .house),

        // Services. Calls go to the right only: Gateway, Scheduling, Execution, Validation, Analytics, Projects, Notifications.
        service(
            "Gateway", calls: ["Scheduling", "Execution", "Validation", "Analytics", "Projects", "Notifications"],
            plus: [
                "Outbound", "Passwords", "Redis", "Sealing", "AuditChain", "AuditAPI", .crypto, .cryptoExtras, .hummingbird, .hummingbirdCore,
                .mustache, .nioHTTP, .nioHTTPTypes, .nioPosix, .nioTLS,
            ],
            resources: [.copy("HTTP/openapi.json"), .copy("Pages/Templates"), .copy("Pages/Mail"), .copy("Pages/Assets")]),
        service(
            "Execution", calls: ["Validation", "Analytics", "Projects", "Notifications"], plus: ["Outbound", "Sealing", "CReports", "CZlib", .crypto]),
        service("Validation", calls: ["Analytics", "Notifications"], plus: ["Patterns", .crypto]), service("Scheduling", calls: ["Execution"]),
        service("Analytics", calls: []), service("Projects", calls: []), service("Notifications", calls: [], plus: ["Outbound", "Sealing", .crypto]),
        .executableTarget(
            name: "CommandLineClient", dependencies: ["AuditChain", "CZlib", .arguments, .crypto, .httpClient, .nio, .nioHTTP, .nioTLS],
            path: "Services/CommandLine", swiftSettings: .house),
        cLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"), cLibrary("CReports", pkgConfig: "libxml-2.0", apt: "libxml2-dev"),
        // Tests
        .target(
            name: "TestSupport",
            dependencies: ["Postgres", "Jobs", "Sealing", "ServiceKit", .crypto, .cryptoExtras, .nio, .nioHTTP, .nioPosix, .grpcInProcess],
            path: "Tests/Support", swiftSettings: .house),
        tests(for: "Primitives"), tests(for: "Postgres"), tests(for: "Jobs"), tests(for: "Outbound", plus: [.nio, .nioTLS]),
        tests(for: "FrameTransport", plus: ["TransportAPI", .grpc, .nio, .nioPosix, .protobuf]),
        tests(for: "Passwords"), tests(for: "Patterns"), tests(for: "Redis", plus: [.nio]), tests(for: "Sealing", plus: [.configuration, .logging]),
        tests(for: "AuditChain"), tests(for: "Audit", plus: ["ProjectsAPI", "ServiceKit"]),
        tests(for: "ServiceKit", plus: ["FrameTransport", "Primitives", .logging]),
        .testTarget(
            name: "ContractGeneratorTests", dependencies: ["ContractGenerator", "Contract", "CommonAPI", "ExecutionAPI", .protobuf, .protobufPlugin],
            path: "Tests/ContractGeneratorTests", swiftSettings: .house),
        tests(for: "GatewayService"), tests(for: "SchedulingService"), tests(for: "ExecutionService"), tests(for: "ValidationService"),
        tests(for: "AnalyticsService"), tests(for: "ProjectsService"), tests(for: "NotificationsService"), tests(for: "CommandLineClient"),
        .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport", "ServiceKit"], path: "Tests/ArchitectureTests", swiftSettings: .house),
        .testTarget(
            name: "WireTests", dependencies: ["TestSupport", "FrameTransport", "ExecutionAPI"], path: "Tests/WireTests", exclude: ["c"],
            swiftSettings: .house),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "TestSupport", "Contract", "GatewayService", "GatewayAPI", "SchedulingAPI", "ExecutionAPI", "ValidationAPI", "AnalyticsAPI",
                "ProjectsAPI", "NotificationsAPI", "Primitives", "ServiceKit", .crypto, .grpc, .logging,
            ], path: "Tests/EndToEndTests", swiftSettings: .house),
        .executableTarget(
            name: "Benchmarks",
            dependencies: ["TestSupport", "FrameTransport", "Passwords", "ServiceKit", "HealthAPI", .grpcHTTP2, .arguments], path: "Tests/Benchmarks",
            swiftSettings: .house),
    ],
    swiftLanguageModes: [.v6]
)

extension [SwiftSetting] {
    static var house: Self {
        [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"), .treatAllWarnings(as: .error)]
    }
}

func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Shared/\(name)", exclude: readme("Shared/\(name)"), swiftSettings: .house)
}

func cLibrary(_ name: String, pkgConfig: String?, apt: String) -> Target {
    .systemLibrary(name: name, path: "Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func api(_ name: String) -> Target {
    let common: [Target.Dependency] = name == "Common" ? [] : ["CommonAPI"]
    return .target(
        name: "\(name)API", dependencies: common + ["Contract", .grpc, .grpcProtobuf, .protobuf], path: "Proto/\(name)/Generated",
        swiftSettings: .house)
}

func service(_ name: String, calls: [String], plus: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    let contracts = ([name] + calls).map { Target.Dependency(stringLiteral: "\($0)API") }
    let mechanism: [Target.Dependency] = [
        "Primitives", "Postgres", "Jobs", "Audit", "ServiceKit", "Contract", "CommonAPI", .configuration, .grpc, .lifecycle, .logging, .metrics,
        .protobuf,
    ]
    return .executableTarget(
        name: "\(name)Service", dependencies: mechanism + contracts + plus, path: "Services/\(name)", exclude: readme("Services/\(name)"),
        resources: [.copy("Schema")] + resources, swiftSettings: .house)
}

func tests(for target: String, plus: [Target.Dependency] = []) -> Target {
    let fixtures: [Resource] = exists("Tests/\(target)Tests/Fixtures") ? [.copy("Fixtures")] : []
    return .testTarget(
        name: "\(target)Tests", dependencies: [.init(stringLiteral: target), "TestSupport"] + plus, path: "Tests/\(target)Tests",
        resources: fixtures, swiftSettings: .house)
}

/// A README beside the sources is documentation, not a resource; naming a file that is not there would be an error.
func readme(_ folder: String) -> [String] { exists("\(folder)/README.md") ? ["README.md"] : [] }

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: Context.packageDirectory + "/" + path) }

extension Target.Dependency {
    static var arguments: Self { .product(name: "ArgumentParser", package: "swift-argument-parser") }
    static var configuration: Self { .product(name: "Configuration", package: "swift-configuration") }
    static var crypto: Self { .product(name: "Crypto", package: "swift-crypto") }
    static var cryptoExtras: Self { .product(name: "CryptoExtras", package: "swift-crypto") }
    static var grpc: Self { .product(name: "GRPCCore", package: "grpc-swift-2") }
    static var grpcHTTP2: Self { .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport") }
    static var grpcInProcess: Self { .product(name: "GRPCInProcessTransport", package: "grpc-swift-2") }
    static var grpcProtobuf: Self { .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf") }
    static var httpClient: Self { .product(name: "AsyncHTTPClient", package: "async-http-client") }
    static var hummingbird: Self { .product(name: "Hummingbird", package: "hummingbird") }
    static var hummingbirdCore: Self { .product(name: "HummingbirdCore", package: "hummingbird") }
    static var lifecycle: Self { .product(name: "ServiceLifecycle", package: "swift-service-lifecycle") }
    static var logging: Self { .product(name: "Logging", package: "swift-log") }
    static var metrics: Self { .product(name: "Metrics", package: "swift-metrics") }
    static var mustache: Self { .product(name: "Mustache", package: "swift-mustache") }
    static var nio: Self { .product(name: "NIOCore", package: "swift-nio") }
    static var nioHTTP: Self { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var nioHTTPTypes: Self { .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras") }
    static var nioPosix: Self { .product(name: "NIOPosix", package: "swift-nio") }
    static var nioReloading: Self { .product(name: "NIOCertificateReloading", package: "swift-nio-extras") }
    static var nioTLS: Self { .product(name: "NIOSSL", package: "swift-nio-ssl") }
    static var protobuf: Self { .product(name: "SwiftProtobuf", package: "swift-protobuf") }
    static var protobufPlugin: Self { .product(name: "SwiftProtobufPluginLibrary", package: "swift-protobuf") }
    static var x509: Self { .product(name: "X509", package: "swift-certificates") }
}

// `ASSAY_ONLY_TESTS=PostgresTests,JobsTests` keeps only these test targets and what they stand on: one can be worked on while another does not compile.
if let only = Context.environment["ASSAY_ONLY_TESTS"]?.split(separator: ",").map(String.init) {
    var kept: Set<String> = []
    var open = only + ["ContractGenerator"]
    while let name = open.popLast() {
        guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { continue }
        for case .byNameItem(let name, _) in target.dependencies { open.append(name) }
    }
    package.targets.removeAll { !kept.contains($0.name) }
    package.products.removeAll { !kept.isSuperset(of: ($0 as? Product.Executable)?.targets ?? []) }
}
