import Foundation
import Primitives

/// A person's decision that failures of one signature which contain a literal text are another trouble. It tells apart what has been masked, which no split can:
/// `exit code 1` and `exit code 137` are one signature.
///
/// What contains the text counts for a signature of an origin of its own, so the machine never puts it together with the rest again, and a person may. That
/// signature is made of nothing but the cut signature and the text: every replica comes to the same, whatever it hears first.
struct Cut: Sendable, Equatable {
    /// Characters (code points) of a text.
    static let (minText, maxText) = (2, 200)
    static let maxPerSignature = 20
    static let maxPerProject = 200
    /// The newest failures of a signature in which a text is looked for before it is cut by it.
    static let lookedAt = 1000

    let id: ID<GroupingDecision>
    let signature: Signature
    let text: String
    let decidedAt: Date
    /// Who: `usr_…` or `key_…`.
    let decidedBy: String
    let note: String
    /// What failures of the signature that contain the text count for.
    let target: Signature

    init(id: ID<GroupingDecision>, signature: Signature, text: String, decidedAt: Date, decidedBy: String, note: String) {
        (self.id, self.signature, self.text) = (id, signature, text)
        (self.decidedAt, self.decidedBy, self.note) = (decidedAt, decidedBy, note)
        target = signature.cut(by: text)
    }

    /// What a person wrote, without the blanks around it.
    /// - Returns: `nil` for what is too short, too long or of several lines.
    static func text(_ written: String) -> String? {
        let text = String(Substring(written).trimmed)
        guard (minText...maxText).contains(text.unicodeScalars.count) else { return nil }
        return text.unicodeScalars.contains { $0.properties.generalCategory == .control } ? nil : text
    }

    /// Whether a failure contains the text, in one of the places that are looked at: message, type, trace, error code, HTTP status (`HTTP404`). Logs are not:
    /// what they say is no sign of what failed. Bytes are compared, so case counts.
    func takes(_ symptoms: Symptoms) -> Bool {
        let status = symptoms.httpStatus > 0 ? "HTTP\(symptoms.httpStatus)" : ""
        return [symptoms.message, symptoms.type, symptoms.trace, symptoms.errorCode, status].contains { $0.holds(text) }
    }

    /// As one of the project's decisions.
    var decision: GroupingDecision {
        GroupingDecision(id: id, kind: .cut, decidedAt: decidedAt, decidedBy: decidedBy, note: note, signatures: 1)
    }
}

/// All cuts of a project.
struct Cuts: Sendable {
    /// Oldest first.
    private let bySignature: [SignatureID: [Cut]]
    private let byTarget: [SignatureID: Cut]
    let count: Int

    init(_ all: [Cut]) {
        let ordered = all.sorted { ($0.decidedAt, $0.id) < ($1.decidedAt, $1.id) }
        count = ordered.count
        bySignature = Dictionary(grouping: ordered, by: \.signature.id)
        byTarget = Dictionary(ordered.map { ($0.target.id, $0) }) { first, _ in first }
    }

    subscript(signature: SignatureID) -> [Cut] { bySignature[signature] ?? [] }

    /// The cuts that lead a failure of a signature to what it counts for: of each signature on the way the oldest that takes it. Empty when none does.
    func path(from signature: SignatureID, for symptoms: Symptoms) -> [Cut] {
        var path: [Cut] = []
        var id = signature
        // Each makes the origin longer, so there is an end.
        while path.count < Cut.maxPerProject, let cut = bySignature[id]?.first(where: { $0.takes(symptoms) }) {
            path.append(cut)
            id = cut.target.id
        }
        return path
    }

    /// The signature that this one was cut out of, at the very beginning; itself when it was cut out of none.
    func root(of signature: SignatureID) -> SignatureID {
        var id = signature
        for _ in 0..<Cut.maxPerProject {
            guard let cut = byTarget[id] else { break }
            id = cut.signature.id
        }
        return id
    }

    /// Whether it was made by a cut.
    func makes(_ signature: SignatureID) -> Bool { byTarget[signature] != nil }
}

extension FailureBatch {
    /// The same failures as people have cut them.
    /// - Parameter moved: signatures that found no room, with what they count for, which may be cut too.
    /// - Returns: `nil` where no cut takes any of them.
    func cut(by cuts: Cuts, countingFor moved: [SignatureID: SignatureID] = [:]) -> FailureBatch? {
        var isCut = false
        let failures = failures.map { failure -> FiledFailure in
            let id = failure.signature.id
            guard let last = cuts.path(from: moved[id] ?? id, for: failure.result.symptoms).last else { return failure }
            isCut = true
            return FiledFailure(result: failure.result, judgement: failure.judgement, signature: last.target)
        }
        return isCut ? with(failures) : nil
    }

    /// The failures that count for something else than what they were signed as.
    /// - Parameters:
    ///   - signed: the same failures as they were signed.
    ///   - moved: signatures that found no room, with what they count for.
    func changes(
        from signed: FailureBatch, _ new: Set<ID<Result>>, _ moved: [SignatureID: SignatureID]
    ) -> [(result: ID<Result>, target: SignatureID)] {
        zip(failures, signed.failures).compactMap { failure, signed -> (result: ID<Result>, target: SignatureID)? in
            let target = moved[failure.signature.id] ?? failure.signature.id
            guard new.contains(failure.result.result), target != signed.signature.id else { return nil }
            return (failure.result.result, target)
        }
    }

    func with(_ failures: [FiledFailure]) -> FailureBatch {
        FailureBatch(
            run: run, project: project, lane: lane, branch: branch, commit: commit, environment: environment, startedAt: startedAt,
            failures: failures)
    }
}

extension String {
    /// Whether the bytes of a text stand in it.
    fileprivate func holds(_ text: String) -> Bool {
        var (whole, part) = (self, text)
        return whole.withUTF8 { whole in
            part.withUTF8 { part in
                guard let first = part.first, whole.count >= part.count else { return false }
                for start in 0...(whole.count - part.count) where whole[start] == first {
                    var place = 1
                    while place < part.count, whole[start + place] == part[place] { place += 1 }
                    if place == part.count { return true }
                }
                return false
            }
        }
    }
}
