// assay-bench is linked without the test library.
#if canImport(Testing)
import Testing

/// Waits until `condition` holds, looking every few milliseconds, and records an issue when it does not within `limit`. A condition that throws
/// does not hold yet.
///
///     try await eventually(within: .seconds(5)) { try await runs.get(id).state == .passed }
package func eventually(
    within limit: Duration = .seconds(30), _ comment: @autoclosure () -> Comment? = nil, isolation: isolated (any Actor)? = #isolation,
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(2)
    var lastError: (any Error)?
    repeat {
        do {
            if try await condition() { return }
            lastError = nil
        } catch {
            lastError = error
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 1.5, .milliseconds(50))
    } while ContinuousClock.now < deadline
    let cause = lastError.map { " (\($0))" } ?? ""
    Issue.record("not within \(limit): \(comment()?.rawValue ?? "the condition")\(cause)", sourceLocation: sourceLocation)
}
#endif
