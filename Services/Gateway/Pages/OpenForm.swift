import HTTPTypes
import Hummingbird
import Primitives

/// Forms for whoever is not signed in. Each carries a token of a cookie of its own, so that no other site can sign a visitor in to an account of its
/// choosing, or use a link up in their name (T51).
enum OpenForm {
    /// One page with one form, or with the message that there is nothing more to do.
    struct View: Sendable {
        let title: String
        let intro: String
        var refusal: String?
        var notice: String?
        var action = ""
        var fields: [Field] = []
        var hidden: [Hidden] = []
        var button: String?
        var links: [Link] = []
        var token = ""
    }

    struct Field: Sendable {
        let name: String
        let label: String
        let type: String
        let autocomplete: String
        var value = ""
        var maxLength = 254
        var hint: String?
        var isRequired = true
    }

    struct Hidden: Sendable {
        let name: String
        let value: String
    }

    struct Link: Sendable {
        let label: String
        let path: String
    }

    static func page(_ visit: Visit, _ view: View, status: HTTPResponse.Status = .ok) -> Response {
        let seed = SessionCookie.newToken()
        var view = view
        view.token = FormToken(sessionToken: seed).text
        var response = visit.page(.door, view.title, status: status, view)
        response.headers[.setCookie] = cookie(visit, seed)
        return response
    }

    /// Lax, not Strict: whoever follows a link to Assay from another site, or from a mail, fills forms in as well.
    static func cookie(_ visit: Visit, _ seed: String) -> String {
        "\(cookieName(visit))=\(seed); Path=/; HttpOnly; SameSite=Lax; Max-Age=3600" + (isSecure(visit) ? "; Secure" : "")
    }

    /// The fields of a form that this browser was shown.
    /// - Throws: `auth.cross_site`, `form.expired`.
    static func fields(_ visit: Visit) async throws -> [String: String] {
        try FormOrigin.check(visit.context.exchange, visit.site.publicOrigin)
        let fields = try await Visit.unique(visit.context.form())
        guard
            let seed = visit.context.exchange.head.cookie(named: cookieName(visit)),
            FormToken(sessionToken: seed).matches(fields[FormToken.field])
        else { throw Fault.formExpired }
        return fields
    }

    private static func isSecure(_ visit: Visit) -> Bool { visit.context.authenticator.cookies.name.hasPrefix("__Host-") }

    private static func cookieName(_ visit: Visit) -> String { isSecure(visit) ? "__Host-assay_form" : "assay_form" }
}

extension Fault {
    /// In the words of a page: nobody there has heard of If-Match.
    var pageDetail: String {
        self == .versionStale
            ? "Somebody else has changed this since you opened the page. You see it as it is now: if your change is still right, make it once more."
            : detail
    }

    /// What people may be told on a page. What is wrong on our side is not theirs to read.
    var isForPeople: Bool {
        switch kind {
        case .invalid, .unauthenticated, .forbidden, .notFound, .conflict, .precondition, .exhausted, .unavailable: true
        case .internal: false
        }
    }
}
