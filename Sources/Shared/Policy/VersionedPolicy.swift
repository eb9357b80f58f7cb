/// A policy with the version under which it is stored.
public struct VersionedPolicy: Sendable, Equatable {
  /// What the policy says.
  public var document: PolicyDocument
  /// Its version, from 1.
  public var version: Int

  /// Makes a version.
  public init(document: PolicyDocument, version: Int) {
    self.document = document
    self.version = version
  }

  /// Whether the policy acts in a session with these events.
  func acts(on events: [String]) -> Bool {
    document.events.isEmpty || document.events.contains(where: events.contains)
  }

  /// Whether the policy may act on an Inform that brings no news, so that its work must be foreseen.
  var actsOnTrivialEvents: Bool {
    document.events.isEmpty || document.events.contains(where: Self.trivialEvents.contains)
  }

  private static let trivialEvents = ["2 PERIODIC", "6 CONNECTION REQUEST", "14 HEARTBEAT"]
}
