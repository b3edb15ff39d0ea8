import Foundation
import GatewayAPI
import HTTPTypes
import Hummingbird
import Primitives
import SwiftProtobuf

/// Where an invitation is accepted. For everybody: whoever holds the link is who was invited.
enum InvitationPage {
    struct View: Sendable {
        let token: String
        let name: String
        let refusal: String?
        let accepted: Accepted?
    }

    struct Accepted: Sendable {
        let organization: String
        let isNew: Bool
    }

    static func show(_ visit: Visit) async throws -> Response {
        page(visit, View(token: try visit.context.query("token")?.shortened(to: 100) ?? "", name: "", refusal: nil, accepted: nil))
    }

    static func accept(_ visit: Visit) async throws -> Response {
        try FormOrigin.check(visit.context.exchange, visit.site.publicOrigin)
        let fields = try await Visit.unique(visit.context.form())
        let (token, name) = (fields["token"] ?? "", fields["name"] ?? "")
        do {
            let accepted = try await visit.context.exchange.calling(as: nil, limit: Visit.patience) {
                try await PBInvitations.Client(wrapping: visit.upstream("gateway")).acceptInvitation(
                    .with {
                        $0.token = token
                        $0.name = name
                        $0.password = fields["password"] ?? ""
                    })
            }
            let made = Accepted(organization: accepted.organizationName, isNew: accepted.accountCreated)
            return page(visit, View(token: "", name: "", refusal: nil, accepted: made))
        } catch {
            let fault = Fault(answering: error)
            guard [.invalid, .notFound].contains(fault.kind) else { throw fault }
            return page(
                visit, status: Problem.status(of: fault),
                View(token: token.shortened(to: 100), name: name.shortened(to: 100), refusal: fault.detail, accepted: nil))
        }
    }

    private static func page(_ visit: Visit, status: HTTPResponse.Status = .ok, _ view: View) -> Response {
        visit.page(.invitation, "Invitation", section: .none, status: status, view)
    }
}
