import Foundation
import GatewayAPI
import Primitives
import SwiftProtobuf

/// What the account page shows.
struct AccountView: Sendable {
    /// The forms of the page, for refusals.
    enum Form: Sendable { case name, password, email, secondFactor, confirmation, sessions }

    /// What the last form came to.
    struct State: Sendable {
        var notice: String?
        var refusal: (form: Form, text: String)?
        var secret: Secret?
        var recoveryCodes: [String] = []
    }

    /// A secret for an authenticator app, shown once.
    struct Secret: Sendable {
        /// In groups of four.
        let text: String
        let uri: String
        /// `nil` for an address that is too long for one.
        let code: Code?

        struct Code: Sendable {
            /// Of a side, quiet zone included.
            let side: Int
            let path: String
        }

        init(text: String, uri: String) {
            let characters = Array(text)
            self.text = stride(from: 0, to: characters.count, by: 4).map { String(characters[$0..<min($0 + 4, characters.count)]) }
                .joined(separator: " ")
            self.uri = uri
            code = QRCode(uri).map { Code(side: $0.size + 8, path: $0.path) }
        }
    }

    struct Row: Sendable {
        let kind: String
        let device: String
        let address: String
        let used: Moment
        let begun: Moment
        let isCurrent: Bool
        let endPath: String
    }

    /// `nil` for a session with a key, which has no account.
    let person: PersonView?
    let keyOrganization: String?

    struct PersonView: Sendable {
        let name: String
        /// Of the name and the address, for the form that changes the name.
        let version: Int64
        let email: String
        let organizations: [Organization]
        let hasOrganizations: Bool
        let isSecondFactorOn: Bool
        let codesLeft: String
        /// Shown while a secret waits for its code.
        let confirms: Bool
        let secret: Secret?
        let recoveryCodes: [String]
        let hasRecoveryCodes: Bool
        let notice: String?
        let nameRefusal: String?
        let passwordRefusal: String?
        let emailRefusal: String?
        let secondFactorRefusal: String?
        let confirmationRefusal: String?
        let sessionsRefusal: String?
        let sessions: [Row]
        let formToken: String
        let shortest: Int
    }

    struct Organization: Sendable {
        let name: String
        let role: String
    }

    init(forKeyOf organization: String) {
        person = nil
        keyOrganization = organization
    }

    init(_ profile: PBProfile, _ sessions: [PBSession], _ state: State, formToken: String, now: Date) {
        func refusal(_ form: Form) -> String? { state.refusal?.form == form ? state.refusal?.text : nil }
        keyOrganization = nil
        person = PersonView(
            name: profile.name, version: profile.version, email: profile.email,
            organizations: profile.organizations.map { Organization(name: $0.name, role: $0.role.replacing("_", with: " ")) },
            hasOrganizations: !profile.organizations.isEmpty, isSecondFactorOn: profile.secondFactor,
            codesLeft: NumberText.counted(Int64(profile.recoveryCodes), "recovery code"),
            confirms: !profile.secondFactor && (state.secret != nil || state.refusal?.form == .confirmation), secret: state.secret,
            recoveryCodes: state.recoveryCodes, hasRecoveryCodes: !state.recoveryCodes.isEmpty, notice: state.notice,
            nameRefusal: refusal(.name), passwordRefusal: refusal(.password), emailRefusal: refusal(.email),
            secondFactorRefusal: refusal(.secondFactor), confirmationRefusal: refusal(.confirmation), sessionsRefusal: refusal(.sessions),
            sessions: sessions.map { Row($0, now: now) }, formToken: formToken,
            shortest: profile.secondFactor
                ? PasswordPolicy.shortestWithSecondFactor : PasswordPolicy.shortest)
    }
}

extension AccountView.Row {
    init(_ session: PBSession, now: Date) {
        self.init(
            kind: session.kind == .browser ? "Browser" : "Tokens", device: Self.device(session.userAgent), address: session.address,
            used: Moment(session.lastUsedAt, now: now), begun: Moment(session.createdAt, now: now), isCurrent: session.current,
            endPath: "/account/sessions/\(PercentEncoding.encode(session.id))/end")
    }

    /// The part of a User-Agent that people recognise.
    private static func device(_ userAgent: String) -> String {
        let browser = [("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")].first { userAgent.contains($0.0) }?.1
        let system = [
            ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"),
        ]
        .first { userAgent.contains($0.0) }?.1
        if let browser { return system.map { "\(browser) on \($0)" } ?? browser }
        return userAgent.isEmpty ? "unknown" : userAgent.shortened(to: 60)
    }
}
