import Foundation
import GRPCCore
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import ServiceKit

/// One request for a page: what was asked, by whom, at what time, and how the answer is made.
struct Visit: Sendable {
    let site: Site
    let context: PageContext
    /// All relative times of one page are told from here.
    let now = Date()
    /// A page waits this long for all the services it asks.
    static let patience: Duration = .seconds(8)

    init(site: Site, context: PageContext) {
        self.site = site
        self.context = context
    }

    // MARK: - Asking

    func upstream(_ service: String) -> GRPCClient<ServiceTransport> { context.upstreams[service] }

    /// Runs `operation` as whoever is signed in. A path with an id that cannot be one leads nowhere, which on a page is "not found".
    func asking<R: Sendable>(once key: String? = nil, _ operation: () async throws -> R) async throws -> R {
        do {
            let caller = try context.exchange.caller(idempotencyKey: key)
            return try await context.exchange.calling(as: caller, limit: Self.patience, operation)
        } catch {
            let fault = Fault(answering: error)
            throw fault.code == "request.invalid_id" ? Fault.routeNotFound : fault
        }
    }

    // MARK: - Lists

    /// What a cursor is called in addresses. A page with several lists has other names for those of the further ones.
    static let cursorName = "cursor"

    /// The service's own cursor out of the signed one in the address.
    /// - Throws: `page.invalid_cursor` for one that was not made for this list, filter and organization.
    func cursor(filter: [(name: String, value: String)], named name: String = Self.cursorName) throws -> String {
        guard let text = try context.query(name), !text.isEmpty else { return "" }
        return try site.cursors.verify(text, for: binding(filter, name))
    }

    /// Links from one page of a list to the others.
    func pager(
        next: String, filter: [(name: String, value: String)], label: String = "Older", firstLabel: String = "Newest", fragment: String = "",
        named name: String = Self.cursorName
    ) throws -> Pager? {
        let path = context.exchange.target.path
        let isFirst = try context.query(name).map(\.isEmpty) ?? true
        let signed = try next.isEmpty ? nil : site.cursors.sign(next, for: binding(filter, name))
        return Pager(
            first: isFirst ? nil : PageAddress.of(path, filter, fragment: fragment),
            next: signed.map { PageAddress.of(path, filter + [(name, $0)], fragment: fragment) }, firstLabel: firstLabel, nextLabel: label)
    }

    private func binding(_ filter: [(name: String, value: String)], _ name: String) throws -> CursorSigner.Binding {
        guard let identity = context.identity else { throw Fault.keyMissing }
        // A cursor of one list says nothing about another one of the page.
        let list = name == Self.cursorName ? [] : [(name: "list", value: name)]
        return CursorSigner.Binding(
            tenant: identity.tenant, path: context.exchange.target.path, filter: filter.filter { !$0.value.isEmpty } + list)
    }

    // MARK: - Forms

    /// The cookie's token, of the session or before it of the sign-in form.
    private var sessionToken: Substring? { context.exchange.head.cookie(named: context.authenticator.cookies.name) }

    /// Empty without a session; such a page has no forms.
    var formToken: String { sessionToken.map { FormToken(sessionToken: $0).text } ?? "" }

    /// The fields of a form that this session was shown.
    /// - Throws: `auth.cross_site`, `form.expired`.
    func form() async throws -> [String: String] { try await Self.unique(formPairs()) }

    /// The same for a form that may name a field several times.
    func formPairs() async throws -> [(name: String, value: String)] {
        try FormOrigin.check(context.exchange, site.publicOrigin)
        let pairs = try await context.form()
        let token = pairs.first { $0.name == FormToken.field }?.value
        guard let sessionToken, FormToken(sessionToken: sessionToken).matches(token) else { throw Fault.formExpired }
        return pairs
    }

    /// The version of what the form was about when it was shown; a form that names none is about nothing that there is.
    static func version(_ fields: [String: String]) -> Int64 {
        fields["version"].flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil } ?? EntityTag.noVersion
    }

    /// The key of what this very form does; a form that names none does it as often as it is sent.
    static func once(_ fields: [String: String]) -> String? {
        (fields["once"]?.nonEmpty).map { "page-" + $0.prefix(64) }
    }

    static func unique(_ pairs: [(name: String, value: String)]) -> [String: String] {
        Dictionary(pairs.map { ($0.name, $0.value) }) { first, _ in first }
    }

    // MARK: - Answering

    enum Section: Sendable { case projects, deliveries, members, admin, account, none }

    func page<View: Sendable>(
        _ name: PageName, _ title: String, crumbs: [PageFrame.Crumb] = [], section: Section = .projects, scripts: [String] = [],
        status: HTTPResponse.Status = .ok, _ view: View
    ) -> Response {
        let bar = context.identity.map {
            PageFrame.SessionBar(
                organization: $0.organization.isEmpty ? "Account" : $0.organization, formToken: formToken, isProjects: section == .projects,
                isDeliveries: section == .deliveries, isAccount: section == .account, isMembers: section == .members, isAdmin: section == .admin,
                showsMembers: $0.permissions.contains("members.read"), showsAdmin: $0.permissions.contains("admin.read"), banner: $0.banner)
        }
        let nonce = PageHeaders.newNonce()
        let frame = PageFrame(title: title, crumbs: crumbs, session: bar, assets: site.assets.paths, scripts: scripts, nonce: nonce)
        let html = site.templates.html(name, frame: frame, view: view)
        return Response(
            status: status, headers: PageHeaders.fields(nonce: nonce), body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    func redirect(to path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
    }
}

extension Identity {
    /// Shown on every page while somebody acts in another's place.
    fileprivate var banner: String? {
        guard impersonator != nil else { return nil }
        let end = expiresAt.map { " It ends at \($0.formatted(.iso8601.time(includingFractionalSeconds: false))) UTC." } ?? ""
        return "You act in the place of \(actor.description). Everything you do is recorded.\(end) Sign out to end it now."
    }
}

/// Where a form was sent from. Browsers say so in headers that no script can forge; a form that says nothing is refused.
enum FormOrigin {
    static func check(_ exchange: Exchange, _ ours: String) throws(Fault) {
        if let site = exchange.head.fetchSite {
            guard site == "same-origin" else { throw .crossSite }
        } else {
            guard exchange.head.origin == ours else { throw .crossSite }
        }
    }
}
