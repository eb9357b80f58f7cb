// swift-tools-version:6.2
import PackageDescription

// No outside package: the toolchain and the C libraries of Debian 12 (docs/architecture.md, section 9).
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil) -> Target {
  .target(name: name, dependencies: dependencies, path: path ?? "Sources/Shared/\(name)", swiftSettings: strict)
}

func cLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/CLibraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let shared: [Target] = [
  // Pure: no I/O; they import each other downwards only.
  library("XML", ["CLibXML2"]),
  library("YAML", ["CLibYAML"]),
  library("CWMP", ["XML"]),
  library("DataModel", ["XML"]),
  library("Policy", ["DataModel", "YAML"]),
  library("Cryptography", ["COpenSSL"]),
  // Shells over the machine.
  library("Networking", ["CLibEvent", "COpenSSL"]),
  library("HTTP", ["Networking", "CLibCURL", "CZlib"]),
  library("PostgreSQL", ["Networking", "Cryptography", "CLibPQ"]),
  library("Operations", ["YAML", "Networking", "HTTP"]),
  // The domain on top of them.
  library("EventLog", ["Networking", "PostgreSQL", "Cryptography"]),
  library("Kafka", ["EventLog", "Networking", "CRdKafka"]),
  library("Fleet", ["PostgreSQL", "EventLog", "CWMP", "DataModel", "Policy", "Cryptography", "Networking"]),
]

let roles: [Target] = [
  library(
    "Gateway",
    [
      "Networking", "HTTP", "XML", "CWMP", "DataModel", "EventLog", "Fleet", "PostgreSQL", "Cryptography", "Operations",
    ],
    path: "Sources/Gateway"),
  library(
    "SessionWorker",
    [
      "Networking", "XML", "CWMP", "DataModel", "Policy", "EventLog", "Fleet", "PostgreSQL", "Cryptography",
      "Operations",
    ],
    path: "Sources/SessionWorker"),
  library(
    "TaskScheduler",
    ["Networking", "HTTP", "CWMP", "DataModel", "EventLog", "Fleet", "PostgreSQL", "Cryptography", "Operations"],
    path: "Sources/TaskScheduler"),
  library(
    "Northbound",
    [
      "Networking", "HTTP", "CWMP", "DataModel", "Policy", "YAML", "EventLog", "Fleet", "PostgreSQL", "Cryptography",
      "Operations",
    ],
    path: "Sources/Northbound"),
]

let everything: [Target.Dependency] = (shared + roles).map { .byName(name: $0.name) } + ["CPESimulator"]

let package = Package(
  name: "carillon",
  products: [
    .executable(name: "carillon", targets: ["carillon"]),
    .executable(name: "carillonctl", targets: ["carillonctl"]),
    .executable(name: "carillon-cpe", targets: ["carillon-cpe"]),
    .library(name: "CPESimulator", targets: ["CPESimulator"]),
  ],
  targets: [
    cLibrary("CLibEvent", pkgConfig: "libevent", apt: "libevent-dev"),
    cLibrary("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    cLibrary("CLibPQ", pkgConfig: "libpq", apt: "libpq-dev"),
    cLibrary("CRdKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
    cLibrary("CLibXML2", pkgConfig: "libxml-2.0", apt: "libxml2-dev"),
    cLibrary("CLibCURL", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    cLibrary("CLibYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    cLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
  ] + shared + roles + [
    library(
      "CPESimulator", ["Networking", "HTTP", "XML", "CWMP", "DataModel", "Cryptography", "Operations"],
      path: "Sources/CPESimulator"),
    .executableTarget(
      name: "carillon", dependencies: everything, path: "Sources/carillon", swiftSettings: strict),
    .executableTarget(
      name: "carillonctl", dependencies: ["HTTP", "Networking", "Operations"], path: "Sources/carillonctl",
      swiftSettings: strict),
    .executableTarget(
      name: "carillon-cpe", dependencies: ["CPESimulator", "CWMP", "Networking", "Operations"],
      path: "Sources/carillon-cpe", swiftSettings: strict),
    .executableTarget(
      name: "carillon-bench", dependencies: everything + ["CLibXML2"], path: "Benchmarks", swiftSettings: strict),
    .testTarget(
      name: "UnitTests", dependencies: everything, path: "Tests/UnitTests", exclude: ["CWMP/Messages"],
      swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests", dependencies: everything, path: "Tests/IntegrationTests", exclude: ["Server/Captures"],
      swiftSettings: strict),
  ]
)
