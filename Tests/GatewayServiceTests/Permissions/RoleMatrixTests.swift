import AnalyticsAPI
import Audit
import CommonAPI
import Contract
import ExecutionAPI
import Foundation
import GRPCCore
import GRPCProtobuf
import GatewayAPI
import NotificationsAPI
import Primitives
import ProjectsAPI
import SchedulingAPI
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import GatewayService

/// Who may call what: one test for each cell of role × method, on every method of every contract (P9, P10).
///
/// What is right stands in `Fixtures/permissions.txt`, for people to read; what happens is asked of the gateway's own check and of the
/// interceptor that stands before every service's handlers, with callers as production makes them.
@Suite("who may call what")
struct RoleMatrixTests {
    static let matrix = PermissionMatrix.load()

    static let rules =
        GatewayContract.rules + SchedulingContract.rules + ExecutionContract.rules + ValidationContract.rules + AnalyticsContract.rules
        + ProjectsContract.rules + NotificationsContract.rules

    @Test("a cell", arguments: rules.map(Method.init), matrix.columns)
    func cell(method: Method, column: String) async throws {
        let isAllowed = Self.matrix.allows(method.rule.permission, column)
        let identity = try Somebody.identity(column)
        #expect(Self.gatewayLetsIn(method.rule, identity) == isAllowed, "at the gateway")
        #expect(try await Self.serviceLetsIn(method.rule, identity) == isAllowed, "at the service")
    }

    @Test("every permission that a contract names is in the matrix, and nothing else is")
    func complete() {
        let named = Set(Self.rules.compactMap(\.permission))
        #expect(named.subtracting(Self.matrix.permissions).sorted() == [], "add a line to Fixtures/permissions.txt for each")
        #expect(Self.matrix.permissions.subtracting(named).sorted() == [], "no contract names these any more")
    }

    @Test("every permission is held by some role, and by some scope of keys unless it is for persons only")
    func held() {
        let scopes = KeyScope.allCases.map(\.rawValue)
        for permission in Self.matrix.permissions {
            #expect(Self.matrix.columns.contains { !scopes.contains($0) && Self.matrix.allows(permission, $0) }, "no role holds \(permission)")
            let byKeys = scopes.contains { Self.matrix.allows(permission, $0) }
            #expect(byKeys != Role.superAdminPermissions.contains(permission), "\(permission): held by keys, or one of a super admin's")
        }
    }

    @Test("what can be granted in a project is asked for in contracts, and by no route that makes something for the whole organization")
    func grantable() {
        let named = Set(Self.rules.compactMap(\.permission))
        #expect(AssignedRole.grantable.isSubset(of: named))
        for word in ["keys", "members", "roles", "organization", "admin"] {
            #expect(!AssignedRole.grantable.contains { $0.hasPrefix(word + ".") })
        }
        #expect(!AssignedRole.grantable.contains("projects.create"))
    }

    // MARK: - Asking

    /// A method with a name that a report can show.
    struct Method: Sendable, CustomTestStringConvertible {
        let rule: MethodRule
        var testDescription: String { rule.method.fullyQualifiedMethod }
    }

    private static func gatewayLetsIn(_ rule: MethodRule, _ identity: Identity?) -> Bool {
        // Internal methods have no route.
        guard let permission = rule.permission else { return false }
        switch HTTPEndpoint.Access(permission) {
        case .everybody: return true
        case .page: return false
        case .permission(let permission):
            guard let identity else { return false }
            return (try? identity.require(permission)) != nil
        }
    }

    private static func serviceLetsIn(_ rule: MethodRule, _ identity: Identity?) async throws -> Bool {
        let caller = identity.map { Caller(identity: Principal($0).caller) }
        return try await InProcess.serve([AnyMethod(method: rule.method)], rules: rules, as: caller ?? .service("x", tenant: .new())) {
            (client) async throws in
            let context = caller.map { CallContext(caller: $0, requestID: "req_test") }
            return try await CallContext.$current.withValue(context) { () async throws in
                do {
                    try await client.unary(
                        request: ClientRequest(message: PBEmpty()), descriptor: rule.method, serializer: ProtobufSerializer<PBEmpty>(),
                        deserializer: ProtobufDeserializer<PBEmpty>(), options: .defaults
                    ) { _ = try $0.message }
                    return true
                } catch let error as RPCError {
                    let fault = Fault(error)
                    #expect([.forbidden, .unauthenticated].contains(fault.kind), "\(fault)")
                    return false
                }
            }
        }
    }

    /// A service of the one method that is asked for; whoever gets through gets an answer.
    private struct AnyMethod: RegistrableRPCService {
        let method: MethodDescriptor

        func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
            router.registerHandler(forMethod: method, deserializer: ProtobufDeserializer<PBEmpty>(), serializer: ProtobufSerializer<PBEmpty>()) {
                _, _ in
                // It has done nothing that the audit log would have to know.
                AuditedCall.changedNothing()
                return StreamingServerResponse(single: ServerResponse(message: PBEmpty()))
            }
        }
    }
}

/// Callers by the name of their column.
enum Somebody {
    static func identity(_ column: String) throws -> Identity? {
        switch column {
        case "anonymous": return nil
        case "super_admin": return person(Role.viewer.permissions.union(Role.superAdminPermissions))
        // A role that an organization has put together of what its name says.
        case "custom": return person(Role.permissions(stored: "custom", custom: ["runs.read", "runs.trigger", "keys.read", "admin.read"]))
        // Nothing in the organization, everything that can be granted in one project.
        case "project_grant": return person([], grants: [UUID(): AssignedRole.standard(.organizationAdmin).projectPermissions])
        case "read_only_impersonation":
            return person(Role.organizationAdmin.permissions).impersonated(by: .new(), readOnly: true, until: Date() + 60)
        case "impersonation": return person(Role.organizationAdmin.permissions).impersonated(by: .new(), readOnly: false, until: Date() + 60)
        default: break
        }
        if let role = Role(rawValue: column) { return person(role.permissions) }
        let scope = try #require(KeyScope(rawValue: column), "there is no role, scope or caller \(column)")
        return Identity(tenant: .new(), actor: .key(.new()), permissions: scope.permissions, organization: "A")
    }

    private static func person(_ permissions: Set<String>, grants: [UUID: Set<String>] = [:]) -> Identity {
        Identity(tenant: .new(), actor: .person(.new()), permissions: permissions, grants: grants, organization: "A")
    }
}

/// `Fixtures/permissions.txt`: a line for each permission, a column for each kind of caller, `x` where it is held.
struct PermissionMatrix: Sendable {
    let columns: [String]
    private let held: [String: Set<String>]

    var permissions: Set<String> { Set(held.keys) }

    /// `nil` is a method without a rule, which nobody outside may call.
    func allows(_ permission: String?, _ column: String) -> Bool { permission.flatMap { held[$0] }?.contains(column) ?? false }

    static func load() -> PermissionMatrix {
        guard let url = Bundle.module.url(forResource: "permissions", withExtension: "txt", subdirectory: "Fixtures"),
            let text = try? String(contentsOf: url, encoding: .utf8)
        else { preconditionFailure("Fixtures/permissions.txt is not there") }
        return PermissionMatrix(text)
    }

    init(_ text: String) {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ").map(String.init) }
        columns = Array(lines[0].dropFirst())
        var held: [String: Set<String>] = [:]
        for line in lines.dropFirst() {
            precondition(line.count == columns.count + 1, "the line of \(line[0]) has \(line.count - 1) columns, not \(columns.count)")
            held[line[0]] = Set(zip(columns, line.dropFirst()).filter { $1 == "x" }.map(\.0))
        }
        self.held = held
    }
}
