import CommonAPI
import GatewayAPI
import HTTPTypes
import Hummingbird
import Primitives
import ServiceKit
import SwiftProtobuf

/// A person's own account: name, address, password, second factor, sessions. Every change is a form of its own, which comes back with the reason when
/// it is refused.
enum AccountPage {
    /// What was done, by the word that the address carries after it.
    private static let notices = [
        "name": "Your name was changed.", "password": "Your password was changed. Your other sessions have ended.",
        "email": "A link is on its way to the new address. It is used once you have opened it.", "removed": "The second factor is off.",
        "session": "The session has ended.",
    ]

    private static func account(_ visit: Visit) -> PBAccount.Client<ServiceTransport> { .init(wrapping: visit.upstream("gateway")) }

    private static func sessions(_ visit: Visit) -> PBSessions.Client<ServiceTransport> { .init(wrapping: visit.upstream("gateway")) }

    static func show(_ visit: Visit) async throws -> Response {
        let done = try visit.context.query("done").flatMap { notices[$0] }
        return try await page(visit, .init(notice: done))
    }

    private static func page(_ visit: Visit, _ state: AccountView.State, status: HTTPResponse.Status = .ok) async throws -> Response {
        guard case .person = visit.context.identity?.actor else {
            return visit.page(.account, "Account", section: .account, AccountView(forKeyOf: visit.context.identity?.organization ?? ""))
        }
        let view = try await visit.asking {
            async let listed = sessions(visit).listSessions(PBListSessionsRequest())
            let profile = try await account(visit).getProfile(PBGetProfileRequest())
            return AccountView(profile, try await listed.data, state, formToken: visit.formToken, now: visit.now)
        }
        return visit.page(.account, "Account", section: .account, status: status, view)
    }

    /// - Parameters:
    ///   - form: which of the forms shows the refusal.
    ///   - renewsSession: whether the browser gets another cookie: for changes of what the person proves themselves with.
    private static func act(
        _ visit: Visit, _ form: AccountView.Form, _ body: ([String: String]) async throws -> AccountView.State?, done: String? = nil,
        renewsSession: Bool = false
    ) async throws -> Response {
        let fields = try await visit.form()
        let state: AccountView.State?
        do {
            state = try await visit.asking { try await body(fields) }
        } catch let fault as Fault where fault.isForPeople {
            return try await page(visit, .init(refusal: (form, fault.pageDetail)), status: Problem.status(of: fault))
        }
        if let state { return try await page(visit, state) }
        var response = visit.redirect(to: "/account" + (done.map { "?done=\($0)" } ?? ""))
        if renewsSession { response.headers[.setCookie] = try await visit.context.renewSession() }
        return response
    }

    static func rename(_ visit: Visit) async throws -> Response {
        try await act(
            visit, .name,
            { fields in
                _ = try await account(visit).updateProfile(
                    .with {
                        $0.name = fields["name"] ?? ""
                        $0.version = Visit.version(fields)
                    })
                return nil
            }, done: "name")
    }

    static func changePassword(_ visit: Visit) async throws -> Response {
        try await act(
            visit, .password,
            { fields in
                _ = try await account(visit).changePassword(
                    .with {
                        $0.currentPassword = fields["current"] ?? ""
                        $0.password = fields["password"] ?? ""
                    })
                return nil
            }, done: "password", renewsSession: true)
    }

    static func changeEmail(_ visit: Visit) async throws -> Response {
        try await act(
            visit, .email,
            { fields in
                _ = try await account(visit).changeEmail(
                    .with {
                        $0.currentPassword = fields["current"] ?? ""
                        $0.email = fields["email"] ?? ""
                    })
                return nil
            }, done: "email")
    }

    // MARK: - The second factor

    static func beginSecondFactor(_ visit: Visit) async throws -> Response {
        try await act(visit, .secondFactor) { fields in
            let secret = try await account(visit).beginSecondFactor(.with { $0.currentPassword = fields["current"] ?? "" })
            return .init(secret: .init(text: secret.secret, uri: secret.uri))
        }
    }

    static func confirmSecondFactor(_ visit: Visit) async throws -> Response {
        try await act(visit, .confirmation) { fields in
            let codes = try await account(visit).confirmSecondFactor(.with { $0.code = fields["code"] ?? "" }).codes
            return .init(notice: "The second factor is on.", recoveryCodes: codes)
        }
    }

    static func removeSecondFactor(_ visit: Visit) async throws -> Response {
        try await act(
            visit, .secondFactor,
            { fields in
                _ = try await account(visit).removeSecondFactor(
                    .with {
                        $0.currentPassword = fields["current"] ?? ""
                        $0.code = fields["code"] ?? ""
                    })
                return nil
            }, done: "removed", renewsSession: true)
    }

    static func renewRecoveryCodes(_ visit: Visit) async throws -> Response {
        try await act(visit, .secondFactor) { fields in
            let codes = try await account(visit).renewRecoveryCodes(.with { $0.currentPassword = fields["current"] ?? "" }).codes
            return .init(recoveryCodes: codes)
        }
    }

    // MARK: - Sessions

    static func endSession(_ visit: Visit) async throws -> Response {
        let session = try visit.context.parameter("session")
        return try await act(
            visit, .sessions,
            { _ in
                _ = try await sessions(visit).revokeSession(.with { $0.session = session })
                return nil
            }, done: "session")
    }

    /// Ends with the sign-in page: this session is one of them.
    static func endAll(_ visit: Visit) async throws -> Response {
        _ = try await visit.form()
        _ = try await visit.asking { try await sessions(visit).revokeAllSessions(PBRevokeAllSessionsRequest()) }
        var response = try await visit.context.signOut(thenTo: "/sign-in")
        response.headers[.cacheControl] = "no-store"
        return response
    }
}
