import HTTP

/// The API's OpenAPI 3.1 document, made from the very list that the router serves.
enum OpenAPI {
  static func document(of endpoints: [Endpoint]) -> [UInt8] {
    var paths: [(path: String, endpoints: [Endpoint])] = []
    for endpoint in endpoints {
      if let index = paths.firstIndex(where: { $0.path == endpoint.path }) {
        paths[index].endpoints.append(endpoint)
      } else {
        paths.append((endpoint.path, [endpoint]))
      }
    }
    return JSONWriter.object { json in
      json.member("openapi", "3.1.0")
      json.member("info") { json in
        json.member("title", "Carillon")
        json.member("version", "1")
        json.member("description", "Operators' and other systems' API of the Carillon ACS; docs/api.md explains it.")
      }
      json.key("servers")
      json.array([Endpoint.base]) { json, base in json.object { $0.member("url", base) } }
      json.key("security")
      json.array(["bearer"]) { json, name in json.object { $0.member(name, [String]()) } }
      json.member("paths") { json in
        for (path, endpoints) in paths {
          json.member(path) { json in
            for endpoint in endpoints {
              json.member(endpoint.method.description.lowercased()) { write(endpoint, &$0) }
            }
          }
        }
      }
      json.member("components", writeComponents)
    }
  }

  private static func write(_ endpoint: Endpoint, _ json: inout JSONWriter) {
    json.member("summary", endpoint.summary)
    json.member("operationId", operation(endpoint))
    if endpoint.isOpen {
      json.key("security")
      json.array([String]()) { $0.value($1) }
    }
    let inPath = endpoint.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
    json.key("parameters")
    json.array(inPath.map { (String($0), "path") } + endpoint.query.map { ($0, "query") }) { json, parameter in
      json.object { json in
        json.member("name", parameter.0)
        json.member("in", parameter.1)
        if parameter.1 == "path" { json.member("required", true) }
        json.member("schema") { $0.member("type", "string") }
      }
    }
    writeBody(endpoint.body, &json)
    json.member("responses") { json in
      for status in endpoint.answers {
        json.member(String(status)) { json in
          json.member("description", HTTPStatus(status).reason.description)
          guard status != 204 else { return }
          content("application/json", "object", &json)
        }
      }
      json.member("default") { $0.member("$ref", "#/components/responses/Problem") }
    }
  }

  private static func writeBody(_ body: Endpoint.Body, _ json: inout JSONWriter) {
    let (type, schema): (String, String)
    switch body {
    case .none: return
    case .json: (type, schema) = ("application/json", "object")
    case .yaml: (type, schema) = ("application/yaml", "string")
    }
    json.member("requestBody") { json in
      content(type, schema, &json)
    }
  }

  private static func content(_ type: String, _ schema: String, _ json: inout JSONWriter) {
    json.member("content") { $0.member(type) { $0.member("schema") { $0.member("type", schema) } } }
  }

  private static func writeComponents(_ json: inout JSONWriter) {
    json.member("securitySchemes") { json in
      json.member("bearer") { json in
        json.member("type", "http")
        json.member("scheme", "bearer")
      }
    }
    json.member("responses") { json in
      json.member("Problem") { json in
        json.member("description", "Not done, and why (RFC 9457).")
        json.member("content") { json in
          json.member("application/problem+json") { json in
            json.member("schema") { $0.member("$ref", "#/components/schemas/Problem") }
          }
        }
      }
    }
    json.member("schemas") { json in
      json.member("Problem") { json in
        json.member("type", "object")
        json.member("required", ["type", "title", "status", "detail"])
        json.member("properties") { json in
          json.member("type") { json in
            json.member("type", "string")
            json.member("enum", Problem.Kind.allCases.map { Problem($0, "").type })
          }
          for name in ["title", "detail", "field", "state"] { json.member(name) { $0.member("type", "string") } }
          for name in ["status", "line", "column"] { json.member(name) { $0.member("type", "integer") } }
        }
      }
    }
  }

  /// `getDevicesDeviceTasks` of GET /devices/{device}/tasks.
  private static func operation(_ endpoint: Endpoint) -> String {
    let words = endpoint.path.split { !$0.isLetter }
    return endpoint.method.description.lowercased()
      + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}
