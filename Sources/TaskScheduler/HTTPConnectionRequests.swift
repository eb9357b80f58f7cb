public import HTTP
import Networking

/// Connection requests over the process's HTTP client.
public struct HTTPConnectionRequests: ConnectionRequestTransport {
  private let client: HTTPClient

  /// Sends by `client`, on whose loop the scheduler best lives.
  public init(_ client: HTTPClient) { self.client = client }

  /// Opens a way to one CPE.
  public func dialogue(with target: ConnectionRequestTarget) -> any ConnectionRequestExchange {
    Exchange(client: client, target: target)
  }

  private struct Exchange: ConnectionRequestExchange {
    let client: HTTPClient
    let target: ConnectionRequestTarget

    func get(authorization: String?, anew: Bool, deadline: Duration) async -> ConnectionRequestAnswer {
      let allowed = target.address
      var request = HTTPClientRequest(url: target.url)
      request.deadline = deadline
      request.responseLimit = 8192
      // What counts is the address of the socket that is about to be opened, not the text of the URL.
      request.allowsAddress = { $0.ip == allowed }
      if let authorization {
        request.fields.append(("Authorization", authorization))
        // The challenge's connection, where the CPE keeps it; nobody needs it afterwards.
        request.fields.append(("Connection", "close"))
        request.reusesConnections = !anew
      }
      do {
        let response = try await client.execute(request)
        return .response(status: Int(response.status.rawValue), challenge: response["www-authenticate"])
      } catch let error as HTTPClientError where error.code == .failed {
        return .closed(error.detail)
      } catch let error as HTTPClientError where error.code == .deadlineExceeded {
        return .unreachable("no answer in time")
      } catch let error as HTTPClientError {
        return .unreachable(error.detail)
      } catch {
        return .unreachable("the scheduler stops")
      }
    }
  }
}
