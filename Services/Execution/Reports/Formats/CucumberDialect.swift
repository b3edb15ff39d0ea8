import Foundation

/// Cucumber's JSON (the `json` formatter of all implementations): an array of features, each with its scenarios, each with its steps. Durations are
/// nanoseconds.
struct CucumberDialect: JSONDialect {
    static let format = ReportFormat.cucumber
    static let paths: [JSONRecords.Path] = [["*"]]

    private static let featureMembers: Set = [
        "uri", "id", "keyword", "name", "description", "line", "tags", "comments", "elements", "language", "metadata",
    ]
    private static let scenarioMembers: Set = [
        "id", "keyword", "name", "description", "line", "type", "steps", "before", "after", "tags", "comments", "examples", "start_timestamp",
    ]

    private let sink: ReportSink

    init(sink: ReportSink) { self.sink = sink }

    mutating func take(_ record: JSONValue, path: Int, line: Int) {
        record.list(unknownOf: "a feature", known: Self.featureMembers, in: sink)
        let feature = sink.name(record.text("name"), line: line)
        let file = sink.name(record.text("uri"), line: line)
        // Steps of a background belong to the scenario that follows.
        var background: [JSONValue] = []
        for element in record["elements"]?.elements ?? [] {
            element.list(unknownOf: "a scenario", known: Self.scenarioMembers, in: sink)
            let steps = (element["before"]?.elements ?? []) + (element["steps"]?.elements ?? []) + (element["after"]?.elements ?? [])
            guard element.text("type") != "background" else {
                background = steps
                continue
            }
            var found = ReportedCase()
            found.suiteName = feature
            found.file = file
            found.name = sink.name(element.text("name").isEmpty ? element.text("id") : element.text("name"), line: line)
            found.line = element["line"]?.int.flatMap { Int32(exactly: $0) }
            found.startedAt = element["start_timestamp"]?.string.flatMap { sink.time($0, line: line) }
            judge(background + steps, &found, line)
            background = []
            for tag in element["tags"]?.elements ?? [] { found.add(property: "tag", tag.text("name"), sink.limits) }
            if found.name.isEmpty { found.name = "(no name)" }
            sink.cases.append(found)
        }
    }

    /// The first step that did not pass says how the scenario went; steps behind it are skipped.
    private func judge(_ steps: [JSONValue], _ found: inout ReportedCase, _ line: Int) {
        var nanoseconds = 0.0
        var outcome = Outcome.passed
        var texts = ResultTexts()
        var trace: [String] = []
        var hasRun = false
        for step in steps {
            let result = step["result"]
            let status = result?.text("status").lowercased() ?? ""
            nanoseconds += result?["duration"]?.double ?? 0
            let title = (step.text("keyword") + step.text("name")).trimmingCharacters(in: .whitespaces)
            trace.append("\(status.isEmpty ? "unknown" : status): \(title.isEmpty ? step["match"]?.text("location") ?? "hook" : title)")
            let own = Self.outcome(status)
            if own == .passed { hasRun = true }
            if outcome == .passed, own != .passed {
                outcome = own
                let message = result?.text("error_message") ?? ""
                texts.message = message.isEmpty ? "\(status): \(title)" : Excerpt.of(message.prefix { $0 != "\n" }.description, limit: 4000)
                if !message.isEmpty { trace.append(message) }
            }
            for embedding in (step["embeddings"]?.elements ?? []) + (step["attachments"]?.elements ?? []) {
                found.add(
                    attachment: embedding.text("name").isEmpty ? "(embedded)" : embedding.text("name"),
                    type: embedding.text("mime_type"), sink.limits)
            }
        }
        // A scenario without steps has nothing that could pass.
        if steps.isEmpty { outcome = .skipped }
        found.outcome = outcome
        found.microseconds = hasRun || nanoseconds > 0 ? sink.microseconds(nanoseconds / 1e9, line: line) : nil
        guard outcome != .passed else { return }
        texts.trace = sink.text(trace.joined(separator: "\n"), line: line)
        found.texts = texts
    }

    private static func outcome(_ status: String) -> Outcome {
        switch status {
        case "passed": .passed
        case "failed": .failed
        // No step definition fits, or several do: the scenario could not be carried out.
        case "undefined", "ambiguous", "unknown", "unused": .errored
        case "skipped", "pending", "disabled": .skipped
        default: .errored
        }
    }

    mutating func finish() {}
}
