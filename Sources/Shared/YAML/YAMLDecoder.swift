/// Decodes documents into Swift values; every error names file, line, column and path.
///
/// A text is taken from any scalar as written (`version: 1.10` is "1.10"); booleans and numbers only from plain ones. A
/// property of type ``YAMLNode`` receives the node itself, to be read by hand.
public struct YAMLDecoder: Sendable {
  /// Whether a key that the type does not ask for is an error, with the nearest known key as a hint.
  public var refusesUnknownKeys: Bool

  /// A decoder, strict unless told otherwise.
  public init(refusesUnknownKeys: Bool = true) {
    self.refusesUnknownKeys = refusesUnknownKeys
  }

  /// The value that a document describes.
  ///
  /// - Throws: ``YAMLError`` and nothing else.
  public func decode<Value: Decodable>(_ type: Value.Type, from document: YAMLDocument) throws(YAMLError) -> Value {
    do {
      let decoder = NodeDecoder(document.root, path: [], document: document, strict: refusesUnknownKeys)
      return try decoder.value(type)
    } catch let error as YAMLError {
      throw error
    } catch let error as DecodingError {
      throw Self.located(error, in: document)
    } catch {
      throw YAMLError(file: document.file, mark: document.root.mark, reason: "\(error)")
    }
  }

  /// Parses and decodes the one document of an input.
  public func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8], file: String, limits: YAMLLimits = YAMLLimits()
  ) throws(YAMLError) -> Value {
    try decode(type, from: try YAMLDocument.parse(bytes, file: file, limits: limits))
  }

  /// The error of a type's own `init(from:)`, found again in the document by its path.
  private static func located(_ error: DecodingError, in document: YAMLDocument) -> YAMLError {
    let context: DecodingError.Context
    switch error {
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
      .dataCorrupted(let found):
      context = found
    @unknown default:
      return YAMLError(file: document.file, mark: nil, reason: "\(error)")
    }
    return YAMLError(
      file: document.file, mark: document.node(at: context.codingPath)?.mark,
      path: NodeDecoder.text(of: context.codingPath), reason: context.debugDescription)
  }
}
