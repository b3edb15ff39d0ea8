import Contract
import GRPCCore
import GRPCProtobuf
import Hummingbird
import NIOCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// What a unary call and an event stream have in common: reading the request, knowing how long it may take.
struct RouteCall<Request: SwiftProtobuf.Message, Answer: SwiftProtobuf.Message>: Sendable {
    /// For routes that ask for nothing else.
    static var standardTimeout: Duration { .seconds(10) }

    let route: Route
    let client: GRPCClient<ServiceTransport>
    let projects: ProjectResolver
    let cursors: CursorSigner
    private let retry: ClientRetry
    private let reader: RequestMessage<Request>
    private let literals: PathTemplateText
    let timeout: Duration
    let isList: Bool
    /// The answer has a revision, and a request may say which one is known already.
    let revalidates: Bool

    /// - Throws: `ConfigFault` when no service serves the route's method.
    init(route: Route, upstreams: Upstreams, projects: ProjectResolver, cursors: CursorSigner) throws {
        self.route = route
        client = try upstreams.client(for: route.rule.method)
        retry = try upstreams.retry(for: route.rule.method)
        self.projects = projects
        self.cursors = cursors
        reader = RequestMessage(route)
        literals = PathTemplateText(route.path)
        timeout = route.timeout ?? Self.standardTimeout
        revalidates = route.verb == .get && route.precondition != nil && route.version != nil
        isList = route.fields.contains { $0.name == "cursor" && $0.place == .query }
    }

    /// A request that has been read.
    struct Prepared: Sendable {
        var message: Request
        /// The path with its ids: what cursors are bound to.
        let path: String
        let query: [(name: String, value: String)]
        /// Of the method, or of a field that the request uses.
        let deprecation: Deprecation?

        /// What names an answer with this revision.
        func tag(revision: Int64) -> String { EntityTag.of(path: path, query: query, revision: revision) }
    }

    /// - Parameters:
    ///   - extras: query parameters that come another way, such as `Last-Event-ID`. They take the place of what the query says.
    ///   - mayBeKnown: whether the service may be told what the client has already (`revalidates`): it leaves that away then.
    func prepare(_ exchange: Exchange, extras: [(name: String, value: String)] = [], mayBeKnown: Bool = false) async throws -> Prepared {
        var query = try exchange.target.query()
        var path: [(name: String, value: String)] = []
        for parameter in exchange.parameters { path.append((parameter.name, try exchange.parameter(parameter.name))) }
        let body = route.verb.hasBody ? try await readBody(exchange) : ByteBuffer()
        if let project = path.firstIndex(where: { $0.name == "project" }) {
            path[project].value = try await projects.resolve(path[project].value, for: exchange).description
        }
        let resolved = path.isEmpty ? exchange.target.path : literals.filled(with: path)
        if isList, let index = query.firstIndex(where: { $0.name == "cursor" }), !query[index].value.isEmpty, let principal = exchange.principal {
            let binding = CursorSigner.Binding(tenant: principal.identity.tenant, path: resolved, filter: query)
            query[index].value = try cursors.verify(query[index].value, for: binding)
        }
        for extra in extras {
            // What a header takes the place of is refused all the same where it is not acceptable.
            for (name, value) in query where name == extra.name { try reader.check(name, value) }
            query.removeAll { $0.name == extra.name }
            query.append(extra)
        }
        if revalidates, let field = route.precondition {
            let revision = mayBeKnown ? EntityTag.revision(ifNoneMatch: exchange.head.ifNoneMatch, path: resolved, query: query) : 0
            path.append((field.name, String(revision)))
        } else if let field = route.precondition {
            let version = try EntityTag.version(ifMatch: exchange.head.ifMatch, isRequired: field.shape.bounds.isRequired)
            path.append((field.name, String(version)))
        }
        let decoded = try reader.decode(path: path, query: query, body: body)
        return Prepared(message: decoded.message, path: resolved, query: query, deprecation: route.deprecation ?? decoded.deprecation)
    }

    private func readBody(_ exchange: Exchange) async throws -> ByteBuffer {
        let body = try await exchange.body.collect(
            limit: JSONLint.maxBytes, tooLarge: .bodyTooLarge(limit: JSONLint.maxBytes))
        guard body.readableBytes > 0 else { return body }
        guard exchange.head.mediaType == "application/json", exchange.head.contentEncoding.isEmpty else { throw Fault.mediaType }
        return body
    }

    func unary(_ message: Request) async throws -> Answer {
        try await retry.run(route.rule.method) {
            try await client.unary(
                request: ClientRequest(message: message), descriptor: route.rule.method, serializer: ProtobufSerializer<Request>(),
                deserializer: ProtobufDeserializer<Answer>(), options: .defaults
            ) { try $0.message }
        }
    }
}

/// A path template that puts values into its holes.
struct PathTemplateText: Sendable {
    private let segments: [PathTemplate.Segment]

    init(_ template: PathTemplate) { segments = template.segments }

    func filled(with values: [(name: String, value: String)]) -> String {
        var path = ""
        for segment in segments {
            switch segment {
            case .literal(let text): path += "/" + text
            case .parameter(let name, let verb):
                path += "/" + PercentEncoding.encode(values.first { $0.name == name }?.value ?? "")
                if let verb { path += ":" + verb }
            }
        }
        return path
    }
}
