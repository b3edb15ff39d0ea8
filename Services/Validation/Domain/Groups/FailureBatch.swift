import Foundation
import Primitives

/// A failed result with all that was found out about it.
struct FiledFailure: Sendable {
    let result: FailedResult
    let judgement: Judgement
    let signature: Signature

    /// - Parameter judgements: one a result.
    static func sign(_ results: [FailedResult], _ judgements: [Judgement]) -> [FiledFailure] {
        var signer = FailureSigner()
        var filed: [FiledFailure] = []
        filed.reserveCapacity(results.count)
        for (result, judgement) in zip(results, judgements) {
            filed.append(FiledFailure(result: result, judgement: judgement, signature: result.signature(by: &signer)))
        }
        return filed
    }
}

/// What Execution delivers at once: failures of one run.
struct FailureBatch: Sendable {
    let run: ID<Run>
    let project: ID<Project>
    let lane: Lane
    let branch: String
    let commit: String
    let environment: String
    /// Start of the run, which is the time of its failures; in whole milliseconds.
    let startedAt: Date
    let failures: [FiledFailure]

    func sighting(of result: ID<Result>) -> Sighting {
        Sighting(at: startedAt, result: result, run: run, branch: branch, commit: commit, environment: environment)
    }
}

extension FailedResult {
    func signature(by signer: inout FailureSigner) -> Signature { symptoms.signature(by: &signer, className: className, test: name) }
}

extension Symptoms {
    /// Of a failure of this test. Nothing else is looked at, so that it can be signed again from what is kept (`GroupReplay`).
    func signature(by signer: inout FailureSigner, className: String, test: String) -> Signature {
        signer.signature(
            message: message, type: type, trace: trace, code: !errorCode.isEmpty ? errorCode : httpStatus > 0 ? "HTTP\(httpStatus)" : "",
            className: className, test: test)
    }
}

/// What a batch adds to one signature.
struct SignatureTally: Sendable {
    static let maxSample = 500

    struct TestTally: Sendable {
        let className: String
        let name: String
        /// Of the test; the first failure that has any says them.
        var owners: [String]
        var failures: Int64 = 0

        mutating func add(_ failures: Int64, owners: [String]) {
            self.failures += failures
            if self.owners.isEmpty { self.owners = owners }
        }
    }

    /// The signature that it counts for.
    var id: SignatureID
    var origin: String
    var text: String
    var bucket: SignatureID
    var isMined = true
    private(set) var failures: Int64 = 0
    private(set) var first: ID<Result>
    private(set) var last: FiledFailure
    private(set) var tests: [ID<Test>: TestTally] = [:]

    init(_ failure: FiledFailure) {
        let signature = failure.signature
        (id, origin, text) = (signature.id, signature.origin, signature.text)
        bucket = BucketKey(signature).rest
        first = failure.result.result
        last = failure
        add(failure)
    }

    mutating func add(_ failure: FiledFailure) {
        let result = failure.result
        failures += 1
        first = min(first, result.result)
        if result.result > last.result.result { last = failure }
        tests[result.test, default: TestTally(className: result.className, name: result.name, owners: [])].add(1, owners: result.owners)
    }

    /// The signature is not kept, and counts for `id`: one that it fits in, or what stands for the rest of its bucket.
    mutating func move(to id: SignatureID) {
        if id == bucket { (text, isMined) = (Signature.mask, false) }
        self.id = id
    }

    mutating func add(_ other: SignatureTally) {
        failures += other.failures
        first = min(first, other.first)
        if other.last.result.result > last.result.result { last = other.last }
        for (test, tally) in other.tests {
            tests[test, default: TestTally(className: tally.className, name: tally.name, owners: [])].add(tally.failures, owners: tally.owners)
        }
    }

    var sample: String {
        let symptoms = last.result.symptoms
        let text = !symptoms.message.isEmpty ? symptoms.message : !symptoms.trace.isEmpty ? symptoms.trace : symptoms.type
        return String(text.prefix(Self.maxSample))
    }
}

extension FailureBatch {
    /// In the order of the signatures' ids, which is the order in which rows are locked.
    /// - Parameter new: the failures that count; the others were delivered before.
    func tallies(of new: Set<ID<Result>>) -> [SignatureTally] {
        var tallies: [SignatureID: SignatureTally] = [:]
        for failure in failures where new.contains(failure.result.result) {
            if tallies[failure.signature.id]?.add(failure) == nil { tallies[failure.signature.id] = SignatureTally(failure) }
        }
        return tallies.values.sorted { $0.id < $1.id }
    }
}

extension [SignatureTally] {
    /// After some have been moved: one a signature again.
    func joined() -> [SignatureTally] {
        var tallies: [SignatureID: SignatureTally] = [:]
        for tally in self { if tallies[tally.id]?.add(tally) == nil { tallies[tally.id] = tally } }
        return tallies.values.sorted { $0.id < $1.id }
    }
}
