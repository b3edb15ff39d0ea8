import Contract
import Foundation
import GRPCCore
import GRPCInProcessTransport
import Logging
import Primitives
import ServiceKit

/// Real handlers behind the real interceptors, without a socket: identity, permissions, deadlines and faults are those of production.
package enum InProcess {
    package typealias Transport = InProcessTransport.Client
    package typealias Client = GRPCClient<Transport>

    /// One for the process: identities keep the tokens that were signed for them.
    private static let key = Secret(Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }))

    /// Serves `services` while `body` runs, and binds `caller` for it; `Caller.with(other) { … }` inside calls as somebody else.
    /// - Parameters:
    ///   - rules: of the service's contract (`RunsContract.rules`); a method without one is for services only.
    ///   - issuer: who signs the calls. Only what `gateway` signs is kept away from internal methods when the caller is a user.
    package static func serve<R: Sendable>(
        _ services: [any RegistrableRPCService], rules: [MethodRule] = [], as caller: Caller, signedBy issuer: String = "gateway",
        isolation: isolated (any Actor)? = #isolation, _ body: (Client) async throws -> R
    ) async throws -> R {
        let transport = InProcessTransport()
        let logger = Logger(label: "in-process") { _ in SwiftLogNoOpLogHandler() }
        let server = GRPCServer(
            transport: transport.server, services: services,
            interceptors: [ServerCallInterceptor(keys: CallerKeys(service: "served", key: key), rules: rules, logger: logger)])
        let client = GRPCClient(
            transport: transport.client,
            interceptors: [ClientCallInterceptor(audience: "served", keys: CallerKeys(service: issuer, key: key))])
        return try await withThrowingDiscardingTaskGroup { group in
            // A body that calls nobody is over before these have begun, and they say so.
            group.addTask { do { try await server.serve() } catch let error as RuntimeError where error.code == .serverIsStopped {} }
            // The transport has no other trouble than being closed: it is memory.
            group.addTask {
                do { try await client.runConnections() } catch let error as RuntimeError
                    where [.clientIsStopped, .transportError].contains(error.code)
                {}
            }
            defer {
                client.beginGracefulShutdown()
                server.beginGracefulShutdown()
            }
            return try await Caller.with(caller) { try await body(client) }
        }
    }

    /// The fault that a call ends with, as another service would see it.
    /// - Throws: `NoFault` when the call succeeds, and errors that are not faults.
    package static func fault<R>(isolation: isolated (any Actor)? = #isolation, of call: () async throws -> R) async throws -> Fault {
        do {
            _ = try await call()
        } catch let error as RPCError {
            return Fault(error)
        } catch let fault as Fault {
            return fault
        }
        throw NoFault()
    }

    package struct NoFault: Error, CustomStringConvertible {
        package let description = "the call succeeded where a fault was expected"
    }
}
