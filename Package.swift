// swift-tools-version: 6.0
import PackageDescription

// libtorch is unpacked by Scripts/setup into .libtorch; LIBTORCH names another one (a CUDA build, say).
let libtorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.libtorch"

let package = Package(
  name: "memesense",
  products: [
    .executable(name: "memesense", targets: ["memesense"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CTorch",
      cxxSettings: [
        .unsafeFlags([
          "-isystem", "\(libtorch)/include", "-isystem", "\(libtorch)/include/torch/csrc/api/include",
        ])
      ],
      linkerSettings: [
        .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
        .linkedLibrary("torch"), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
      ]
    ),
    .systemLibrary(name: "CVipsSystem", pkgConfig: "vips", providers: [.apt(["libvips-dev"])]),
    .target(name: "CVips", dependencies: ["CVipsSystem"], linkerSettings: [.linkedLibrary("fontconfig")]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Checkpoints"),
    .target(name: "Metrics"),
    .target(
      name: "MemeData",
      dependencies: ["CVips", .product(name: "Crypto", package: "swift-crypto")]
    ),
    .target(
      name: "Audit",
      dependencies: ["MemeData", .product(name: "Crypto", package: "swift-crypto")]
    ),
    .target(name: "Torch", dependencies: ["CTorch", "Checkpoints"]),
    .target(name: "TorchNN", dependencies: ["Torch"]),
    .target(name: "Networks", dependencies: ["TorchNN"]),
    .target(
      name: "Encoders",
      dependencies: ["Networks", "MemeData", "CZlib", .product(name: "Crypto", package: "swift-crypto")]),
    .target(name: "Methods", dependencies: ["Encoders", "Metrics", "Networks"]),
    .target(
      name: "Training",
      dependencies: ["Methods", "Yams", .product(name: "Crypto", package: "swift-crypto")],
      resources: [.copy("Recipes"), .copy("Suites")]),
    .target(
      name: "Report", dependencies: ["Metrics", .product(name: "Crypto", package: "swift-crypto")],
      resources: [.embedInCode("Script/report.js")]),
    .executableTarget(
      name: "memesense",
      dependencies: [
        "Audit", "Training", "Report", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    // What tests of several targets read their fixtures by.
    .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport"),
    .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"], exclude: ["Fixtures"]),
    .testTarget(name: "MetricsTests", dependencies: ["Metrics"], exclude: ["Fixtures"]),
    .testTarget(name: "MemeDataTests", dependencies: ["MemeData"], exclude: ["Fixtures"]),
    .testTarget(name: "AuditTests", dependencies: ["Audit"], exclude: ["Fixtures"]),
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
    .testTarget(name: "ProgramTests", dependencies: ["memesense"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
