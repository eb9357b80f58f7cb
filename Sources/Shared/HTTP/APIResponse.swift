/// An API handler's answer.
public struct APIResponse: Sendable {
  /// The status.
  public var status: HTTPStatus
  /// Fields beyond those that frame the message.
  public var fields: FieldBlock
  /// The body.
  public var body: [UInt8]

  /// An answer of these parts.
  public init(_ status: HTTPStatus, _ fields: FieldBlock = FieldBlock(), body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// A text of the given media type.
  public static func text(
    _ text: String, status: HTTPStatus = .ok, type: String = "text/plain; charset=utf-8"
  ) -> APIResponse {
    APIResponse(status, FieldBlock("Content-Type", type), body: Array(text.utf8))
  }
}
