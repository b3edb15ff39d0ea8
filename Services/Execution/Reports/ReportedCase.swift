import Foundation

/// One test case as a report tells it, before it has an id.
struct ReportedCase: Equatable, Sendable {
    /// Name of the innermost suite that has one; the outer ones are often paths of the machine that ran the tests.
    var suiteName = ""
    var className = ""
    var name = ""
    var file = ""
    var line: Int32?
    /// The machine that carried it out; empty when the report does not say.
    var host = ""
    /// `nil` when the report does not say, or says something impossible.
    var microseconds: Int64?
    var startedAt: Date?
    var outcome = Outcome.passed
    /// `nil` for most that passed.
    var texts: ResultTexts?
    /// `nil` for most.
    var extras: ResultExtras?
}

extension ReportedCase {
    /// Tries of the test that the report tells of, the one that stands among them.
    var tries: Int { 1 + (extras?.attempts.count ?? 0) }

    /// Its properties, as far as they are short enough to be looked for. Parameters belong to the test's name.
    var tags: [Tag] {
        guard let properties = extras?.properties, !properties.isEmpty else { return [] }
        var tags: [Tag] = []
        for property in properties where !property.value.isEmpty && !property.name.hasPrefix("parameter.") {
            guard let tag = Tag(key: property.name, value: property.value), !tags.contains(tag) else { continue }
            tags.append(tag)
            if tags.count == Tag.perResult { break }
        }
        return tags
    }

    mutating func add(property name: String, _ value: String, _ limits: IngestLimits) {
        var extras = extras ?? ResultExtras()
        guard extras.properties.count < limits.properties else { return }
        extras.properties.append(.init(name: Excerpt.of(name, limit: limits.nameBytes), value: Excerpt.of(value, limit: limits.nameBytes)))
        self.extras = extras
    }

    mutating func add(attachment path: String, type: String = "", _ limits: IngestLimits) {
        var extras = extras ?? ResultExtras()
        guard extras.attachments.count < limits.properties, !path.isEmpty else { return }
        extras.attachments.append(.init(path: Excerpt.of(path, limit: limits.nameBytes), type: Excerpt.of(type, limit: 255)))
        self.extras = extras
    }

    mutating func add(_ attempt: ResultExtras.Attempt, _ limits: IngestLimits) {
        var extras = extras ?? ResultExtras()
        guard extras.attempts.count < limits.attempts else { return }
        extras.attempts.append(attempt)
        self.extras = extras
    }
}
