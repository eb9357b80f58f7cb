import HTTP
import PostgreSQL

/// Why a request was not done: RFC 9457, `application/problem+json`.
struct Problem: Error, Sendable, Equatable {
  /// The catalogue of types; docs/api.md explains each. Names are stable.
  enum Kind: String, Sendable, CaseIterable {
    case malformedRequest = "malformed-request"
    case malformedBody = "malformed-body"
    case unauthorized = "unauthorized"
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case taskNotQueued = "task-not-queued"
    case conflict = "conflict"
    case preconditionFailed = "precondition-failed"
    case unsupportedMediaType = "unsupported-media-type"
    case invalidField = "invalid-field"
    case invalidPolicy = "invalid-policy"
    case idempotencyKeyReused = "idempotency-key-reused"
    case tooMany = "too-many"
    case internalError = "internal-error"
    case unavailable = "unavailable"
    case deadlineExceeded = "deadline-exceeded"

    var status: HTTPStatus {
      switch self {
      case .malformedRequest, .malformedBody: .badRequest
      case .unauthorized: .unauthorized
      case .notFound: .notFound
      case .methodNotAllowed: .methodNotAllowed
      case .taskNotQueued, .conflict: .conflict
      case .preconditionFailed: .preconditionFailed
      case .unsupportedMediaType: .unsupportedMediaType
      case .invalidField, .invalidPolicy, .idempotencyKeyReused: .unprocessableContent
      case .tooMany: .tooManyRequests
      case .internalError: .internalServerError
      case .unavailable: .serviceUnavailable
      case .deadlineExceeded: .gatewayTimeout
      }
    }

    var title: String {
      switch self {
      case .malformedRequest: "The request's path or query cannot be read"
      case .malformedBody: "The request's body cannot be read"
      case .unauthorized: "A valid bearer token is needed"
      case .notFound: "There is no such thing"
      case .methodNotAllowed: "The method is not for this resource"
      case .taskNotQueued: "The task is not queued any more"
      case .conflict: "The present state does not allow it"
      case .preconditionFailed: "Somebody else changed it meanwhile"
      case .unsupportedMediaType: "The body has another media type than is taken here"
      case .invalidField: "A field is not valid"
      case .invalidPolicy: "The policy's text is not valid"
      case .idempotencyKeyReused: "The idempotency key belongs to another request"
      case .tooMany: "Too much of it at once"
      case .internalError: "An error of this server"
      case .unavailable: "The database cannot be reached"
      case .deadlineExceeded: "It took too long"
      }
    }
  }

  /// Which.
  var kind: Kind
  /// What exactly, for the person who reads it.
  var detail: String
  /// The field of the body, parameter of the query or part of the path that is at fault.
  var field: String?
  /// Where in a text, from 1.
  var line: Int?
  /// Where in its line, from 1.
  var column: Int?
  /// The state that is in the way.
  var state: String?

  init(_ kind: Kind, _ detail: String, field: String? = nil) {
    self.kind = kind
    self.detail = detail
    self.field = field
  }

  /// What an error that a handler threw means to the client. Details of our own errors stay inside.
  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case is CancellationError: self.init(.deadlineExceeded, "the request was given up")
    case let error as PostgreSQLError: self.init(error)
    default: self.init(.internalError, "the log has its reason")
    }
  }

  private init(_ error: PostgreSQLError) {
    switch error.kind {
    case .connectionLost, .closed, .queueFull:
      self.init(
        .unavailable,
        error.isOutcomeUnknown
          ? "the connection broke; whether it was done is not known: look, or repeat it with its Idempotency-Key"
          : "try again in a moment")
    case .deadline, .cancelled: self.init(.deadlineExceeded, "the database did not answer in time")
    case .server where error.sqlState == "57014":
      self.init(.deadlineExceeded, "the database gave the statement up: narrow the filter")
    case .server where error.remedy == .retry: self.init(.unavailable, "try again in a moment")
    default: self.init(.internalError, "the log has its reason")
    }
  }

  /// The type's URI.
  var type: String { "urn:carillon:problem:\(kind.rawValue)" }

  /// The answer.
  var response: APIResponse {
    var fields = FieldBlock("Content-Type", "application/problem+json")
    if kind == .unauthorized { fields.add("WWW-Authenticate", "Bearer realm=\"carillon\"") }
    if kind == .unavailable || kind == .tooMany { fields.add("Retry-After", "2") }
    let body = JSONWriter.object { json in
      json.member("type", type)
      json.member("title", kind.title)
      json.member("status", kind.status.rawValue)
      json.member("detail", detail)
      if let field { json.member("field", field) }
      if let line { json.member("line", line) }
      if let column { json.member("column", column) }
      if let state { json.member("state", state) }
    }
    return APIResponse(kind.status, fields, body: body)
  }
}

extension Problem {
  /// What the router refuses before a handler: statuses 400, 404, 405, 504.
  static func refusal(_ status: HTTPStatus, path: String) -> APIResponse {
    switch status {
    case .notFound: Problem(.notFound, "no resource has this path", field: "path").response
    case .methodNotAllowed: Problem(.methodNotAllowed, "the field Allow names those that are", field: "path").response
    case .gatewayTimeout: Problem(.deadlineExceeded, "the request was given up").response
    default:
      Problem(.malformedRequest, "a percent-encoding is none, or stands for no UTF-8 or a NUL", field: "path").response
    }
  }
}
