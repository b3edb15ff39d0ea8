import Foundation
import Primitives

/// Under which tags the results of one upload, or of one executed suite, are to be found.
struct TagIndex: Sendable {
    /// Different tags that results of one upload may have by themselves; whatever goes beyond is stored with its result and not found by it. A property
    /// that is another one in every test, a measurement or an address, is no word to look for.
    static let mostOwn = 10_000
    static let mostValues = 1_000

    let project: ID<Project>
    /// What the run says of all of them.
    let ofAll: [Tag: UUID]
    private(set) var own: [Tag: UUID] = [:]
    private var values: [String: Int] = [:]
    /// Keys that have more values than are looked for.
    private(set) var overfull: Set<String> = []

    init(project: ID<Project>, ofAll: Set<Tag>) {
        self.project = project
        self.ofAll = Dictionary(uniqueKeysWithValues: ofAll.map { ($0, $0.id(in: project)) })
    }

    /// Ids of the tags under which one result is found beside `ofAll`.
    mutating func ids(_ tags: [Tag]) -> [UUID] {
        var ids: [UUID] = []
        for tag in tags where ofAll[tag] == nil {
            if let known = own[tag] {
                ids.append(known)
                continue
            }
            let key = tag.key
            guard own.count < Self.mostOwn, values[key, default: 0] < Self.mostValues else {
                if overfull.count < 100 { overfull.insert(key) }
                continue
            }
            values[key, default: 0] += 1
            let id = tag.id(in: project)
            own[tag] = id
            ids.append(id)
        }
        return ids
    }

    /// What may be offered to those who look for a tag.
    var offered: [Tag] { (Array(ofAll.keys) + own.keys).filter { $0 != .everything }.sorted() }
}

/// Rows of the tag index, as columns.
struct TagSegments: Sendable {
    private(set) var tags: [UUID] = []
    private(set) var outcomes: [Int16] = []
    private(set) var first: [UUID] = []
    private(set) var last: [UUID] = []

    var isEmpty: Bool { tags.isEmpty }

    mutating func append(_ tag: UUID, _ outcome: Outcome, from first: ID<TestResult>, to last: ID<TestResult>) {
        tags.append(tag)
        outcomes.append(outcome.rawValue)
        self.first.append(first.uuid)
        self.last.append(last.uuid)
    }

    /// What a whole upload is found under: a row for each tag and each outcome that there is.
    init(_ index: TagIndex, _ counts: Counts, _ ids: ResultIDs) {
        let present = Outcome.allCases.filter { counts[$0] > 0 }
        for tag in index.ofAll.values {
            for outcome in present { append(tag, outcome, from: ids.first, to: ids.last) }
        }
    }

    /// What results are found under that have come one by one.
    init(_ index: TagIndex, each batch: ResultBatch) {
        for (id, outcome) in zip(batch.ids, batch.outcomes) {
            for tag in index.ofAll.values { append(tag, Outcome(rawValue: outcome) ?? .errored, from: ID(uuid: id), to: ID(uuid: id)) }
        }
    }

    init() {}
}
