import Contract
import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// Promise 6: whatever one organization asks for, nothing of another's is in the answer (I5).
///
/// Two organizations have one of everything, named with a marker each. Callers of both ask every method of every contract with ids of either at
/// random, nearly all of them right at the services, as the gateway would, and some over HTTP; every answer is searched for the other's ids
/// and marker. `ASSAY_ISOLATION_CALLS` says how many calls are made: a million takes minutes, so the suite makes twenty thousand.
@Suite(.timeLimit(.minutes(60)))
struct IsolationTests {
    @Test("no answer to random calls of every method holds an id or a word of the other organization")
    func randomised() async throws {
        let count = ProcessInfo.processInfo.environment["ASSAY_ISOLATION_CALLS"].flatMap(Int.init) ?? 20_000
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        let callerKey = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        try await Stack.with(settings: ["ASSAY_CALLER_KEY": callerKey.base64EncodedString()]) { stack in
            let first = Journey(stack)
            let second = try await TenancyTests.stranger(stack, first)
            let sides = [
                try await Side(marker: "marker-amber-\(UUID().uuidString)", first, hook: hook),
                try await Side(marker: "marker-beryl-\(UUID().uuidString)", Journey(stack, api: second), hook: hook),
            ]
            let started = ContinuousClock.now
            let tally = try await Questions(stack, sides, callerKey: Secret(callerKey)).ask(count)
            let elapsed = ContinuousClock.now - started
            print(
                "isolation: \(tally.asked) calls in \(elapsed), \(tally.answered) answered, \(tally.methods.count) methods, leaks: \(tally.leaks.count)"
            )
            #expect(tally.leaks == [])
            #expect(tally.asked == count && tally.answered > count / 20)
            #expect(tally.methods.count == Questions.routes.count, "never asked: \(Questions.routes.map(\.name).filter { tally.methods[$0] == nil })")
        }
    }
}

/// One organization: its ids by the name that routes use for them, and the word in all its names.
struct Side: Sendable {
    let marker: String
    let api: APIClient
    let tenant: ID<Tenant>
    let ids: [String: String]

    init(marker: String, _ journey: Journey, hook: LoopbackServer) async throws {
        self.marker = marker
        api = journey.api
        ids = try await TenancyTests.objects(journey, hook: hook, marker: marker)
        tenant = try ID(ids["organization", default: ""])
    }
}

/// Asks at random.
final class Questions: Sendable {
    static let routes = GatewayProgram.routes.filter { !$0.requestStreams }

    struct Tally: Sendable {
        var asked = 0
        /// With something that could have held another's data.
        var answered = 0
        var methods: [String: Int] = [:]
        var leaks: [String] = []
    }

    /// What callers of one organization are: its administrator, a viewer, a key that is bound to its project, somebody with a grant there only.
    private struct Asker: Sendable {
        let side: Side
        let other: Side
        let identities: [CallerIdentity]
    }

    private let askers: [Asker]
    private let clients: [String: GRPCClient<ServiceTransport>]
    /// Ids of the other side that a caller has written into its own objects: they come back, and are no leak.
    private let written = Mutex<[Set<String>]>([[], []])
    /// The same of calls that are under way: what they write can be read before they are answered.
    private let writing = Mutex<[[String]]>([[], []])
    private let tally = Mutex(Tally())
    private let begun = Atomic(0)

    init(_ stack: Stack, _ sides: [Side], callerKey: Secret<Data>) throws {
        let keys = CallerKeys(service: "gateway", key: callerKey)
        askers = try [(sides[0], sides[1]), (sides[1], sides[0])].map { side, other in
            let project = try ID<Project>(side.ids["project", default: ""]).uuid
            let all = KeyScope.orgAdmin.permissions
            return Asker(
                side: side, other: other,
                identities: [
                    CallerIdentity(tenant: side.tenant, actor: "\(ID<Key>.new())", permissions: all),
                    CallerIdentity(tenant: side.tenant, actor: side.ids["member", default: ""], permissions: Role.viewer.permissions),
                    CallerIdentity(tenant: side.tenant, actor: "\(ID<Key>.new())", permissions: all, projects: [project]),
                    CallerIdentity(
                        tenant: side.tenant, actor: "\(ID<User>.new())", permissions: [],
                        grants: ProjectGrants([project: AssignedRole.grantable])),
                ])
        }
        clients = try Dictionary(
            uniqueKeysWithValues: Stack.services.map { service in
                let transport = try ServiceTransport(
                    .frame, to: [Endpoint(host: "127.0.0.1", port: stack.rpcPort(service))], security: .plaintext)
                return (service, GRPCClient(transport: transport, interceptors: [ClientCallInterceptor(audience: service, keys: keys)]))
            })
    }

    func ask(_ count: Int) async throws -> Tally {
        await withTaskGroup(of: Void.self) { connections in
            for client in clients.values { connections.addTask { try? await client.runConnections() } }
            await withTaskGroup(of: Void.self) { workers in
                for _ in 0..<32 {
                    workers.addTask {
                        while true {
                            let number = self.begun.add(1, ordering: .relaxed).oldValue
                            guard number < count else { return }
                            // Each once before any by chance.
                            await self.ask(number < Self.routes.count ? Self.routes[number] : Self.route())
                        }
                    }
                }
            }
            for client in clients.values { client.beginGracefulShutdown() }
        }
        return tally.withLock { $0 }
    }

    /// Any, but those rarely that hash a password, or send mail in answer to whoever asks: a million of them would take days.
    private static func route() -> Route {
        let route = routes.randomElement() ?? routes[0]
        let isSlow = route.verb.hasBody && (route.rule.permission == "public" || route.path.description.hasPrefix("/api/v1/me/"))
        return isSlow && Int.random(in: 0..<20) != 0 ? self.route() : route
    }

    private func ask(_ route: Route) async {
        let number = Int.random(in: 0..<2)
        let asker = askers[number]
        let question = Question(route, asker.side, asker.other)
        let writes = route.verb.hasBody ? question.foreign : []
        writing.withLock { $0[number] += writes }
        let isHTTP = Int.random(in: 0..<100) == 0 && !route.responseStreams
        let answer =
            if isHTTP {
                await question.send(over: asker.side.api)
            } else {
                await send(question, as: asker.identities.randomElement() ?? asker.identities[0])
            }
        if !answer.isEmpty { written.withLock { $0[number].formUnion(writes) } }
        let allowed = writing.withLock { $0[number] }.reduce(into: written.withLock { $0[number] }.union(question.foreign)) { $0.insert($1) }
        writing.withLock { writing in
            for id in writes { writing[number].firstIndex(of: id).map { _ = writing[number].remove(at: $0) } }
        }
        // What holds no underscore is a number, such as of an edition, and nobody's own.
        let secrets = [asker.other.marker] + asker.other.ids.values.filter { !allowed.contains($0) && !$0.hasPrefix("imp_") && $0.contains("_") }
        let leaked = answer.isEmpty ? nil : secrets.first(where: answer.holds)
        tally.withLock { tally in
            tally.asked += 1
            tally.methods[route.name, default: 0] += 1
            if !answer.isEmpty { tally.answered += 1 }
            if let leaked, tally.leaks.count < 20 { tally.leaks.append("\(route.name): \(leaked) in the answer to \(question.json)") }
        }
    }

    /// - Returns: the answer's bytes; nothing for a refusal.
    private func send(_ question: Question, as identity: CallerIdentity) async -> Data {
        let method = question.route.rule.method
        guard let request = question.bytes, let service = method.service.fullyQualifiedService.split(separator: ".").dropFirst().first,
            let client = clients[String(service)]
        else { return Data() }
        let caller = Caller(identity: identity)
        return await Caller.with(caller) {
            var whole = Data()
            var options = CallOptions.defaults
            options.timeout = .seconds(5)
            if question.route.responseStreams {
                let streamed = try? await client.serverStreaming(
                    request: ClientRequest(message: request), descriptor: method, serializer: Bytes(), deserializer: Bytes(), options: options
                ) { response in
                    var whole = Data()
                    // What has come so far counts, however the stream ends.
                    do { for try await message in response.messages { whole.append(message) } } catch {}
                    return whole
                }
                whole = streamed ?? Data()
            } else {
                whole =
                    (try? await client.unary(
                        request: ClientRequest(message: request), descriptor: method, serializer: Bytes(), deserializer: Bytes(), options: options
                    ) { try $0.message }) ?? Data()
            }
            return whole
        }
    }
}

/// One call: a route with values for all that it takes.
struct Question: Sendable {
    let route: Route
    /// The request as JSON.
    let json: String
    /// Ids of the other side in it.
    let foreign: Set<String>
    private let values: [(field: RequestField, literal: String, text: String)]

    init(_ route: Route, _ side: Side, _ other: Side) {
        self.route = route
        // A caller may do to its own objects what it likes, and would soon have none left; what changes something names another's.
        let isWrite = route.verb != .get
        let kinds = Set(route.fields.map(\.name)).intersection(side.ids.keys)
        let named = kinds.randomElement()
        var values: [(field: RequestField, literal: String, text: String)] = []
        var foreign: Set<String> = []
        for field in route.fields {
            if let own = side.ids[field.name], let theirs = other.ids[field.name] {
                let takesTheirs = isWrite ? field.name == named || Bool.random() : Bool.random()
                let value = takesTheirs ? theirs : own
                if takesTheirs { foreign.insert(theirs) }
                if let literal = field.jsonLiteral(for: value) {
                    values.append((field, field.isRepeated ? "[\(literal)]" : literal, value))
                }
            } else if let (literal, text) = Self.value(field, isWrite, side, other, &foreign) {
                values.append((field, literal, text))
            }
        }
        self.values = values
        self.foreign = foreign
        json = "{" + values.map { "\"\($0.field.name)\":\($0.literal)" }.joined(separator: ",") + "}"
    }

    /// What is no id: mostly what makes sense, sometimes another's.
    private static func value(
        _ field: RequestField, _ isWrite: Bool, _ side: Side, _ other: Side, _ foreign: inout Set<String>
    ) -> (literal: String, text: String)? {
        let text: String
        switch field.name {
        case "limit": text = "\(Int.random(in: 1...200))"
        case "cursor":
            guard Int.random(in: 0..<4) == 0, let id = (Bool.random() ? side : other).ids.values.randomElement() else { return nil }
            text = id
        case "search", "q", "branch", "test":
            // What somebody writes comes back to them, and would be taken for a leak.
            guard !isWrite, Int.random(in: 0..<4) == 0 else { return nil }
            text = other.marker
        case "name", "reason", "description", "slug": text = side.marker.lowercased() + "-\(UInt32.random(in: 0...UInt32.max))"
        case "role": text = "viewer"
        case "email": text = "\(UInt64.random(in: 0...UInt64.max))@example.com"
        case "wait": return nil
        // Of an object that nobody has changed yet.
        case _ where field.place == .header: text = "1"
        default:
            switch field.kind {
            case .boolean: text = Bool.random() ? "true" : "false"
            case .choice(let names): text = names.randomElement() ?? ""
            case .text where Int.random(in: 0..<4) == 0:
                let id = (Bool.random() ? side : other).ids.values.randomElement() ?? ""
                if other.ids.values.contains(id) { foreign.insert(id) }
                text = id
            default: return nil
            }
        }
        guard let literal = field.jsonLiteral(for: text) else { return nil }
        return (field.isRepeated ? "[\(literal)]" : literal, text)
    }

    /// As the services take it; `nil` when the values do not fit the message.
    var bytes: Data? { try? route.request.init(jsonString: json).serializedData() }

    /// - Returns: the answer's body; nothing for a refusal.
    func send(over api: APIClient) async -> Data {
        var path = route.path.description.dropFirst("/api/v1".count)[...]
        var query: [String] = []
        var body: [String] = []
        var headers = route.verb.hasBody ? ["Content-Type": "application/json"] : [:]
        for (field, literal, text) in values {
            let escaped = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            switch field.place {
            case .path: path = Substring(path.replacing("{\(field.name)}", with: escaped))
            case .query: query.append("\(field.name)=\(escaped)")
            case .body: body.append("\"\(field.name)\":\(literal)")
            case .header: headers["If-Match"] = "\"\(text)\""
            }
        }
        let target = String(path) + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        let answer = try? await api.send(
            route.verb.rawValue, target, body: route.verb.hasBody ? Data("{\(body.joined(separator: ","))}".utf8) : nil,
            headers: headers)
        guard let answer, answer.status < 300 else { return Data() }
        return answer.body
    }
}

extension Data {
    /// Many times faster than a search with Foundation.
    fileprivate func holds(_ text: String) -> Bool {
        let needle = Array(text.utf8)
        return withUnsafeBytes { whole in
            guard let base = whole.baseAddress, !needle.isEmpty else { return false }
            var start = 0
            while whole.count - start >= needle.count {
                guard let found = memchr(base + start, Int32(needle[0]), whole.count - start - needle.count + 1) else { return false }
                if memcmp(found, needle, needle.count) == 0 { return true }
                start = base.distance(to: UnsafeRawPointer(found)) + 1
            }
            return false
        }
    }
}

extension Route {
    fileprivate var name: String { rule.method.fullyQualifiedMethod }
}

/// Messages as they are on the wire.
private struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Buffer: GRPCContiguousBytes>(_ message: Data) throws -> Buffer { Buffer(message) }

    func deserialize<Buffer: GRPCContiguousBytes>(_ serializedMessageBytes: Buffer) throws -> Data {
        serializedMessageBytes.withUnsafeBytes { Data($0) }
    }
}
