/// Where the list that a page shows can be had whole: the API's own address, as somebody who is signed in may follow it.
struct ExportLinks: Sendable {
    let csv: String
    let ndjson: String

    /// - Parameters:
    ///   - path: of the list, behind `/api/v1`.
    ///   - query: what the page has narrowed it to, in the words of the API.
    init(_ path: String, _ query: [(name: String, value: String)] = []) {
        func link(_ format: ExportFormat) -> String {
            PageAddress.of("/api/v1" + path, query + [(ExportFormat.parameter, format.rawValue)])
        }
        csv = link(.csv)
        ndjson = link(.ndjson)
    }
}
