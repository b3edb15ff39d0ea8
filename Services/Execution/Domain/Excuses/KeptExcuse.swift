import Crypto
import Foundation
import Primitives

/// All that an answer was made from, as it is stored: as JSON, from which it can be made once more.
struct ExcuseBasis: Codable, Equatable, Sendable {
    let edition: Int32
    let question: ExcuseQuestion

    init(_ excuse: Excuse) {
        edition = excuse.edition
        question = excuse.question.cut
    }

    /// Of the same in the same order always, since the members of an object are sorted.
    func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    static func hash(of bytes: Data) -> Data { Data(SHA256.hash(data: bytes)) }
}

/// What a build was told of the failures of a run, and acted on, with all that it was made from.
struct KeptExcuse: Identified, Sendable {
    static let idPrefix = "exc"
    /// Of one run. What is told changes with the run's failures, and with what is quarantined.
    static let most = 1_000

    /// What it came to.
    struct Counts: Equatable, Sendable {
        let failing: Int
        let passedAgain: Int
        let quarantined: Int
        let isExcused: Bool
    }

    let id: ID<KeptExcuse>
    let project: ID<Project>
    let run: ID<Run>
    let edition: Int32
    let counts: Counts
    let inputHash: Data
    /// When it was first told.
    let decidedAt: Date
    /// An `ExcuseBasis`. Empty in lists.
    var bytes = Data()

    /// - Throws: `excuses.not_replayable`.
    func question() throws(Fault) -> ExcuseQuestion {
        do {
            return try JSONDecoder().decode(ExcuseBasis.self, from: bytes).question
        } catch {
            throw Fault.excuseNotReplayable("What was known when \(id) was told cannot be read.")
        }
    }
}

/// The same answer once more, by the edition that gave it, from what was known then.
struct ExcuseReplay: Sendable {
    let kept: KeptExcuse
    let excuse: Excuse
    let inputHash: Data

    /// - Parameter editions: that there are.
    /// - Throws: `excuses.not_replayable`.
    init(_ kept: KeptExcuse, among editions: [ExcuseEdition] = ExcuseEdition.released) throws {
        guard let edition = ExcuseEdition.numbered(kept.edition, among: editions) else {
            throw Fault.excuseNotReplayable("This release no longer has edition \(kept.edition) of how it is decided what stops a build.")
        }
        self.kept = kept
        excuse = Excuse(try kept.question(), at: kept.decidedAt, by: edition)
        inputHash = ExcuseBasis.hash(of: try ExcuseBasis(excuse).encoded())
    }

    /// All of it comes to the same, and what is kept is what was kept then.
    var agrees: Bool {
        inputHash == kept.inputHash && ExcuseBasis.hash(of: kept.bytes) == kept.inputHash && excuse.counts == kept.counts
    }
}

extension Excuse {
    var counts: KeptExcuse.Counts {
        .init(failing: question.failing, passedAgain: question.passedAgain, quarantined: quarantined.count, isExcused: isExcused)
    }
}

extension Fault {
    static func excuseNotReplayable(_ detail: String) -> Fault { Fault(.precondition, "excuses.not_replayable", detail) }

    static func excusesFull(_ run: ID<Run>) -> Fault {
        Fault(.precondition, "excuses.full", "Run \(run) has \(KeptExcuse.most) answers that are kept; none is given that would not be.")
    }
}
