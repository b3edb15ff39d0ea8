import Primitives

/// Why a case could not be carried out or judged: it ends as ERRORED, which says something about the test or its surroundings and
/// nothing about the product under test.
struct CaseError: Error, Equatable {
    /// Stable; users match on it (`unknown_variable`, `timeout`, `blocked_target`, …).
    let code: String
    /// A sentence for the person who wrote the case: what is wrong and what to do.
    let detail: String

    init(_ code: String, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
