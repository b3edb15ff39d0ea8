import Foundation
import Primitives

/// A test that is one with another: failures that come under its id are those of the other, which lasts.
struct TestAlias: Sendable, Equatable {
    let alias: ID<Test>
    /// No alias itself.
    let test: ID<Test>
    /// Of the time for which it has been one without a break. Whoever stands for itself again and becomes an alias once more begins another.
    let episode: UUID
}

extension FailureBatch {
    /// The same failures under the tests that last. They keep the names that they came with: signatures are made of them.
    /// - Parameter tests: what aliases stand for.
    func resolved(by tests: [ID<Test>: ID<Test>]) -> FailureBatch {
        with(
            failures.map { failure -> FiledFailure in
                guard let test = tests[failure.result.test] else { return failure }
                return FiledFailure(result: failure.result.of(test), judgement: failure.judgement, signature: failure.signature)
            })
    }
}

extension FailedResult {
    fileprivate func of(_ test: ID<Test>) -> FailedResult {
        FailedResult(
            result: result, test: test, className: className, name: name, outcome: outcome, symptoms: symptoms, owners: owners)
    }
}
