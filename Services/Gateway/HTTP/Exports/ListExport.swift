import Contract
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import SwiftProtobuf

/// A list from its first element to its last, as a table or in lines. It is read page by page while it is written, so it costs the memory of one page, and
/// a reader that is slow makes it wait. A list that has no pages of its own is that of one answer.
///
/// An export that fails on the way breaks the connection off before the end of the body, which clients report; one that reaches `maxRows` ends with the
/// trailer `Link: <…>; rel="next"`, and goes on from there.
struct ListExport<Request: SwiftProtobuf.Message, Answer: SwiftProtobuf.Message>: Sendable {
    static var maxRows: Int { 1_000_000 }

    private let call: RouteCall<Request, Answer>

    init(_ call: RouteCall<Request, Answer>) {
        self.call = call
    }

    private struct Page {
        let rows: [OrderedJSON]
        /// Unsigned.
        let next: String?
        let prepared: RouteCall<Request, Answer>.Prepared
    }

    /// The first page is read before anything is said: what is refused gets its proper status.
    func respond(_ exchange: Exchange, as format: ExportFormat, of list: ExportLists.List) async throws -> Response {
        let isLimited = try exchange.target.query().contains { $0.name == "limit" && !$0.value.isEmpty }
        let first = try await page(of: list, exchange, after: nil, isLimited: isLimited)
        let columns = list.columns
        var headers: HTTPFields = [
            .contentType: format.contentType, .cacheControl: "no-store",
            .contentDisposition: "attachment; filename=\"\(name(of: list)).\(format.rawValue)\"", .vary: "Accept",
        ]
        first.prepared.deprecation?.write(to: &headers, of: call.route)
        if isLimited, let link = try link(to: first, exchange) { headers[.link] = link }
        if exchange.request.method == .head { return Response(status: .ok, headers: headers) }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                var page = first
                var count = page.rows.count
                if format == .csv { try await writer.write(ByteBuffer(string: columns.header)) }
                try await writer.write(text(page.rows, columns, format))
                while !isLimited, let next = page.next, count < Self.maxRows {
                    page = try await self.page(of: list, exchange, after: next, isLimited: false)
                    count += page.rows.count
                    try await writer.write(text(page.rows, columns, format))
                }
                let rest = isLimited ? nil : try link(to: page, exchange)
                try await writer.finish(rest.map { [.link: $0] })
            })
    }

    private func page(of list: ExportLists.List, _ exchange: Exchange, after cursor: String?, isLimited: Bool) async throws -> Page {
        let isPaged = call.isList && list.name == ExportLists.paged
        var extras: [(name: String, value: String)] = []
        if isPaged, !isLimited { extras.append(("limit", String(largestPage))) }
        if let cursor { extras.append(("cursor", cursor)) }
        let prepared = try await call.prepare(exchange, extras: extras)
        let answer = try await exchange.calling(as: exchange.principal.map { _ in try exchange.caller() }, limit: call.timeout) {
            try await call.unary(prepared.message)
        }
        let json = try OrderedJSON(AnswerJSON.bytes(answer, lists: call.route.lists))
        let next = isPaged ? json["page"]?["next_cursor"]?.text : nil
        return Page(rows: list.columns.elements(of: json), next: next?.isEmpty == false ? next : nil, prepared: prepared)
    }

    /// Some lists have smaller pages than others.
    private var largestPage: Int {
        let most = call.route.fields.first { $0.name == "limit" }?.shape.bounds.maximum ?? Int64(PageRequest.maxLimit)
        return min(Int(most), PageRequest.maxLimit)
    }

    private func text(_ rows: [OrderedJSON], _ columns: ExportColumns, _ format: ExportFormat) -> ByteBuffer {
        var buffer = ByteBuffer()
        for row in rows {
            switch format {
            case .csv: buffer.writeString(columns.row(row))
            case .ndjson: buffer.writeString(row.line + "\n")
            }
        }
        return buffer
    }

    /// Where the list goes on after a page, for whoever asked: with the query as it was sent.
    private func link(to page: Page, _ exchange: Exchange) throws -> String? {
        guard let next = page.next, let principal = exchange.principal else { return nil }
        let query = try exchange.target.query()
        let binding = CursorSigner.Binding(tenant: principal.identity.tenant, path: page.prepared.path, filter: query)
        return NextLink.text(path: page.prepared.path, query: query, cursor: call.cursors.sign(next, for: binding))
    }

    /// Of the file: `flaky-tests`, or `stability-reasons` for a list that has no pages.
    private func name(of list: ExportLists.List) -> String {
        let last = call.route.path.segments.reversed().compactMap { if case .literal(let text) = $0 { text } else { nil } }.first ?? "list"
        let name = last.replacing(":", with: "-")
        return list.name == ExportLists.paged ? name : "\(name)-\(list.name.replacing("_", with: "-"))"
    }
}

/// The header `Link` of a list (RFC 8288), as clients of GitHub and Sentry follow it.
enum NextLink {
    static func text(path: String, query: [(name: String, value: String)], cursor: String) -> String {
        let pairs = query.filter { $0.name != "cursor" } + [("cursor", cursor)]
        let text = pairs.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }.joined(separator: "&")
        return "<\(path)?\(text)>; rel=\"next\""
    }
}
