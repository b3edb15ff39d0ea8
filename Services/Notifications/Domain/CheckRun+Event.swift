import Foundation

/// A failed test, as the event tells of it. Stored as JSON.
struct EventFailure: Codable, Equatable, Sendable {
    var test = ""
    /// As the report named it, perhaps of the machine that ran it.
    var file = ""
    /// 0 when the report did not say.
    var line = 0
    var message = ""
    var trace = ""
}

extension CheckRun {
    /// What the body of a `run.finished` event says.
    private struct Finished: Decodable {
        let timestamp: String
        let data: Run

        struct Run: Decodable {
            let state: String
            let name: String?
            let commitSha: String?
            let environment: String?
            let incomplete: Bool?
            let url: String?
            let counts: Counts
            let quarantined: Quarantined?
        }

        /// Absent when nothing failed, and when nobody could say what is quarantined.
        struct Quarantined: Decodable {
            let failingTests: Double
            let quarantinedTests: Double
            let excused: Bool
        }

        struct Counts: Decodable {
            let total: Double
            let passed: Double
            let failed: Double
            let errored: Double
            let skipped: Double
        }
    }

    /// - Parameters:
    ///   - event: id of the event.
    ///   - body: as webhooks get it.
    ///   - publicURL: how people reach Assay; without it nothing is linked.
    ///   - repository: `owner/name`.
    /// - Returns: `nil` for another event, or a run without a whole commit id.
    init?(event: String, body: String, failures: [EventFailure], publicURL: String?, repository: String) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let finished = try? decoder.decode(Finished.self, from: Data(body.utf8)), let commit = finished.data.commitSha, Self.isCommit(commit)
        else {
            return nil
        }
        let run = finished.data
        let link = publicURL.flatMap { url in run.url.map { url + $0 } }
        let place = [run.name, run.environment].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
        name = (place.isEmpty ? "Assay" : "Assay: " + place).cut(toBytes: 200).oneLine
        headSha = commit.lowercased()
        externalID = event
        detailsURL = link
        completedAt = finished.timestamp
        conclusion = Self.conclusion(run)
        let failed = Int(run.counts.failed + run.counts.errored)
        title = Self.title(run, failed: failed).cut(toCharacters: Self.maxTitle)
        summary = Self.summary(run, link: link)
        text = Self.text(failures, failed: max(failed, failures.count), link: link)
        annotations = failures.compactMap { Annotation($0, repository: repository) }.prefix(Self.maxAnnotations).map(\.self)
    }

    private static func conclusion(_ run: Finished.Run) -> Conclusion {
        switch run.state {
        // Without a test, or with half of a report, nothing was shown to be good.
        case "PASSED": run.counts.passed == 0 || run.incomplete == true ? .neutral : .success
        case "CANCELLED": .cancelled
        case "TIMED_OUT": .timedOut
        // Nothing but what somebody looks after failed.
        default: run.quarantined?.excused == true ? .neutral : .failure
        }
    }

    private static func title(_ run: Finished.Run, failed: Int) -> String {
        let total = Int(run.counts.total)
        if failed > 0 { return "\(failed) of \(total) tests failed\(run.quarantined?.excused == true ? ", all of them quarantined" : "")" }
        switch run.state {
        case "CANCELLED": return "Cancelled after \(total) tests"
        case "TIMED_OUT": return "Timed out after \(total) tests"
        case "PASSED": return total == 0 ? "No tests" : "\(Int(run.counts.passed)) of \(total) tests passed"
        default: return "The run could not be carried out"
        }
    }

    private static func summary(_ run: Finished.Run, link: String?) -> String {
        let counts = run.counts
        var text = """
            | passed | failed | errored | skipped | total |
            | ---: | ---: | ---: | ---: | ---: |
            | \(Int(counts.passed)) | \(Int(counts.failed)) | \(Int(counts.errored)) | \(Int(counts.skipped)) | \(Int(counts.total)) |
            """
        if let held = run.quarantined, held.quarantinedTests > 0 {
            text += "\n\n\(Int(held.quarantinedTests)) of \(Int(held.failingTests)) failing tests are quarantined."
        }
        if run.incomplete == true { text += "\n\nA report was cut off: there may have been more tests." }
        if let link { text += "\n\n[All results](\(link))" }
        return text.cut(toBytes: maxText)
    }

    /// The failures by name, as many as fit, and where the others are.
    private static func text(_ failures: [EventFailure], failed: Int, link: String?) -> String? {
        guard !failures.isEmpty else { return nil }
        func rest(_ count: Int) -> String {
            count == 0 ? "" : "\n…and \(count) more\(link.map { ": [all results](\($0))" } ?? ""). "
        }
        // What is left out must always have room to be told of.
        let room = maxText - rest(failed).utf8.count
        var text = ""
        var told = 0
        for failure in failures {
            let message = failure.message.cut(toBytes: 500).oneLine
            let line = "- \(code(failure.test.cut(toBytes: 500).oneLine))\(message.isEmpty ? "" : ": \(code(message))")\n"
            guard text.utf8.count + line.utf8.count <= room else { break }
            text += line
            told += 1
        }
        return text + rest(failed - told)
    }

    /// Nothing in a code span is a mention, a link or an image.
    private static func code(_ text: String) -> String { "`" + text.replacing("`", with: "'") + "`" }
}

extension CheckRun.Annotation {
    /// - Returns: `nil` without a file that can be in the repository: an annotation needs one.
    init?(_ failure: EventFailure, repository: String) {
        guard let path = RepositoryPath.of(failure.file, repository: repository) else { return nil }
        self.path = path
        // The first line stands for the file.
        startLine = max(1, failure.line)
        endLine = startLine
        annotationLevel = "failure"
        title = (failure.test.isEmpty ? "A test failed" : failure.test).cut(toCharacters: CheckRun.maxTitle).oneLine
        let message = failure.message.isEmpty ? "The test failed." : failure.message
        self.message = message.cut(toBytes: CheckRun.maxDetail)
        rawDetails = failure.trace.isEmpty ? nil : failure.trace.cut(toBytes: CheckRun.maxDetail)
    }
}

extension Event {
    /// Whether GitHub has something to show of it: a finished run of a commit.
    var isForChecks: Bool {
        type == Self.runFinished && CheckRun(event: id, body: body, failures: [], publicURL: nil, repository: "") != nil
    }
}

/// A file's name as the repository has it, from what a report says.
enum RepositoryPath {
    /// Where CI systems check a repository out; `NAME` is its last part.
    private static let checkouts = [
        "/github/workspace/", "/home/runner/work/NAME/NAME/", "/Users/runner/work/NAME/NAME/", "D:/a/NAME/NAME/", "/__w/NAME/NAME/",
        "/workspace/", "/app/", "/src/",
    ]

    /// - Returns: `nil` for nothing, for what is outside, and for absolute names that say nothing of the repository.
    static func of(_ file: String, repository: String) -> String? {
        var path = file.replacing("\\", with: "/")
        if path.hasPrefix("file://") { path.removeFirst("file://".count) }
        let name = repository.split(separator: "/").last.map(String.init) ?? ""
        if let checkout = checkouts.lazy.map({ $0.replacing("NAME", with: name) }).first(where: path.hasPrefix) {
            path.removeFirst(checkout.count)
        } else if path.hasPrefix("/") || path.dropFirst().hasPrefix(":/") {
            // A runner of one's own: the repository's name is the best sign of its root.
            guard let root = path.range(of: "/\(name)/", options: .backwards) else { return nil }
            path = String(path[root.upperBound...])
        }
        while path.hasPrefix("./") { path.removeFirst(2) }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, path.utf8.count <= 1000, !parts.contains(""), !parts.contains(".."), !parts.contains(".") else { return nil }
        guard !path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return nil }
        return path
    }
}

extension String {
    var oneLine: String { String(map { $0.isNewline ? " " : $0 }) }

    /// At most so many bytes of UTF-8, no character cut in two, the cut marked.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        let mark = "…"
        var end = utf8.index(startIndex, offsetBy: max(0, limit - mark.utf8.count))
        let furthest = utf8.index(end, offsetBy: -256, limitedBy: startIndex) ?? startIndex
        while end > furthest, Index(end, within: self) == nil { end = utf8.index(before: end) }
        // A character may be of any number of scalars; one that never ends is cut between two of them.
        while Index(end, within: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end] + mark
    }

    /// Unicode scalars, as APIs count characters.
    func cut(toCharacters limit: Int) -> String {
        guard unicodeScalars.count > limit else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.prefix(limit - 1))) + "…"
    }
}
