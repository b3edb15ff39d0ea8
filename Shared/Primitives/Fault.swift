/// The one error that crosses rooms and services.
///
/// It becomes an `RPCError` in `ServiceKit/Fault+RPC.swift` and a problem document in the gateway's `HTTP/Problem.swift`, nowhere else.
package struct Fault: Error, Equatable, Sendable {
    package let kind: FaultKind
    /// Stable API, `<area>.<what>` (`runs.already_finished`). Tests assert on it and users match on it.
    package let code: String
    /// One or two sentences for people: what is wrong and what to do. Never holds causes, SQL or host names.
    package let detail: String
    /// What is wrong with single fields of the request.
    package let fields: [FieldFault]
    /// When trying again makes sense; becomes `Retry-After`, and the delay of a job that is retried.
    package let retryAfter: Duration?

    package init(_ kind: FaultKind, _ code: String, _ detail: String, fields: [FieldFault] = [], retryAfter: Duration? = nil) {
        self.kind = kind
        self.code = code
        self.detail = detail
        self.fields = fields
        self.retryAfter = retryAfter
    }

    /// One refused field of a request.
    package struct FieldFault: Equatable, Sendable {
        /// JSON pointer into the body (`/assertions/0/value`), or the name of a path or query parameter.
        package let pointer: String
        package let code: String
        package let detail: String

        package init(_ pointer: String, _ code: String, _ detail: String) {
            self.pointer = pointer
            self.code = code
            self.detail = detail
        }
    }
}

extension Fault {
    /// A request whose one field is wrong.
    package static func invalidField(_ pointer: String, _ code: String, _ detail: String) -> Fault {
        Fault(.invalid, "request.invalid", detail, fields: [.init(pointer, code, detail)])
    }

    /// An object that does not exist, or exists for another tenant only: the two look alike on purpose.
    package static func notFound(_ what: String, _ id: some CustomStringConvertible) -> Fault {
        Fault(.notFound, "\(what).not_found", "There is no \(what) \(id).")
    }

    /// A change to a version of an object that is no longer the latest (T105).
    package static let versionStale = Fault(
        .precondition, "precondition_failed", "The object has changed since the version that If-Match names. Read it again, then change it.")

    package static func unavailable(_ code: String, _ detail: String, retryAfter: Duration = .seconds(1)) -> Fault {
        Fault(.unavailable, code, detail, retryAfter: retryAfter)
    }
}
