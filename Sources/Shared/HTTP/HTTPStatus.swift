/// A status code (RFC 9110 §15).
public struct HTTPStatus: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The three digits.
  public let rawValue: UInt16

  /// A status of that code; 200 where it is not of three digits.
  public init(rawValue: UInt16) { self.rawValue = (100...999).contains(rawValue) ? rawValue : 200 }

  /// A status of that code.
  public init(_ code: Int) { self.init(rawValue: UInt16(clamping: code)) }

  /// 200
  public static let ok = HTTPStatus(200)
  /// 201
  public static let created = HTTPStatus(201)
  /// 202
  public static let accepted = HTTPStatus(202)
  /// 204
  public static let noContent = HTTPStatus(204)
  /// 206
  public static let partialContent = HTTPStatus(206)
  /// 304
  public static let notModified = HTTPStatus(304)
  /// 400
  public static let badRequest = HTTPStatus(400)
  /// 401
  public static let unauthorized = HTTPStatus(401)
  /// 403
  public static let forbidden = HTTPStatus(403)
  /// 404
  public static let notFound = HTTPStatus(404)
  /// 405
  public static let methodNotAllowed = HTTPStatus(405)
  /// 408
  public static let requestTimeout = HTTPStatus(408)
  /// 409
  public static let conflict = HTTPStatus(409)
  /// 412
  public static let preconditionFailed = HTTPStatus(412)
  /// 413
  public static let contentTooLarge = HTTPStatus(413)
  /// 414
  public static let uriTooLong = HTTPStatus(414)
  /// 415
  public static let unsupportedMediaType = HTTPStatus(415)
  /// 416
  public static let rangeNotSatisfiable = HTTPStatus(416)
  /// 417
  public static let expectationFailed = HTTPStatus(417)
  /// 421
  public static let misdirectedRequest = HTTPStatus(421)
  /// 422
  public static let unprocessableContent = HTTPStatus(422)
  /// 429
  public static let tooManyRequests = HTTPStatus(429)
  /// 431
  public static let headerFieldsTooLarge = HTTPStatus(431)
  /// 500
  public static let internalServerError = HTTPStatus(500)
  /// 501
  public static let notImplemented = HTTPStatus(501)
  /// 503
  public static let serviceUnavailable = HTTPStatus(503)
  /// 504
  public static let gatewayTimeout = HTTPStatus(504)
  /// 505
  public static let versionNotSupported = HTTPStatus(505)

  /// The code as text.
  public var description: String { String(rawValue) }

  /// The words after the code; `Status` where the code has none here.
  public var reason: StaticString {
    switch rawValue {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 206: "Partial Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Range Not Satisfiable"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }

  /// Whether a response of this status never has a body, and no Content-Length but 0 (RFC 9110 §6.4.1).
  var isBodyless: Bool { rawValue < 200 || self == .noContent || self == .notModified }
}
