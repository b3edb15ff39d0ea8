import HTTPTypes
import Hummingbird
import Primitives

/// Signing in with an API key, and out again.
///
/// The form carries a token of its own cookie, so that no other site can sign a visitor in to an account of its choosing (T51).
enum SignInPage {
    struct View: Sendable {
        let token: String
        let returnTo: String
        /// What was wrong with the last try.
        let refusal: String?
    }

    static func show(_ visit: Visit) async throws -> Response {
        let returnPath = ReturnPath(try visit.context.query("return_to"))
        if visit.context.identity != nil { return visit.redirect(to: returnPath.text) }
        return form(visit, returnPath, refusal: nil, status: .ok)
    }

    static func signIn(_ visit: Visit) async throws -> Response {
        try FormOrigin.check(visit.context.exchange, visit.site.publicOrigin)
        let fields = try await Visit.unique(visit.context.form())
        let returnPath = ReturnPath(fields["return_to"])
        guard
            let seed = visit.context.exchange.head.cookie(named: cookieName(visit)),
            FormToken(sessionToken: seed).matches(fields[FormToken.field])
        else {
            return form(visit, returnPath, refusal: "This form was too old. Please try once more.", status: .forbidden)
        }
        do {
            var response = try await visit.context.signIn(key: fields["key"] ?? "", thenTo: returnPath.text)
            response.headers[.cacheControl] = "no-store"
            return response
        } catch let fault as Fault where fault.kind == .unauthenticated {
            return form(visit, returnPath, refusal: "This key is not valid: it is unknown, revoked or has expired.", status: .unauthorized)
        }
    }

    static func signOut(_ visit: Visit) async throws -> Response {
        guard visit.context.identity != nil else { return visit.redirect(to: "/sign-in") }
        _ = try await visit.form()
        var response = try await visit.context.signOut(thenTo: "/sign-in")
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private static func form(_ visit: Visit, _ returnPath: ReturnPath, refusal: String?, status: HTTPResponse.Status) -> Response {
        let seed = SessionCookie.newToken()
        let view = View(token: FormToken(sessionToken: seed).text, returnTo: returnPath.text, refusal: refusal)
        var response = visit.page(.signIn, "Sign in", status: status, view)
        let isSecure = visit.context.authenticator.cookies.name.hasPrefix("__Host-")
        // Lax, not Strict: whoever follows a link to Assay from another site signs in as well.
        response.headers[.setCookie] = "\(cookieName(visit))=\(seed); Path=/; HttpOnly; SameSite=Lax; Max-Age=3600" + (isSecure ? "; Secure" : "")
        return response
    }

    private static func cookieName(_ visit: Visit) -> String {
        visit.context.authenticator.cookies.name.hasPrefix("__Host-") ? "__Host-assay_form" : "assay_form"
    }
}
