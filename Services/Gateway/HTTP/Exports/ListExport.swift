import Contract
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives
import SwiftProtobuf

/// A list from its first element to its last, as a table or in lines. It is read page by page while it is written, so it costs the memory of one page, and
/// a reader that is slow makes it wait. A list that has no pages of its own is that of one answer.
///
/// A list whose own order moves while it is read would lose elements and repeat others. Where its contract has an order by id, the whole of it is read so,
/// unless the request names an order: what was there when the export began is in it once.
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

    /// What is read of a list.
    private struct Reading: Sendable {
        let list: ExportLists.List
        /// One page of it, as long as the request says.
        let isLimited: Bool
        /// `sort=ID`, where the request leaves the order to the export.
        let order: [(name: String, value: String)]
    }

    /// The first page is read before anything is said: what is refused gets its proper status.
    func respond(_ exchange: Exchange, as format: ExportFormat, of list: ExportLists.List) async throws -> Response {
        let reading = try self.reading(of: list, exchange)
        let isLimited = reading.isLimited
        let first = try await page(of: reading, exchange, after: nil)
        let columns = list.columns
        var headers: HTTPFields = [
            .contentType: format.contentType, .cacheControl: "no-store",
            .contentDisposition: "attachment; filename=\"\(name(of: list)).\(format.rawValue)\"", .vary: "Accept",
        ]
        first.prepared.deprecation?.write(to: &headers, of: call.route)
        if isLimited, let link = try link(to: first, of: reading, exchange) { headers[.link] = link }
        if exchange.request.method == .head { return Response(status: .ok, headers: headers) }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                var page = first
                var count = page.rows.count
                if format == .csv { try await writer.write(ByteBuffer(string: columns.header)) }
                try await writer.write(text(page.rows, columns, format))
                while !isLimited, let next = page.next, count < Self.maxRows {
                    page = try await self.page(of: reading, exchange, after: next)
                    count += page.rows.count
                    try await writer.write(text(page.rows, columns, format))
                }
                let rest = isLimited ? nil : try link(to: page, of: reading, exchange)
                try await writer.finish(rest.map { [.link: $0] })
            })
    }

    /// With `limit` an export is the first elements in the list's own order; one that goes on behind a cursor has the order of that cursor.
    private func reading(of list: ExportLists.List, _ exchange: Exchange) throws -> Reading {
        let given = Set(try exchange.target.query().filter { !$0.value.isEmpty }.map(\.name))
        let isLimited = given.contains("limit")
        let isFree = !isLimited && isPaged(list) && given.isDisjoint(with: ["cursor", Self.still.name])
        return Reading(list: list, isLimited: isLimited, order: isFree && hasStillOrder ? [Self.still] : [])
    }

    private func isPaged(_ list: ExportLists.List) -> Bool { call.isList && list.name == ExportLists.paged }

    /// How contracts name an order that stays as it is, whatever comes meanwhile.
    private static var still: (name: String, value: String) { ("sort", "ID") }

    private var hasStillOrder: Bool {
        call.route.fields.contains { field in
            guard field.name == Self.still.name, field.place == .query, case .choice(let names) = field.kind else { return false }
            return names.contains(Self.still.value)
        }
    }

    private func page(of reading: Reading, _ exchange: Exchange, after cursor: String?) async throws -> Page {
        let (list, isPaged) = (reading.list, self.isPaged(reading.list))
        var extras = reading.order
        if isPaged, !reading.isLimited { extras.append(("limit", String(largestPage))) }
        if let cursor { extras.append(("cursor", cursor)) }
        let prepared = try await call.prepare(exchange, extras: extras)
        let answer = try await exchange.calling(as: exchange.principal.map { _ in try exchange.caller() }, limit: call.timeout) {
            try await call.unary(prepared.message)
        }
        let json = ExportZeros.contracts.filled(try OrderedJSON(AnswerJSON.bytes(answer, lists: call.route.lists)), as: list.columns.answer)
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

    /// Where the list goes on after a page, for whoever asked: with the query as it was sent, and the order that the cursor is of.
    private func link(to page: Page, of reading: Reading, _ exchange: Exchange) throws -> String? {
        guard let next = page.next, let principal = exchange.principal else { return nil }
        let query = try exchange.target.query().filter { query in !reading.order.contains { $0.name == query.name } } + reading.order
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
