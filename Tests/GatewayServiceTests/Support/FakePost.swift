import CommonAPI
import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Postgres
import Primitives
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// Stands in for Notifications where mail is concerned: keeps what was handed in.
final class FakePost: PBMail.ClientProtocol, Sendable {
    let carried = Mutex<Set<UUID>>([])
    let taken = Mutex<[PBSendMailRequest]>([])
    let isConfigured = Mutex(true)

    func sendMail<Result: Sendable>(
        request: ClientRequest<PBSendMailRequest>, serializer: some MessageSerializer<PBSendMailRequest>,
        deserializer: some MessageDeserializer<PBEmpty>, options: CallOptions,
        onResponse handleResponse: @Sendable @escaping (ClientResponse<PBEmpty>) async throws -> Result
    ) async throws -> Result {
        taken.withLock { $0.append(request.message) }
        return try await handleResponse(ClientResponse(message: PBEmpty(), metadata: [:]))
    }

    func getMailStatus<Result: Sendable>(
        request: ClientRequest<PBGetMailStatusRequest>, serializer: some MessageSerializer<PBGetMailStatusRequest>,
        deserializer: some MessageDeserializer<PBMailStatus>, options: CallOptions,
        onResponse handleResponse: @Sendable @escaping (ClientResponse<PBMailStatus>) async throws -> Result
    ) async throws -> Result {
        let answer = PBMailStatus.with { $0.configured = isConfigured.withLock { $0 } }
        return try await handleResponse(ClientResponse(message: answer, metadata: [:]))
    }
}

extension GatewayStand {
    /// Mails to one address that are due, oldest first; each is given once. The stand runs no jobs, so this does.
    func mails(to address: String) async throws -> [PBSendMailRequest] {
        let database = TestDatabase.current.database
        let handler = try #require(people.jobs.compactMap { $0 as? SendMail }.first)
        let waiting = try await database.rows(
            .system, "select id, payload from jobs where kind = 'send-mail'"
        ) { (id: try $0.value("id", as: ID<Job>.self), payload: try $0.value("payload", as: Postgres.JSONText.self)) }
        for job in waiting.sorted(by: { $0.id.description < $1.id.description }) {
            guard post.carried.withLock({ $0.insert(job.id.uuid).inserted }) else { continue }
            do {
                try await handler.handle(
                    job.payload.decode(SendMail.Payload.self), Job(id: job.id, tenant: .installation, kind: SendMail.Payload.kind))
            } catch let fault as Fault where fault.code == "sealing.broken" {
                // Of another gateway that is tested at the same time, with another key.
                continue
            }
        }
        return post.taken.withLock { taken in
            defer { taken.removeAll { $0.to == address } }
            return taken.filter { $0.to == address }
        }
    }

    /// The secret of the link in the latest mail to an address.
    func link(to address: String) async throws -> String {
        let mail = try await mails(to: address).last?.text ?? ""
        return try String(#require(mail.firstMatch(of: /token=([A-Za-z0-9_-]{43})/), "there is no link to \(address) in \(mail)").output.1)
    }

    static let password = "four words make a good one"

    /// Somebody who has registered and opened the link; belongs to `tenant` in a role, if one is given.
    func makePerson(_ email: String = "ann.\(UUID().uuidString.prefix(8).lowercased())@example.com", role: Role? = .organizationAdmin) async throws
        -> (email: String, id: ID<User>)
    {
        let nobody = api("")
        let registered = try await nobody.post("/auth/register", ["email": email, "name": "Ann", "password": Self.password])
        try #require(registered.status == 202, "\(registered.text)")
        let verified = try await nobody.post("/auth/verify", ["token": link(to: email)])
        try #require(verified.status == 204, "\(verified.text)")
        let person = try #require(try await people.sessions.people.find(EmailAddress(email)))
        if let role { try await join(person.id, role) }
        return (email, person.id)
    }

    func join(_ person: ID<User>, _ role: Role, _ organization: ID<Tenant>? = nil) async throws {
        let tenant = organization ?? tenant
        try await TestDatabase.current.database.execute(
            .tenant(tenant),
            "insert into users (tenant_id, id, name, role) values (\(tenant), \(person), \("Ann"), \(role.rawValue))")
    }

    func login(_ email: String, password: String = GatewayStand.password, _ more: [String: Any] = [:], from address: String? = nil) async throws
        -> APIAnswer
    {
        try await api("").post(
            "/auth/login", ["email": email, "password": password].merging(more) { $1 }, headers: address.map { ["X-Forwarded-For": $0] } ?? [:])
    }
}
