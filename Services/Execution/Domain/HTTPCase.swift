/// A test that is one request and what must be true of its answer, with everything it needs to be carried out.
///
/// It waits in `run_cases` as JSON, so that what runs is what the suite said when the run started.
struct HTTPCase: Codable, Sendable, Equatable {
    static let defaultTimeout: Int64 = 30_000
    /// Bounds of what is sent once variables are filled in; of the templates Projects has its own.
    static let maxURLBytes = 8 << 10
    static let maxHeaderBytes = 8 << 10
    static let maxBodyBytes = 1 << 20

    struct Header: Codable, Sendable, Equatable {
        let name: String
        let value: String
    }

    let method: String
    let url: String
    let headers: [Header]
    let body: String
    let variables: [String: String]
    let assertions: [Assertion]
    /// Milliseconds for the whole exchange.
    let timeout: Int64
    let followRedirects: Bool

    /// - Parameter secrets: values by name.
    /// - Throws: `unknown_variable`, `unknown_secret`, `request_too_large`.
    func filled(_ secrets: [String: String] = [:]) throws(CaseError) -> HTTPCase {
        let variables = Variables(variables, secrets: secrets)
        var filled: [Header] = []
        filled.reserveCapacity(headers.count)
        for header in headers {
            let value = try variables.fill(header.value, limit: Self.maxHeaderBytes, what: "the header \(header.name)")
            filled.append(Header(name: header.name, value: value))
        }
        return HTTPCase(
            method: method, url: try variables.fill(url, limit: Self.maxURLBytes, what: "the URL"), headers: filled,
            body: try variables.fill(body, limit: Self.maxBodyBytes, what: "the body"), variables: [:], assertions: assertions,
            timeout: timeout, followRedirects: followRedirects)
    }

    func with(_ variables: Variables) -> HTTPCase {
        HTTPCase(
            method: method, url: url, headers: headers, body: body, variables: variables.values, assertions: assertions, timeout: timeout,
            followRedirects: followRedirects)
    }

    /// The URL with variables filled in and a mark for each secret: what may be shown of it.
    func shownURL(_ secrets: Set<String>) throws(CaseError) -> String {
        let marks = Dictionary(uniqueKeysWithValues: secrets.map { ($0, SecretMask.mark) })
        return try Variables(variables, secrets: marks).fill(url, limit: Self.maxURLBytes, what: "the URL")
    }

    /// The texts in which variables are filled in.
    var templates: [String] { [url, body] + headers.map(\.value) }
}
