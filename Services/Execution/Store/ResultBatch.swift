import Foundation
import Postgres
import Primitives

/// Rows of `results` and `result_details` as columns, the way they travel: one statement takes thousands.
struct ResultBatch: Sendable {
    private(set) var ids: [UUID] = []
    private(set) var tests: [UUID] = []
    private(set) var cases: [UUID?] = []
    private(set) var startedAt: [Date?] = []
    private(set) var microseconds: [Int64?] = []
    private(set) var lines: [Int32?] = []
    private(set) var outcomes: [Int16] = []
    private(set) var attempts: [Int16] = []
    private(set) var suiteNames: [String] = []
    private(set) var classNames: [String] = []
    private(set) var names: [String] = []
    private(set) var files: [String?] = []
    private(set) var tags: [String?] = []
    /// Under what single results are found; what they all are found under is known at the end of an upload only.
    private(set) var segments = TagSegments()

    private(set) var details = Details()
    /// Of names and texts.
    private(set) var byteCount = 0

    struct Details: Sendable {
        var ids: [UUID] = []
        var messages: [String] = []
        var types: [String] = []
        var traces: [String] = []
        var systemOuts: [String] = []
        var systemErrs: [String] = []
        var exchanges: [JSONText?] = []
        var properties: [JSONText?] = []
        var attachments: [JSONText?] = []
        var attempts: [JSONText?] = []
    }

    var count: Int { ids.count }
    var isEmpty: Bool { ids.isEmpty }

    mutating func append(
        _ found: ReportedCase, id: ID<TestResult>, test: ID<TestIdentity>, caseID: ID<Case>? = nil, attempt: Int = 1, exchange: JSONText? = nil,
        tags own: [Tag] = [], under tagIDs: [UUID] = []
    ) {
        ids.append(id.uuid)
        tests.append(test.uuid)
        cases.append(caseID?.uuid)
        startedAt.append(found.startedAt)
        microseconds.append(found.microseconds)
        lines.append(found.line)
        outcomes.append(found.outcome.rawValue)
        attempts.append(Int16(clamping: attempt))
        suiteNames.append(found.suiteName)
        classNames.append(found.className)
        names.append(found.name)
        files.append(found.file.isEmpty ? nil : found.file)
        tags.append(own.isEmpty ? nil : own.map(\.text).joined(separator: "\n"))
        for tag in tagIDs { segments.append(tag, found.outcome, from: id, to: id) }
        byteCount += tagIDs.count * 64 + own.reduce(0) { $0 + $1.text.utf8.count }
        byteCount += found.suiteName.utf8.count + found.className.utf8.count + found.name.utf8.count + found.file.utf8.count
        guard found.texts != nil || found.extras != nil || exchange != nil else { return }
        let texts = found.texts ?? ResultTexts()
        details.ids.append(id.uuid)
        details.messages.append(texts.message)
        details.types.append(texts.type)
        details.traces.append(texts.trace)
        details.systemOuts.append(texts.systemOut)
        details.systemErrs.append(texts.systemErr)
        details.exchanges.append(exchange)
        let extras = found.extras ?? ResultExtras()
        details.properties.append(Self.json(extras.properties))
        details.attachments.append(Self.json(extras.attachments))
        details.attempts.append(Self.json(extras.attempts))
        byteCount += texts.byteCount + extras.byteCount + (exchange?.text.utf8.count ?? 0)
    }

    /// Strings and numbers can always be written as JSON.
    private static func json(_ values: [some Encodable]) -> JSONText? {
        values.isEmpty ? nil : (try? JSONEncoder().encode(values)).map { JSONText(String(decoding: $0, as: UTF8.self)) }
    }
}
