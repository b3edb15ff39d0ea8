import Primitives
import ProjectsAPI
import SwiftProtobuf

extension HTTPCase {
    /// - Throws: `request.invalid` naming the field under `/http`.
    init(_ message: PBHTTPCase) throws(Fault) {
        var assertions: [Assertion] = []
        for (index, assertion) in message.assertions.prefix(Self.maxAssertions + 1).enumerated() {
            assertions.append(try Assertion(assertion, at: "/http/assertions/\(index)"))
        }
        try self.init(
            method: message.method, url: message.url, headers: message.headers.map { Header(name: $0.name, value: $0.value) }, body: message.body,
            variables: message.variables, assertions: assertions, timeout: message.timeoutMs, followRedirects: message.followRedirects)
    }
}

extension PBHTTPCase {
    init(_ value: HTTPCase) {
        self.init()
        method = value.method
        url = value.url
        headers = value.headers.map { header in
            .with {
                $0.name = header.name
                $0.value = header.value
            }
        }
        body = value.body
        variables = value.variables
        assertions = value.assertions.map(PBAssertion.init)
        timeoutMs = Int64(value.timeout)
        followRedirects = value.followRedirects
    }
}

extension Assertion {
    fileprivate init(_ message: PBAssertion, at pointer: String) throws(Fault) {
        let source: Source =
            switch message.source {
            case .status: .status
            case .header: .header
            case .body: .body
            case .json: .json
            case .responseTime: .responseTime
            case .unspecified, .UNRECOGNIZED:
                throw .invalidField(pointer + "/source", "missing", "Say what is looked at: STATUS, HEADER, BODY, JSON or RESPONSE_TIME.")
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
            case .unspecified, .UNRECOGNIZED: throw .invalidField(pointer + "/comparison", "missing", "Say how it is compared.")
            }
        try self.init(source: source, property: message.property, comparison: comparison, target: message.target, at: pointer)
    }
}

extension PBAssertion {
    fileprivate init(_ value: Assertion) {
        self.init()
        source =
            switch value.source {
            case .status: .status
            case .header: .header
            case .body: .body
            case .json: .json
            case .responseTime: .responseTime
            }
        comparison =
            switch value.comparison {
            case .equals: .equals
            case .notEquals: .notEquals
            case .contains: .contains
            case .notContains: .notContains
            case .lessThan: .lessThan
            case .greaterThan: .greaterThan
            case .exists: .exists
            case .notExists: .notExists
            }
        property = value.property
        target = value.target
    }
}
