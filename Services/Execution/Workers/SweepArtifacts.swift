import Foundation

/// Takes away what artifacts leave behind: those that are too old to be kept, contents that no artifact has, files of uploads that broke off.
///
/// Any number of processes may do it at once; one that dies half-way leaves work for the next round.
struct SweepArtifacts: Sendable {
    static let batch = 500

    let artifacts: ArtifactStore
    let storage: any ArtifactStorage
    let incoming: URL
    /// Artifacts are kept for this long.
    let retention: Duration
    /// Contents without an artifact are. Longer than an upload may take between claiming its content and being stored.
    let grace: Duration
    /// After this long somebody who began to delete a content's bytes is taken for dead.
    var patience = Duration.seconds(600)
    /// Files of uploads that broke off with their process (T90).
    var leftovers = Duration.seconds(24 * 3600)

    func round(now: Date) async throws {
        while try await artifacts.expire(before: now - retention, limit: Self.batch) == Self.batch {}
        while true {
            let dying = try await artifacts.condemn(unreferencedSince: now - grace, stale: now - patience, limit: Self.batch)
            for content in dying {
                try await storage.delete(content.content.key(of: content.tenant))
                try await artifacts.forget(content)
            }
            guard dying.count == Self.batch else { break }
        }
        try await IncomingFile.sweep(incoming, olderThan: now - leftovers)
    }
}

extension Date {
    fileprivate static func - (moment: Date, span: Duration) -> Date { moment.addingTimeInterval(-Double(span.components.seconds)) }
}
