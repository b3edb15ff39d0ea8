import Foundation
import Primitives

/// What makes somebody a member once they accept it.
struct Invitation: Identified, Sendable {
    static let idPrefix = "inv"
    static let lifetime: TimeInterval = 7 * 86_400
    /// Open at once in one organization.
    static let mostOpen = 1000

    let id: ID<Invitation>
    let email: String
    let role: AssignedRole
    let isOwner: Bool
    let invitedBy: String
    let createdAt: Date
    let expiresAt: Date
    let acceptedAt: Date?
    let revokedAt: Date?

    enum State: Sendable {
        case open, accepted, revoked, expired
    }

    func state(at now: Date) -> State {
        if acceptedAt != nil { return .accepted }
        if revokedAt != nil { return .revoked }
        return expiresAt > now ? .open : .expired
    }

    /// The mailed secret: 256 random bits in base64url.
    static func newToken(using random: inout some RandomNumberGenerator) -> Secret<String> {
        let bytes = Data((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        return Secret(
            bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
    }

    static let tokenLength = 43
}

extension Letter {
    /// - Parameter link: the page where it is accepted, with the token.
    static func invitation(to organization: String, link: String) -> Letter {
        Letter(
            subject: "You are invited to \(organization.replacing("\n", with: " ").prefix(100)) on Assay",
            paragraphs: ["Hello,", "open this link to join \(organization). It is good once, for 7 days."],
            action: Action(label: "Accept the invitation", link: link),
            footer: "If you do not know \(organization), there is nothing to do: without this link nobody joins in your name.")
    }
}
