import AuditChain
import Contract
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit

/// `GET /api/v1/audit/export`: an organization's chain as newline-delimited JSON, for `assay audit verify` and for keeping. Written by hand because its
/// body is no message: it may be larger than memory, and streams.
///
/// The last line is a statement about the end, signed for this export: one that breaks off lacks it, and says so by that.
struct AuditExport: Sendable {
    static let path = "/api/v1/audit/export"
    private static let permission = "audit.read"
    /// Points, like ten pages of the list.
    private static let cost = 20
    private static let page = 500

    let entries: AuditStore

    func add(to endpoints: inout HTTPEndpoints) {
        endpoints.add(
            .get, Self.path,
            HTTPEndpoint(access: .permission(Self.permission), cost: Self.cost, routeClass: .export, produces: "application/x-ndjson") {
                try await respond($0)
            })
    }

    private func respond(_ exchange: Exchange) async throws -> Response {
        guard let caller = exchange.principal?.caller else { throw Fault.keyMissing }
        // Whoever is bound to projects must not see the organization's other acts, and a chain with entries left out proves nothing.
        guard caller.projects(holding: Self.permission) == nil else { throw Fault.auditNeedsAllProjects }
        let tenant = caller.tenant
        let after = try Self.after(exchange)
        guard let head = try await entries.head(of: tenant), head.number >= after else {
            guard after == 0 else { throw Fault.parameterInvalid("after", "the number of an entry") }
            return try await respond(tenant, after: 0, hash: .genesis, last: 0, end: .genesis)
        }
        var hash = AuditHash.genesis
        if after > 0 {
            guard let link = try await entries.links(after: after - 1, upTo: after, limit: 1, tenant: tenant).first else {
                throw Fault.auditUnreadable
            }
            hash = link.hash
        }
        return try await respond(tenant, after: after, hash: hash, last: head.number, end: head.hash)
    }

    private func respond(_ tenant: ID<Tenant>, after: Int64, hash: AuditHash, last: Int64, end: AuditHash) async throws -> Response {
        let organization = tenant.description
        let closing = try entries.signer.checkpoint(organization: organization, number: last, hash: end, at: Date())
        let entries = entries
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-ndjson", .cacheControl: "no-store",
                .contentDisposition: "attachment; filename=\"audit-\(organization).ndjson\"",
            ],
            body: ResponseBody { writer in
                var text = Self.line(.chain(organization: organization, after: after, hash: hash))
                var number = after
                while number < last {
                    let links = try await entries.links(after: number, upTo: last, limit: Self.page, tenant: tenant)
                    guard let reached = links.last?.entry.number else { break }
                    var checkpoints = try await entries.checkpoints(after: number, upTo: reached, tenant: tenant)[...]
                    for link in links {
                        text.writeImmutableBuffer(Self.line(.entry(link.entry, hash: link.hash)))
                        while let next = checkpoints.first, next.number <= link.entry.number {
                            text.writeImmutableBuffer(Self.line(.checkpoint(next)))
                            checkpoints.removeFirst()
                        }
                    }
                    number = reached
                    try await writer.write(text)
                    text = ByteBuffer()
                }
                text.writeImmutableBuffer(Self.line(.end(closing)))
                try await writer.write(text)
                try await writer.finish(nil)
            })
    }

    private static func line(_ line: AuditExportLine) -> ByteBuffer {
        var buffer = ByteBuffer(bytes: line.json)
        buffer.writeString("\n")
        return buffer
    }

    /// `?after=1000`: an export that goes on where an earlier one ended.
    private static func after(_ exchange: Exchange) throws(Fault) -> Int64 {
        var after: Int64 = 0
        for (name, value) in try exchange.target.query() {
            guard name == "after" else { throw .unknownParameter(name) }
            guard let number = Int64(value), number >= 0 else { throw .parameterInvalid(name, "a whole number from 0") }
            after = number
        }
        return after
    }
}

extension Fault {
    static let auditNeedsAllProjects = Fault(
        .forbidden, "audit.needs_all_projects", "The audit log can be exported only by those who may see all projects of the organization.")
}
