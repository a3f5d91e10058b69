// swift-tools-version: 6.0
import PackageDescription

// libtorch is unpacked by Scripts/setup into .libtorch; LIBTORCH names another one (a CUDA build, say).
let libtorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.libtorch"

// Of targets that loop over samples, numbers and parameters: unoptimised, their loops take half of the time of all tests.
let optimizedSwift: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
  name: "memesense",
  products: [
    .executable(name: "memesense", targets: ["memesense"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .target(
      name: "CTorch",
      cxxSettings: [
        .unsafeFlags([
          "-isystem", "\(libtorch)/include", "-isystem", "\(libtorch)/include/torch/csrc/api/include",
        ]),
        .unsafeFlags(["-O2"], .when(configuration: .debug)),
      ],
      linkerSettings: [
        .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
        .linkedLibrary("torch"), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
      ]
    ),
    .systemLibrary(name: "CVipsSystem", pkgConfig: "vips", providers: [.apt(["libvips-dev"])]),
    .target(name: "CVips", dependencies: ["CVipsSystem"], linkerSettings: [.linkedLibrary("fontconfig")]),
    .systemLibrary(name: "CTesseract", pkgConfig: "tesseract", providers: [.apt(["libtesseract-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Checkpoints", swiftSettings: optimizedSwift),
    .target(name: "Metrics", swiftSettings: optimizedSwift),
    .target(
      name: "MemeData",
      dependencies: ["CVips", "Metrics", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: optimizedSwift
    ),
    .target(
      name: "Audit",
      dependencies: ["MemeData", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: optimizedSwift
    ),
    .target(
      name: "LabelStore", dependencies: ["Audit", .product(name: "GRDB", package: "GRDB.swift")]
    ),
    .target(
      name: "TextRecognition",
      dependencies: ["MemeData", "CTesseract", .product(name: "Crypto", package: "swift-crypto")]
    ),
    .target(name: "Torch", dependencies: ["CTorch", "Checkpoints"], swiftSettings: optimizedSwift),
    .target(name: "TorchNN", dependencies: ["Torch"]),
    .target(name: "Networks", dependencies: ["TorchNN"]),
    .target(
      name: "Encoders",
      dependencies: ["Networks", "MemeData", "CZlib", .product(name: "Crypto", package: "swift-crypto")]),
    .target(name: "Methods", dependencies: ["Encoders", "Metrics", "Networks"]),
    .target(
      name: "Training",
      dependencies: [
        "Audit", "Methods", "TextRecognition", "Yams", .product(name: "Crypto", package: "swift-crypto"),
      ],
      resources: [.copy("PretrainingRecipes"), .copy("Recipes"), .copy("Suites")]),
    .target(
      name: "Report", dependencies: ["Metrics", .product(name: "Crypto", package: "swift-crypto")],
      resources: [.embedInCode("Script/report.js")]),
    .target(
      name: "Server",
      dependencies: [
        "LabelStore", "Report", "Training",
        // swift-metrics, which Hummingbird counts by, has a target of the name of ours.
        .product(name: "Hummingbird", package: "hummingbird", moduleAliases: ["Metrics": "SwiftMetrics"]),
        .product(name: "Crypto", package: "swift-crypto"), .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      resources: [.copy("openapi.json"), .copy("Labelling/Assets")]),
    .executableTarget(
      name: "memesense",
      dependencies: [
        "Audit", "LabelStore", "TextRecognition", "Training", "Report", "Server",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]
    ),
    // What tests of several targets read their fixtures by.
    .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport"),
    .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"], exclude: ["Fixtures"]),
    .testTarget(name: "MetricsTests", dependencies: ["Metrics"], exclude: ["Fixtures"]),
    .testTarget(name: "MemeDataTests", dependencies: ["MemeData"], exclude: ["Fixtures"]),
    .testTarget(name: "AuditTests", dependencies: ["Audit"], exclude: ["Fixtures"]),
    .testTarget(name: "LabelStoreTests", dependencies: ["LabelStore"]),
    .testTarget(name: "TextRecognitionTests", dependencies: ["TextRecognition", "CTesseract"]),
    .testTarget(name: "TorchTests", dependencies: ["Torch"]),
    .testTarget(name: "TorchNNTests", dependencies: ["TorchNN", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(
      name: "EncodersTests", dependencies: ["Encoders", .product(name: "Crypto", package: "swift-crypto")],
      exclude: ["Fixtures"]),
    .testTarget(name: "MethodsTests", dependencies: ["Methods", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(name: "TrainingTests", dependencies: ["Training"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ReportTests", dependencies: ["Report", .product(name: "Crypto", package: "swift-crypto")],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "Audit", "LabelStore", "Server", "TestSupport", .product(name: "NIOEmbedded", package: "swift-nio"),
      ],
      exclude: ["Clients"]),
    .testTarget(name: "ProgramTests", dependencies: ["LabelStore", "memesense"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
