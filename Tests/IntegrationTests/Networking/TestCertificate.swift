import Glibc

/// A self-signed certificate for 127.0.0.1 and localhost, valid to 2120, and its key: known to everybody, for tests
/// only.
struct TestCertificate {
  let certificate: String
  let key: String
  private let folder: String

  /// Writes both to files of a folder of their own.
  init() throws {
    var template = Array("/tmp/carillon-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure.noFolder }
    folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    certificate = folder + "/certificate.pem"
    key = folder + "/key.pem"
    try Self.write(Self.certificateText, to: certificate)
    try Self.write(Self.keyText, to: key)
  }

  func remove() {
    unlink(certificate)
    unlink(key)
    rmdir(folder)
  }

  private enum Failure: Error {
    case noFolder
    case notWritten
  }

  private static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw Failure.notWritten }
    fputs(text, file)
    fclose(file)
  }

  private static let keyText = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWNe2dIPrVW9uwZod
    IInbTykVYaET+CbaEMG1qwDf/IChRANCAARLP1SakAf5MvRRX3AlGYzndQMFrRRf
    z/VoC/73BYgfgZP7hGObVXrLIikW4eiovSKhueaEuD6hRzVqtj3AH63V
    -----END PRIVATE KEY-----

    """

  private static let certificateText = """
    -----BEGIN CERTIFICATE-----
    MIIBaDCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
    c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
    CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEs/VJqQB/ky9FFf
    cCUZjOd1AwWtFF/P9WgL/vcFiB+Bk/uEY5tVessiKRbh6Ki9IqG55oS4PqFHNWq2
    PcAfrdWjTjBMMBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9zdDAPBgNVHRMBAf8E
    BTADAQH/MB0GA1UdDgQWBBRGBdnOuuuDaNAxocPwTN6us7E++zAKBggqhkjOPQQD
    AgNJADBGAiEAlhfFFFWkEOh9pcqAiwFX7pS7BX8tJYihlDQ2v+2R4wACIQDNpW1B
    Tj7qKUrldobENtFEwk58Ud8y8S1icYjANDvqtQ==
    -----END CERTIFICATE-----

    """
}
