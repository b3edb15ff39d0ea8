import Foundation
import Primitives

/// Somebody with an account; which organizations they belong to, `OwnOrganization` says.
struct Person: Sendable {
    let id: ID<User>
    let email: EmailAddress
    let name: String
    /// PHC string; `nil` for whoever has never set one.
    let password: String?
    let isDisabled: Bool
    let secondFactor: SecondFactorState
    let createdAt: Date
    let version: Int64

    static let nameLength = 1...100

    /// - Throws: `request.invalid`.
    static func checkedName(_ text: String, pointer: String = "/name") throws(Fault) -> String {
        let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard nameLength.contains(name.count), name.utf8.count <= 400 else {
            throw .invalidField(pointer, "length", "name must have 1 to 100 characters.")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw .invalidField(pointer, "invalid", "name must not hold control characters.")
        }
        return name
    }

    /// What people do before they belong anywhere happens in a tenant of their own, which has their id and holds nothing. It is also the one that
    /// their own secrets are sealed for.
    var ownTenant: ID<Tenant> { ID<Tenant>(uuid: id.uuid) }
}

enum SecondFactorState: Hashable, Sendable {
    case off
    /// A secret was made, but no code has confirmed that the person has it.
    case begun(sealed: Data)
    /// `lastStep`: the latest time step whose code was accepted.
    case on(sealed: Data, lastStep: Int64?)

    var isOn: Bool { if case .on = self { true } else { false } }
}

/// An organization that a person belongs to.
struct OwnOrganization: Hashable, Sendable {
    let tenant: ID<Tenant>
    let name: String
    let role: String

    /// The one that a session is for: the one that was asked for, else the last one used, else the oldest membership; `nil` for whoever belongs to none.
    /// - Parameter all: oldest membership first.
    /// - Throws: `auth.not_a_member`.
    static func choose(_ asked: ID<Tenant>?, last: ID<Tenant>?, of all: [OwnOrganization]) throws(Fault) -> OwnOrganization? {
        if let asked {
            guard let found = all.first(where: { $0.tenant == asked }) else { throw .notAMember }
            return found
        }
        return all.first { $0.tenant == last } ?? all.first
    }
}

/// A secret that travels in a mailed link, once: 256 random bits in base64url. Stored as its digest.
struct LinkToken: Sendable {
    let secret: Secret<String>

    static func make(using random: inout some RandomNumberGenerator) -> LinkToken {
        var text: String
        // A query that looks as if it held an API key is refused, wherever that comes from.
        repeat {
            text = Data((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }).base64URL
        } while text.contains("asy_")
        return LinkToken(secret: Secret(text))
    }

    private init(secret: Secret<String>) { self.secret = secret }

    /// `nil` for what has another form.
    init?(_ text: String) {
        guard Data(base64URL: text)?.count == 32 else { return nil }
        secret = Secret(text)
    }

    enum Purpose: String, Sendable {
        /// Ends a registration.
        case verify
        case reset
        /// A new address for an account.
        case email

        var life: TimeInterval {
            switch self {
            case .verify, .email: 86_400
            case .reset: 1_800
            }
        }
    }
}
