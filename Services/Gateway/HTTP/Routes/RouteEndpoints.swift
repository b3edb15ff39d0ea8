import Contract
import GRPCCore
import HTTPTypes
import Hummingbird
import Primitives
import ServiceKit
import SwiftProtobuf

/// Makes an endpoint of every route of every contract. Nothing here knows what any of them means.
struct RouteEndpoints {
    let routes: [Route]
    let upstreams: Upstreams
    let projects: ProjectResolver
    let cursors: CursorSigner
    let idempotency: Idempotency
    let streams: EventStreams
    let authenticator: Authenticator

    /// Adds all routes but those whose request is a stream: their bodies are not messages, and the gateway reads them by hand.
    func add(to endpoints: inout HTTPEndpoints) throws {
        for route in routes where !route.requestStreams {
            let lists = ExportLists(of: route, in: BundledDocument.json)
            let respond = try makeEndpoint(route, lists, route.request, route.response)
            endpoints.add(
                HTTPRequest.Method(route.verb), route.path.description,
                HTTPEndpoint(
                    access: HTTPEndpoint.Access(route.rule.permission), cost: route.rule.cost, routeClass: route.routeClass,
                    quota: try Quota.Kind(of: route), produces: Self.type(of: route), isExportable: lists != nil,
                    exportsPages: lists?.hasPages ?? false, respond: respond))
        }
    }

    private static func type(of route: Route) -> String? {
        if route.responseStreams { return "text/event-stream" }
        return route.successStatus == HTTPResponse.Status.noContent.code ? nil : "application/json"
    }

    /// Opens the two existentials: from here on the types are known to the compiler, and calls pay for no casts.
    private func makeEndpoint<Request: SwiftProtobuf.Message, Answer: SwiftProtobuf.Message>(
        _ route: Route, _ lists: ExportLists?, _: Request.Type, _: Answer.Type
    ) throws -> @Sendable (Exchange) async throws -> Response {
        let call = try RouteCall<Request, Answer>(route: route, upstreams: upstreams, projects: projects, cursors: cursors)
        if route.responseStreams {
            let stream = EventStream(call, streams: streams, authenticator: authenticator)
            return { try await stream.respond($0) }
        }
        let unary = UnaryEndpoint(
            call, location: location(of: Answer.self), idempotency: route.takesIdempotencyKey ? idempotency : nil, isExportable: lists != nil)
        guard let lists else { return { try await unary.respond($0) } }
        let export = ListExport(call)
        return { exchange in
            var exchange = exchange
            let list = try lists.take(from: &exchange)
            guard let format = ExportFormat.asked(by: exchange.head.accept) else { return try await unary.respond(exchange) }
            return try await export.respond(exchange, as: format, of: list)
        }
    }

    /// Where an answer of this type can be read again: the GET route that answers with the same type and takes nothing but an id at its end.
    private func location(of answer: any SwiftProtobuf.Message.Type) -> String? {
        routes.first { route in
            route.verb == .get && route.response == answer && route.path.parameters.count == 1 && route.path.description.hasSuffix("}")
        }?.path.description.split(separator: "{").first.map(String.init)
    }
}

extension HTTPRequest.Method {
    init(_ verb: Route.Verb) {
        switch verb {
        case .get: self = .get
        case .post: self = .post
        case .put: self = .put
        case .patch: self = .patch
        case .delete: self = .delete
        }
    }
}

extension HTTPEndpoint.Access {
    init(_ permission: String?) {
        self = permission == "public" ? .everybody : .permission(permission ?? "authenticated")
    }
}

/// The clients of all services by the methods they serve.
struct Upstreams: Sendable {
    private let clients: [String: GRPCClient<ServiceTransport>]
    /// The gateway is the outermost caller, so it is the one that tries again (R19).
    private let retries = Dictionary(uniqueKeysWithValues: services.map { ($0, ClientRetry()) })

    /// In contracts a service is the second part of its package: `assay.execution.v1.Runs`.
    static let services = ["gateway", "scheduling", "execution", "validation", "analytics", "projects", "notifications"]

    init(_ client: (String) throws -> GRPCClient<ServiceTransport>) rethrows {
        var clients: [String: GRPCClient<ServiceTransport>] = [:]
        for service in Self.services { clients[service] = try client(service) }
        self.clients = clients
    }

    subscript(service: String) -> GRPCClient<ServiceTransport> {
        guard let client = clients[service] else { preconditionFailure("there is no service \(service)") }
        return client
    }

    /// - Throws: `ConfigFault` when no service serves it.
    func client(for method: MethodDescriptor) throws -> GRPCClient<ServiceTransport> { try find(method, in: clients) }

    /// - Throws: `ConfigFault` when no service serves it.
    func retry(for method: MethodDescriptor) throws -> ClientRetry { try find(method, in: retries) }

    private func find<Found>(_ method: MethodDescriptor, in all: [String: Found]) throws -> Found {
        let parts = method.service.fullyQualifiedService.split(separator: ".")
        guard parts.count > 1, let found = all[String(parts[1])] else { throw ConfigFault("no service serves \(method.fullyQualifiedMethod)") }
        return found
    }
}

extension Quota.Kind {
    /// - Throws: `ConfigFault` for a name that the contract should not have let through.
    init?(of route: Route) throws {
        guard let name = route.rule.quota else { return nil }
        guard let kind = Quota.Kind(rawValue: name) else { throw ConfigFault("\(route.path) uses the quota \(name), which there is not") }
        self = kind
    }
}
