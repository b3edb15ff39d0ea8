import SwiftProtobuf

/// One method as the gateway offers it over HTTP: everything that is needed to serve it without knowing what it means.
///
/// The values are generated from the contracts. No two routes answer the same request, so their order does not matter.
package struct Route: Sendable {
    package enum Verb: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"

        /// Whether the request's other fields travel as a JSON body; else they are query parameters.
        package var hasBody: Bool { self != .get && self != .delete }
    }

    package let rule: MethodRule
    package let verb: Verb
    package let path: PathTemplate
    package let request: any SwiftProtobuf.Message.Type
    package let response: any SwiftProtobuf.Message.Type

    /// All top-level fields of the request. Empty when the request streams: then its body is not a message and the gateway reads it by hand.
    package let fields: [RequestField]

    /// The top-level lists of the response. SwiftProtobuf's JSON leaves an empty list out, but callers are promised `"data": []`.
    package let lists: [ResponseList]

    package let successStatus: Int

    /// The client sends a stream (uploads).
    package let requestStreams: Bool

    /// The answer is a stream, which becomes server-sent events.
    package let responseStreams: Bool

    /// Whether `Idempotency-Key` is honoured.
    package let takesIdempotencyKey: Bool

    /// Time for the whole call, where the contract asks for another than the gateway's own default.
    package let timeout: Duration?

    /// What the contract names, or what follows from the rest of it: only what anybody may send needs no key, so it can only be about proving one.
    package var routeClass: RouteClass {
        if let named = rule.routeClass { return named }
        if requestStreams { return .upload }
        if verb == .get { return .read }
        return rule.permission == "public" ? .auth : .write
    }

    /// The version of the object that the answer is, for its `ETag`.
    package let version: ResponseVersion?

    package let deprecation: Deprecation?

    package init(
        _ rule: MethodRule, _ verb: Verb, _ path: PathTemplate, request: any SwiftProtobuf.Message.Type,
        response: any SwiftProtobuf.Message.Type, fields: [RequestField] = [], lists: [ResponseList] = [], version: ResponseVersion? = nil,
        successStatus: Int = 200, requestStreams: Bool = false, responseStreams: Bool = false, takesIdempotencyKey: Bool = false,
        timeout: Duration? = nil, deprecation: Deprecation? = nil
    ) {
        self.rule = rule
        self.verb = verb
        self.path = path
        self.request = request
        self.response = response
        self.fields = fields
        self.lists = lists
        self.successStatus = successStatus
        self.requestStreams = requestStreams
        self.responseStreams = responseStreams
        self.takesIdempotencyKey = takesIdempotencyKey
        self.timeout = timeout
        self.version = version
        self.deprecation = deprecation
    }

    /// The field that `If-Match` fills; a request must have the header where the field is required.
    package var precondition: RequestField? { fields.first { $0.place == .header } }

    /// Names of the lists that `message` would print nothing for, in the order of the contract.
    package func emptyLists(in message: any SwiftProtobuf.Message) -> [String] {
        lists.filter { $0.isEmpty(message) }.map(\.name)
    }
}

/// A top-level repeated field of a response.
package struct ResponseList: Sendable {
    /// As in the contract and in JSON.
    package let name: String
    package let isEmpty: @Sendable (any SwiftProtobuf.Message) -> Bool

    package init<M: SwiftProtobuf.Message>(_ name: String, in type: M.Type, isEmpty: @escaping @Sendable (M) -> Bool) {
        self.name = name
        self.isEmpty = { ($0 as? M).map(isEmpty) ?? false }
    }
}

/// The field of an answer that every change of the object raises.
package struct ResponseVersion: Sendable {
    /// 0 for an answer that has none.
    package let read: @Sendable (any SwiftProtobuf.Message) -> Int64

    package init<M: SwiftProtobuf.Message>(in type: M.Type, read: @escaping @Sendable (M) -> Int64) {
        self.read = { ($0 as? M).map(read) ?? 0 }
    }
}
