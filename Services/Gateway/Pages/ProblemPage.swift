import HTTPTypes
import Hummingbird
import NIOCore
import Primitives

/// A fault as a page, for people who followed a link; programs get the problem document.
enum ProblemPage {
    struct View: Sendable {
        let status: String
        let title: String
        let detail: String
        let advice: String?
        let code: String
        let requestID: String
    }

    /// - Returns: `nil` for whoever did not ask for HTML, and for the API, which speaks JSON whatever is asked.
    static func response(_ fault: Fault, _ exchange: Exchange, site: Site) -> Response? {
        guard !exchange.target.path.hasPrefix("/api/"), exchange.request.headers[.accept].map(prefersHTML) ?? false else { return nil }
        // The problem document decides status and headers; only its body is another.
        var response = Problem(fault, publicURL: site.publicURL).response(instance: exchange.target.path, requestID: exchange.requestID)
        let bar = exchange.principal.map {
            PageFrame.SessionBar(organization: $0.identity.organization, formToken: "", isProjects: false, isDeliveries: false)
        }
        let nonce = PageHeaders.newNonce()
        let frame = PageFrame(title: title(fault), session: bar, assets: site.assets.paths, nonce: nonce)
        let html = site.templates.html(.problem, frame: frame, view: view(fault, response.status, exchange.requestID))
        for field in PageHeaders.fields(nonce: nonce) { response.headers[field.name] = field.value }
        response.body = ResponseBody(byteBuffer: ByteBuffer(string: html))
        return response
    }

    static func view(_ fault: Fault, _ status: HTTPResponse.Status, _ requestID: String) -> View {
        View(
            status: "\(status.code)", title: title(fault),
            detail: fault.kind == .internal ? "Something went wrong on our side. The request id below finds it in the log." : fault.detail,
            advice: advice(fault), code: fault.code, requestID: requestID)
    }

    /// Browsers name `text/html` first; programs name what they want or `*/*`.
    private static func prefersHTML(_ accept: String) -> Bool {
        for part in accept.split(separator: ",") {
            let type = part.prefix { $0 != ";" }.trimmed.lowercased()
            if type == "text/html" || type == "application/xhtml+xml" { return true }
            if type.contains("json") { return false }
        }
        return false
    }

    private static func title(_ fault: Fault) -> String {
        switch fault.kind {
        case .invalid: fault.code == "request.method_not_allowed" ? "This cannot be done here" : "That request does not make sense"
        case .unauthenticated: "Please sign in"
        case .forbidden: "Not allowed"
        case .notFound: "There is nothing here"
        case .conflict, .precondition: "That is not possible right now"
        case .exhausted: "Too many requests"
        case .unavailable: "Temporarily unavailable"
        case .internal: "Something went wrong"
        }
    }

    private static func advice(_ fault: Fault) -> String? {
        switch fault.kind {
        case .notFound where fault.code == "test.not_found":
            "A test that was renamed goes on under the name and the address that it has now: look for it among the tests of its project."
        case .notFound: "The address may be mistyped, or what was here belongs to another organization or project."
        case .exhausted, .unavailable: "Please reload the page in a moment."
        case .forbidden where fault.code == "auth.scope_missing": "Sign in with a key that has this scope."
        default: nil
        }
    }
}
