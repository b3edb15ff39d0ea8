import Primitives

/// What a report says of a whole suite: settings of the machine, output of what all tests share. Kept for suites that say anything.
struct ReportedSuite: Equatable, Sendable {
    /// A page of as many fits into one message, whatever they hold.
    static let mostInPage = 50

    var name = ""
    /// Name of the report's file.
    var file = ""
    /// In the order of the report; names may come more than once.
    var properties: [ResultExtras.Property] = []
    var systemOut = ""
    var systemErr = ""

    var isEmpty: Bool { properties.isEmpty && systemOut.isEmpty && systemErr.isEmpty }
    var byteCount: Int {
        name.utf8.count + properties.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } + systemOut.utf8.count + systemErr.utf8.count
    }

    /// Adds a property, or output behind the output that is there.
    /// - Returns: `false` when a part of it had no room within `limits.suiteBytes`.
    mutating func add(property name: String, _ value: String, _ limits: IngestLimits) -> Bool {
        let room = limits.suiteBytes - byteCount
        guard properties.count < limits.suiteProperties, name.utf8.count + value.utf8.count <= room else { return false }
        properties.append(.init(name: name, value: value))
        return true
    }

    mutating func add(output: String, to field: WritableKeyPath<Self, String>, _ limits: IngestLimits) -> Bool {
        guard !output.isEmpty else { return true }
        let room = max(0, limits.suiteBytes - byteCount - 2)
        let kept = output.utf8.count <= room ? output : Excerpt.of(output, limit: room)
        self[keyPath: field] += self[keyPath: field].isEmpty || kept.isEmpty ? kept : "\n\n" + kept
        return kept.utf8.count == output.utf8.count
    }
}

/// A suite of a run as it is stored.
struct RunSuite: Equatable, Sendable {
    let upload: ID<Upload>
    /// In the upload, from 0.
    let position: Int32
    let suite: ReportedSuite
}
