import Foundation
import GRPCCore
import Logging
import Primitives
import ServiceKit
import TestSupport
import Testing

/// The whole stack under mutual TLS: who may call whom, and certificates that are replaced under load (R17, T117, F23).
@Suite("Mutual TLS", .serialized, .timeLimit(.minutes(5)))
struct MutualTLSTests {
    static let callerKey = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })

    static func with(replicas: [String: Int] = [:], _ body: (Stack) async throws -> Void) async throws {
        try await Stack.with(replicas: replicas, settings: ["ASSAY_CALLER_KEY": callerKey.base64EncodedString()], mutualTLS: true, body)
    }

    @Test("users notice nothing, and of 7 services × every method those calls pass that the call graph allows")
    func matrix() async throws {
        let methods = try Contracts.methods()
        #expect(Set(methods.map(\.callee)) == Set(Stack.services) && methods.count > 40)
        try await Self.with { stack in
            let journey = Journey(stack)
            let project = try await journey.makeProject()
            let uploaded = try await journey.upload(Journey.report(count: 20, failing: 5), to: project)
            #expect(uploaded.status == 200 || uploaded.status == 202, "\(uploaded.text)")

            var passed = 0
            for caller in Stack.services {
                for callee in Stack.services {
                    let faults = try await Self.call(
                        methods.filter { $0.callee == callee }.map(\.descriptor), of: callee, as: caller,
                        with: stack.certificates.files(of: caller), in: stack)
                    for (method, fault) in faults {
                        let isRefused = fault?.code == "caller.not_allowed"
                        #expect(isRefused == !CallGraph.allows(caller, toCall: callee), "\(caller) → \(method): \(fault?.code ?? "passed")")
                        #expect(fault?.code != "caller.refused", "\(caller) → \(method)")
                        if !isRefused { passed += 1 }
                    }
                }
            }
            #expect(passed > methods.count)
            #expect(stack.log("projects").contains("refused a call that the call graph does not allow"))
            try await Self.nonsense(to: methods, in: stack)
            #expect(try await APIClient(stack).get("/projects").status == 200)
        }
    }

    /// Bytes that are no message, and messages in messages sixty deep (T121): a fault of the caller's, or an unknown field, and nobody ends.
    private static func nonsense(to methods: [Contracts.Method], in stack: Stack) async throws {
        var nested: [UInt8] = []
        while nested.count < 120 { nested = [0x0A, UInt8(nested.count)] + nested }
        for callee in Stack.services {
            let descriptors = methods.filter { $0.callee == callee }.map(\.descriptor)
            let files = stack.certificates.files(of: "gateway")
            for (method, fault) in try await call(descriptors, of: callee, as: "gateway", with: files, message: [0xFF, 0xFF, 0xFF], in: stack) {
                #expect(fault?.kind == .invalid, "\(method): \(fault.map { "\($0)" } ?? "answered")")
            }
            for (method, fault) in try await call(descriptors, of: callee, as: "gateway", with: files, message: nested, in: stack) {
                #expect(fault?.kind != .internal, "\(method): \(fault.map { "\($0)" } ?? "answered")")
            }
            #expect(await stack.isRunning(callee), "\(callee) has ended")
        }
    }

    @Test("a service in another's name, with a foreign, an expired or no certificate gets nowhere, and the log says so")
    func strangers() async throws {
        let foreign = DevelopmentCertificates()
        defer { foreign.remove() }
        try foreign.issue("gateway")
        try await Self.with { stack in
            let own = stack.certificates
            try own.issue("late", days: -1)
            let method = [MethodDescriptor(fullyQualifiedService: "assay.projects.v1.Projects", method: "ListProjects")]
            func fault(as caller: String, _ files: TLSFiles?) async throws -> Fault? {
                try await Self.call(method, of: "projects", as: caller, with: files, in: stack)[0].fault
            }
            #expect(try await fault(as: "gateway", own.files(of: "gateway")) == nil)
            #expect(try await fault(as: "gateway", own.files(of: "execution"))?.kind == .unauthenticated)
            #expect(try await fault(as: "gateway", foreign.files(of: "gateway"))?.kind == .unavailable)
            #expect(try await fault(as: "gateway", own.files(of: "late"))?.kind == .unavailable)
            #expect(try await fault(as: "gateway", nil)?.kind == .unavailable)
            #expect(stack.log("projects").contains("refused a call without valid identity"))
            if Self.transport == .frame { #expect(stack.log("projects").contains("was refused: ")) }
            #expect(try await APIClient(stack).get("/projects").status == 200)
        }
    }

    @Test(
        "certificates and authorities are replaced while requests run, and none of them fails",
        // The stock transport keeps the authorities it was started with.
        .enabled(if: transport == .frame))
    func rotation() async throws {
        try await Self.with(replicas: ["projects": 2]) { stack in
            let api = APIClient(stack)
            let traffic = Task {
                var count = (all: 0, failed: [String]())
                while !Task.isCancelled {
                    let answer = try? await api.get("/projects")
                    if Task.isCancelled { break }
                    count.all += 1
                    if answer?.status != 200 { count.failed.append(answer.map(\.text) ?? "no answer") }
                }
                return count
            }
            func loads(_ count: Int) async throws {
                try await eventually(within: .seconds(20)) {
                    Stack.services.allSatisfy { stack.log($0).components(separatedBy: " loaded anew").count > count }
                }
            }
            try stack.certificates.trust()
            try await loads(1)
            try stack.certificates.issue()
            try await loads(2)
            // New processes, and with them new connections both ways.
            for replica in 0..<2 {
                await stack.stop("projects", replica: replica)
                try await stack.run("projects", replica: replica)
                try await stack.waitUntilReady("projects", replica: replica)
            }
            try stack.certificates.forget()
            try await eventually(within: .seconds(20)) { stack.log("gateway").components(separatedBy: " loaded anew").count > 3 }
            try Data("nonsense".utf8).write(to: URL(filePath: stack.certificates.path("gateway.pem")))
            try await eventually(within: .seconds(20)) { stack.log("gateway").contains("the last good one stays in use") }
            for replica in 0..<2 {
                await stack.stop("projects", replica: replica)
                try await stack.run("projects", replica: replica)
                try await stack.waitUntilReady("projects", replica: replica)
            }
            traffic.cancel()
            let count = await traffic.value
            #expect(count.failed.isEmpty && count.all > 100, "\(count.failed.count) of \(count.all): \(count.failed.prefix(3))")
        }
    }

    static let transport = RPCTransport(rawValue: ProcessInfo.processInfo.environment["ASSAY_RPC_TRANSPORT"] ?? "frame") ?? .frame

    /// Calls each method with the same bytes for a message, signed in the name of `caller`.
    /// - Returns: the fault of each, `nil` where it was answered.
    static func call(
        _ methods: [MethodDescriptor], of callee: String, as caller: String, with files: TLSFiles?, message bytes: [UInt8] = [], in stack: Stack
    ) async throws -> [(method: String, fault: Fault?)] {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let security = try files.map { PeerSecurity.mutualTLS(try PeerCredentials($0, logger: silent)) } ?? .plaintext
        let client = GRPCClient(
            transport: try ServiceTransport(
                transport, to: [Endpoint(host: "127.0.0.1", port: stack.rpcPort(callee))], security: security, service: callee),
            interceptors: [ClientCallInterceptor(audience: callee, keys: CallerKeys(service: caller, key: Secret(callerKey)))])
        return await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.runConnections() }
            defer { client.beginGracefulShutdown() }
            var faults: [(String, Fault?)] = []
            for method in methods {
                let fault: Fault? = await Caller.with(.service(caller, tenant: .new())) {
                    await CallContext.withDeadline(in: .seconds(3)) {
                        do {
                            try await client.serverStreaming(
                                request: ClientRequest(message: bytes), descriptor: method, serializer: RawBytes(), deserializer: RawBytes(),
                                options: .defaults
                            ) { response in for try await _ in response.messages { return } }
                            return nil
                        } catch let error as RPCError {
                            return Fault(error)
                        } catch {
                            return Fault(.internal, "test", "\(error)")
                        }
                    }
                }
                faults.append((method.fullyQualifiedMethod, fault))
            }
            return faults
        }
    }
}

/// Messages as they are on the wire.
private struct RawBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] { [] }
}

/// What the contracts declare, read from their text so that no method can be left out.
enum Contracts {
    struct Method {
        let callee: String
        let descriptor: MethodDescriptor
    }

    static func methods() throws -> [Method] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Proto")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return try files.filter { $0.pathExtension == "proto" }.flatMap { file in
            let text = try String(contentsOf: file, encoding: .utf8)
            // The outbox of audited acts is not a service's own: every process serves it, to the gateway.
            guard let package = text.firstMatch(of: /(?m)^package (assay\.([a-z]+)\.v1);/), package.output.2 != "audit" else { return [Method]() }
            var service = ""
            return text.matches(of: /(?m)^(?:service (\w+)|\s+rpc (\w+))/).compactMap { match in
                if let name = match.output.1 { service = String(name) }
                guard let method = match.output.2 else { return nil }
                return Method(
                    callee: String(package.output.2),
                    descriptor: MethodDescriptor(fullyQualifiedService: "\(package.output.1).\(service)", method: String(method)))
            }
        }
    }
}
