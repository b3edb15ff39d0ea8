import Foundation
import Primitives

/// What one test did in one run, as it is read back.
struct TestResult: Identified, Sendable {
    static let idPrefix = "res"

    let id: ID<TestResult>
    let run: ID<Run>
    let test: ID<TestIdentity>
    let suiteName: String
    let className: String
    let name: String
    let outcome: Outcome
    /// `nil` when the report did not say.
    let microseconds: Int64?
    let file: String
    let line: Int32?
    let startedAt: Date?
    let recordedAt: Date
    /// Counts from 1: tries of the test in this run that the report tells of, or that were made because a worker was lost.
    let attempt: Int
    /// Of runs of kind suite.
    let caseID: ID<Case>?
    /// What the result says of itself, `key:value`; the run's own tags stand at the run.
    let tags: [String]
    /// Empty texts where there are none. Lists hold the message only, cut at 4 KiB.
    let texts: ResultTexts
    let exchange: Exchange?
    /// Empty in lists.
    let extras: ResultExtras

    /// Who looks after the test: the code owners of its file (`ResultTags`), and whom its report names.
    var owners: [String] {
        let key = CodeOwners.tagKey + ":"
        return Array(tags.lazy.filter { $0.hasPrefix(key) }.map { String($0.dropFirst(key.count)) }.prefix(CodeOwners.mostOwners))
    }
}

/// The long part of a result; most have none.
struct ResultTexts: Equatable, Sendable {
    var message = ""
    var type = ""
    var trace = ""
    var systemOut = ""
    var systemErr = ""

    var isEmpty: Bool { message.isEmpty && type.isEmpty && trace.isEmpty && systemOut.isEmpty && systemErr.isEmpty }
    var byteCount: Int { message.utf8.count + type.utf8.count + trace.utf8.count + systemOut.utf8.count + systemErr.utf8.count }
}
