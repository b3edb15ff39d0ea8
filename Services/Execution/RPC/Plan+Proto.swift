import Primitives
import ProjectsAPI

extension PlannedCase {
    /// A case of a plan with all variables it needs.
    /// - Throws: `runs.case_unreadable` for what only a newer Projects can mean.
    init(_ message: PBCase, suite: [String: String], run: [String: String]) throws(Fault) {
        let http = message.http
        guard message.hasHTTP, !http.url.isEmpty else { throw .caseUnreadable(message.name, "it has no HTTP request.") }
        var assertions: [Assertion] = []
        for assertion in http.assertions { assertions.append(try Assertion(assertion, of: message.name)) }
        let plain = HTTPCase(
            method: http.method.isEmpty ? "GET" : http.method, url: http.url, headers: http.headers.map { .init(name: $0.name, value: $0.value) },
            body: http.body, variables: [:], assertions: assertions, timeout: http.timeoutMs == 0 ? HTTPCase.defaultTimeout : http.timeoutMs,
            followRedirects: http.followRedirects)
        let variables = Variables(suite: suite, case: http.variables, run: run).used(in: plain.templates)
        self.init(id: try ID(message.id), name: message.name, http: plain.with(variables))
    }
}

extension Assertion {
    fileprivate init(_ message: PBAssertion, of name: String) throws(Fault) {
        let source: Source =
            switch message.source {
            case .status: .status
            case .header: .header
            case .body: .body
            case .json: .json
            case .responseTime: .responseTime
            case .unspecified, .UNRECOGNIZED: throw .caseUnreadable(name, "an assertion has an unknown source.")
            }
        let comparison: Comparison =
            switch message.comparison {
            case .equals: .equals
            case .notEquals: .notEquals
            case .contains: .contains
            case .notContains: .notContains
            case .lessThan: .lessThan
            case .greaterThan: .greaterThan
            case .exists: .exists
            case .notExists: .notExists
            case .unspecified, .UNRECOGNIZED: throw .caseUnreadable(name, "an assertion has an unknown comparison.")
            }
        self.init(source, message.property, comparison, message.target)
    }
}
