import GatewayAPI
import Hummingbird
import Primitives
import ServiceKit
import SwiftProtobuf

/// Getting an account, and back into one: what the links in mails lead to, and how to ask for them.
enum DoorPages {
    private static let signIn = OpenForm.Link(label: "Sign in", path: "/sign-in")
    private static let forgotten = OpenForm.Link(label: "Forgot your password?", path: "/forgot-password")

    private static func client(_ visit: Visit) -> PBRegistration.Client<ServiceTransport> {
        PBRegistration.Client(wrapping: visit.upstream("gateway"))
    }

    /// Does what a form asks for, and shows it again with the reason when that is refused.
    private static func act(
        _ visit: Visit, _ view: (_ fields: [String: String]) -> OpenForm.View, done: OpenForm.View,
        _ body: ([String: String]) async throws -> Void
    ) async throws -> Response {
        let fields = try await OpenForm.fields(visit)
        do {
            try await visit.context.exchange.calling(as: nil, limit: Visit.patience) { try await body(fields) }
            return OpenForm.page(visit, done)
        } catch {
            let fault = Fault(answering: error)
            guard fault.isForPeople else { throw fault }
            var again = view(fields)
            again.refusal = fault.detail
            return OpenForm.page(visit, again, status: Problem.status(of: fault))
        }
    }

    // MARK: - Registering

    private static func registration(_ fields: [String: String]) -> OpenForm.View {
        OpenForm.View(
            title: "Register", intro: "A link is sent to your address. The account exists once you have opened it.", action: "/register",
            fields: [
                .init(name: "name", label: "Your name", type: "text", autocomplete: "name", value: fields["name"] ?? "", maxLength: 100),
                .init(name: "email", label: "E-mail address", type: "email", autocomplete: "email", value: fields["email"] ?? ""),
                newPassword,
            ], button: "Register", links: [signIn])
    }

    private static let newPassword = OpenForm.Field(
        name: "password", label: "Password", type: "password", autocomplete: "new-password", maxLength: PasswordPolicy.longest,
        hint: "At least \(PasswordPolicy.shortest) characters; a sentence of a few words is a good one.")

    static func showRegistration(_ visit: Visit) async throws -> Response { OpenForm.page(visit, registration([:])) }

    static func register(_ visit: Visit) async throws -> Response {
        let done = OpenForm.View(
            title: "Look into your mail", intro: "", notice: "If the address can be registered, a link is on its way to it. It is good for a day.",
            links: [signIn])
        return try await act(visit, registration, done: done) { fields in
            _ = try await client(visit).register(
                .with {
                    $0.name = fields["name"] ?? ""
                    $0.email = fields["email"] ?? ""
                    $0.password = fields["password"] ?? ""
                })
        }
    }

    /// A link in a mail is opened by a button: programs that look through mail follow links as well, and would use it up.
    private static func confirmation(_ title: String, _ intro: String, _ action: String, _ button: String, _ token: String?) -> OpenForm.View {
        OpenForm.View(
            title: title, intro: intro, action: action, hidden: [.init(name: "token", value: token ?? "")], button: button, links: [signIn])
    }

    private static func verification(_ token: String?) -> OpenForm.View {
        confirmation("Confirm your address", "One more click, and your account is ready.", "/verify", "Confirm the address", token)
    }

    static func showVerification(_ visit: Visit) async throws -> Response {
        OpenForm.page(visit, verification(try visit.context.query("token")))
    }

    static func verify(_ visit: Visit) async throws -> Response {
        let done = OpenForm.View(
            title: "Welcome to Assay", intro: "", notice: "Your address is confirmed. You can sign in now.", links: [signIn])
        return try await act(visit, { verification($0["token"]) }, done: done) { fields in
            _ = try await client(visit).verifyEmail(.with { $0.token = fields["token"] ?? "" })
        }
    }

    // MARK: - A new address

    private static func newAddress(_ token: String?) -> OpenForm.View {
        confirmation("Confirm your new address", "From then on you sign in with it.", "/confirm-email", "Use this address", token)
    }

    static func showNewAddress(_ visit: Visit) async throws -> Response { OpenForm.page(visit, newAddress(try visit.context.query("token"))) }

    static func confirmAddress(_ visit: Visit) async throws -> Response {
        let done = OpenForm.View(
            title: "Your address was changed", intro: "", notice: "From now on you sign in with the new one.",
            links: [.init(label: "Your account", path: "/account")])
        return try await act(visit, { newAddress($0["token"]) }, done: done) { fields in
            _ = try await client(visit).confirmEmail(.with { $0.token = fields["token"] ?? "" })
        }
    }

    // MARK: - A forgotten password

    private static func forgotten(_ fields: [String: String]) -> OpenForm.View {
        OpenForm.View(
            title: "Forgot your password?", intro: "A link with which you can set another one is sent to your address.", action: "/forgot-password",
            fields: [.init(name: "email", label: "E-mail address", type: "email", autocomplete: "username", value: fields["email"] ?? "")],
            button: "Send the link", links: [signIn])
    }

    static func showForgotten(_ visit: Visit) async throws -> Response { OpenForm.page(visit, forgotten([:])) }

    static func sendReset(_ visit: Visit) async throws -> Response {
        let done = OpenForm.View(
            title: "Look into your mail", intro: "", notice: "If the address has an account, a link is on its way to it. It is good for 30 minutes.",
            links: [signIn])
        return try await act(visit, forgotten, done: done) { fields in
            _ = try await client(visit).requestPasswordReset(.with { $0.email = fields["email"] ?? "" })
        }
    }

    private static func reset(_ token: String?) -> OpenForm.View {
        OpenForm.View(
            title: "Set a new password", intro: "All your sessions end with it.", action: "/reset-password", fields: [newPassword],
            hidden: [.init(name: "token", value: token ?? "")], button: "Set the password", links: [forgotten])
    }

    static func showReset(_ visit: Visit) async throws -> Response { OpenForm.page(visit, reset(try visit.context.query("token"))) }

    static func reset(_ visit: Visit) async throws -> Response {
        let done = OpenForm.View(
            title: "Your password was set", intro: "", notice: "You can sign in with it now.", links: [signIn])
        return try await act(visit, { reset($0["token"]) }, done: done) { fields in
            _ = try await client(visit).resetPassword(
                .with {
                    $0.token = fields["token"] ?? ""
                    $0.password = fields["password"] ?? ""
                })
        }
    }
}
