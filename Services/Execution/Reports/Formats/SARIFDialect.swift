import Foundation

/// SARIF 2.1.0 (OASIS): each result of a static analysis is a case, named by its rule and place, so that the same finding is the same test in the next
/// run. Results without trouble (`kind: pass`, notes) pass, suppressed ones are skipped.
///
/// Which tool it was may stand behind the results, so they are held until the end of the file, at most `IngestLimits.heldCases`.
struct SARIFDialect: JSONDialect {
    static let format = ReportFormat.sarif
    static let paths: [JSONRecords.Path] = [["runs", "*", "results", "*"], ["runs", "*", "tool", "driver", "name"]]

    private static let known: Set = [
        "ruleId", "ruleIndex", "rule", "kind", "level", "message", "analysisTarget", "locations", "guid", "correlationGuid", "occurrenceCount",
        "partialFingerprints", "fingerprints", "stacks", "codeFlows", "graphs", "graphTraversals", "relatedLocations", "suppressions",
        "baselineState", "rank", "attachments", "hostedViewerUri", "workItemUris", "provenance", "fixes", "taxa", "webRequest", "webResponse",
        "properties",
    ]

    private let sink: ReportSink
    private var held: [ReportedCase] = []
    private var tools: [String] = []

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        if path == 1 {
            if tools.count < 20 { tools.append(sink.name(record.string ?? "", line: line)) }
            return
        }
        guard held.count < sink.limits.heldCases else {
            return sink.reject("report.too_many_held", line: line, "more than \(sink.limits.heldCases) results in one SARIF file")
        }
        record.list(unknownOf: "a result", known: Self.known, in: sink)
        var found = ReportedCase()
        let rule = record.text("ruleId").isEmpty ? record["rule"]?.text("id") ?? "" : record.text("ruleId")
        let message = record["message"]?.text("text") ?? record["message"]?.text("markdown") ?? ""
        let place = record["locations"]?.elements.first?["physicalLocation"]
        found.file = sink.name(place?["artifactLocation"]?.text("uri") ?? "", line: line)
        found.line = place?["region"]?["startLine"]?.int.flatMap { Int32(exactly: $0) }
        found.className = sink.name(rule, line: line)
        // Lines move with every edit; the message and the file stay.
        let what = message.prefix { $0 != "\n" }.description
        found.name = sink.name([found.file, what].filter { !$0.isEmpty }.joined(separator: ": "), line: line)
        if found.name.isEmpty { found.name = rule.isEmpty ? "(no name)" : rule }
        let isSuppressed = record["suppressions"]?.elements.contains { !["underReview", "rejected"].contains($0.text("status")) } ?? false
        found.outcome =
            switch (record.text("kind"), record.text("level")) {
            case _ where isSuppressed: .skipped
            case ("pass", _): .passed
            case ("notApplicable", _), ("informational", _), ("open", _), ("review", _): .skipped
            case (_, "note"), (_, "none"): .passed
            default: .failed
            }
        found.texts = ResultTexts(
            message: sink.text(message, line: line), type: sink.name(record.text("level").isEmpty ? "warning" : record.text("level")))
        for fingerprint in record["partialFingerprints"]?.members ?? [] {
            found.add(property: fingerprint.name, fingerprint.value.words(limit: 500), sink.limits)
        }
        if !sink.hold((found.texts?.byteCount ?? 0) + (found.extras?.byteCount ?? 0)) {
            found.texts = nil
            found.extras = nil
        }
        guard sink.hold(found.name.utf8.count) else {
            return sink.reject("report.too_many_held", line: line, "the results of one SARIF file are too much to be held")
        }
        held.append(found)
    }

    /// Of several runs in one file nothing says which result is whose; then all tools' names stand together.
    mutating func finish() {
        let tool = sink.name(tools.joined(separator: ", "))
        for var found in held {
            found.suiteName = tool
            sink.cases.append(found)
        }
        held = []
    }
}
