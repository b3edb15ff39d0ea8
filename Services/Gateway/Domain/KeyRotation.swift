import Primitives

/// How long the old secret of a key stays good once it has a new one.
struct KeyRotation: Sendable {
    static let standard = Duration.seconds(86_400)
    static let longest: Int64 = 30 * 86_400_000

    let overlap: Duration

    /// - Parameter milliseconds: `nil` when not given.
    /// - Throws: `request.invalid` at `/overlap_ms`.
    init(overlap milliseconds: Int64?) throws(Fault) {
        guard milliseconds.map({ (0...Self.longest).contains($0) }) ?? true else {
            throw .invalidField("/overlap_ms", "out_of_range", "The old secret can stay good for 30 days at most.")
        }
        overlap = milliseconds.map { .milliseconds($0) } ?? Self.standard
    }
}
