import Foundation
import HTTPTypes
import Hummingbird
import Primitives

/// Signing in as a person or with an API key, and out again.
enum SignInPage {
    struct View: Sendable {
        let token: String
        let returnTo: String
        /// What was wrong with the last try.
        let refusal: String?
        var email = ""
        var isKey = false
        /// Whether the last try lacked nothing but the code.
        var asksForCode = false
    }

    static func show(_ visit: Visit) async throws -> Response {
        let returnPath = ReturnPath(try visit.context.query("return_to"))
        if visit.context.identity != nil { return visit.redirect(to: returnPath.text) }
        return form(visit, returnPath, refusal: nil, status: .ok)
    }

    static func signIn(_ visit: Visit) async throws -> Response {
        let fields: [String: String]
        do {
            fields = try await OpenForm.fields(visit)
        } catch let fault as Fault where fault == .formExpired {
            return form(visit, ReturnPath(nil), refusal: "This form was too old. Please try once more.", status: .forbidden)
        }
        let returnPath = ReturnPath(fields["return_to"])
        let email = fields["email"] ?? ""
        let isKey = email.isEmpty
        do {
            var response =
                try await isKey
                ? visit.context.signIn(key: fields["key"] ?? "", thenTo: returnPath.text)
                : visit.context.signIn(
                    .init(email: email, password: Secret(fields["password"] ?? ""), code: fields["code"] ?? ""), thenTo: returnPath.text)
            response.headers[.cacheControl] = "no-store"
            return response
        } catch let fault as Fault where fault.isForPeople {
            let refusal = isKey && fault.kind == .unauthenticated ? "This key is not valid: it is unknown, revoked or has expired." : words(fault)
            return form(
                visit, returnPath, refusal: refusal, email: email, isKey: isKey, asksForCode: fault == .codeRequired,
                status: Problem.status(of: fault))
        }
    }

    private static func words(_ fault: Fault) -> String {
        guard let wait = fault.retryAfter, fault.kind == .exhausted else { return fault.detail }
        let seconds = wait.components.seconds + 1
        return "There were too many failed tries. Please wait \(seconds < 90 ? "\(seconds) seconds" : "\((seconds + 59) / 60) minutes")."
    }

    static func signOut(_ visit: Visit) async throws -> Response {
        guard visit.context.identity != nil else { return visit.redirect(to: "/sign-in") }
        _ = try await visit.form()
        var response = try await visit.context.signOut(thenTo: "/sign-in")
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private static func form(
        _ visit: Visit, _ returnPath: ReturnPath, refusal: String?, email: String = "", isKey: Bool = false, asksForCode: Bool = false,
        status: HTTPResponse.Status
    ) -> Response {
        let seed = SessionCookie.newToken()
        let view = View(
            token: FormToken(sessionToken: seed).text, returnTo: returnPath.text, refusal: refusal, email: email, isKey: isKey,
            asksForCode: asksForCode)
        var response = visit.page(.signIn, "Sign in", status: status, view)
        response.headers[.setCookie] = OpenForm.cookie(visit, seed)
        return response
    }
}
