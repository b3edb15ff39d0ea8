import Foundation
import Primitives

enum Outcome: String, Sendable, CaseIterable { case failed, errored }

/// A result that did not pass, as Execution delivers it.
struct FailedResult: Sendable {
    static let maxBatch = 2000
    static let mostOwners = 10

    let result: ID<Result>
    let test: ID<Test>
    let className: String
    let name: String
    let outcome: Outcome
    let symptoms: Symptoms
    /// Who looks after the test, as far as its project's CODEOWNERS or its report say.
    var owners: [String] = []
}

/// What a rule may look at.
struct Symptoms: Sendable {
    /// Texts are cut here before any rule sees them, so that judging takes bounded time.
    static let maxBytes = 8 * 1024

    var message = ""
    var type = ""
    var trace = ""
    var standardError = ""
    /// Its end. Empty for what was judged before edition 3 of the rules that everybody has.
    var standardOutput = ""
    /// The status that came back to an HTTP case, 0 without one.
    var httpStatus: Int32 = 0
    /// Why there was no answer (`dns_failed`, `timeout`, …); empty when there was one.
    var errorCode = ""
    var outcome = Outcome.failed
}

/// The same result, filed.
struct Failure: Sendable {
    let result: ID<Result>
    let run: ID<Run>
    let project: ID<Project>
    let test: ID<Test>
    let testName: String
    let className: String
    let outcome: Outcome
    /// Category and severity are a person's where there is one.
    let judgement: Judgement
    /// What the machine says where a person says something else.
    let overruled: Overruled?
    let message: String
    let judgedAt: Date
    /// `nil` when it fits in none that is known.
    let group: ID<FailureGroup>?
    /// `nil` for what was filed before there were groups.
    let signature: ID<Signature>?
}

/// What the machine would have made of a failure that a person decided.
struct Overruled: Sendable, Equatable {
    let category: Category
    let severity: Severity
}

/// What was decided by which rule, and the words that made it.
struct Judgement: Sendable, Equatable {
    let category: Category
    let severity: Severity
    let rule: String
    let evidence: String
    /// What it was decided after, the nearest first; empty where a rule decided.
    var neighbours: [Neighbour] = []
}

enum Result: Identified { static let idPrefix = "res" }
enum Test: Identified { static let idPrefix = "tst" }
enum Run: Identified { static let idPrefix = "run" }
enum Project: Identified { static let idPrefix = "prj" }
