import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives

/// The API reference and the error catalogue, for everybody: rendered once when the process starts, and cached by whoever reads them.
struct DocsPages: Sendable {
    private struct Page: Sendable {
        let html: ByteBuffer
        let tag: String

        init(_ html: String) {
            self.html = ByteBuffer(string: html)
            tag = EntityTag.weak(Array(html.utf8))
        }
    }

    struct ErrorsView: Sendable {
        struct Group: Sendable {
            let area: String
            let entries: [Entry]
        }

        struct Entry: Sendable {
            let code: String
            let path: String
            let status: String
            let title: String
        }

        let groups: [Group]
    }

    struct ErrorView: Sendable {
        let code: String
        let status: String
        let title: String
        let action: RichText?
        let example: String
    }

    private let reference: Page
    private let errors: Page
    private let byCode: [String: Page]

    init(document: OrderedJSON, catalogue: ErrorCatalogue, templates: PageTemplates, assets: PageAssets.Paths, publicURL: String) {
        func render<View: Sendable>(_ name: PageName, _ title: String, _ crumbs: [PageFrame.Crumb], _ view: View) -> Page {
            // No nonce: such a page has no script of its own, and is the same for everybody.
            let frame = PageFrame(title: title, crumbs: crumbs, session: nil, assets: assets, nonce: "")
            return Page(templates.html(name, frame: frame, view: view))
        }
        reference = render(
            .docs, "API reference", [], DocsView(document: document, catalogue: catalogue, publicURL: publicURL))
        errors = render(.errors, "Errors", [.init("API reference", "/docs"), .init("Errors")], Self.overview(catalogue))
        byCode = Dictionary(
            uniqueKeysWithValues: catalogue.entries.map { entry in
                let crumbs = [PageFrame.Crumb("API reference", "/docs"), .init("Errors", "/errors"), .init(entry.code)]
                return (entry.code, render(.error, entry.title, crumbs, Self.view(entry, publicURL)))
            })
    }

    func add(to routes: inout PageRoutes) {
        routes.get("/docs", for: .everybody) { [reference] in Self.respond(reference, $0) }
        routes.get("/errors", for: .everybody) { [errors] in Self.respond(errors, $0) }
        routes.get("/errors/{code}", for: .everybody) { [byCode] context in
            guard let page = byCode[try context.parameter("code")] else { throw Fault.routeNotFound }
            return Self.respond(page, context)
        }
    }

    private static func respond(_ page: Page, _ context: PageContext) -> Response {
        var headers = PageHeaders.fields(nonce: nil)
        headers[.cacheControl] = "public, max-age=300"
        headers[.eTag] = page.tag
        if context.exchange.head.ifNoneMatch == page.tag { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: page.html))
    }

    /// By the first part of the code; those without a full stop come first.
    private static func overview(_ catalogue: ErrorCatalogue) -> ErrorsView {
        let areas = Dictionary(grouping: catalogue.entries) { $0.code.contains(".") ? String($0.code.prefix { $0 != "." }) : "general" }
        let groups = areas.sorted { ($0.key != "general", $0.key) < ($1.key != "general", $1.key) }
        return ErrorsView(
            groups: groups.map { area, entries in
                ErrorsView.Group(
                    area: area,
                    entries: entries.map { .init(code: $0.code, path: ErrorCatalogue.path(of: $0.code), status: "\($0.status)", title: $0.title) })
            })
    }

    private static func view(_ entry: ErrorCatalogue.Entry, _ publicURL: String) -> ErrorView {
        let example = OrderedJSON.object([
            .init(name: "type", value: .text(publicURL + ErrorCatalogue.path(of: entry.code))), .init(name: "title", value: .text(entry.title)),
            .init(name: "status", value: .word("\(entry.status)")), .init(name: "detail", value: .text("…")),
            .init(name: "code", value: .text(entry.code)), .init(name: "request_id", value: .text("req_…")),
        ])
        return ErrorView(
            code: entry.code, status: "\(entry.status)", title: entry.title, action: RichText(entry.action), example: example.pretty())
    }
}

/// As Swift compares tuples of these: general before all others.
private func < (left: (Bool, String), right: (Bool, String)) -> Bool {
    left.0 == right.0 ? left.1 < right.1 : !left.0
}
