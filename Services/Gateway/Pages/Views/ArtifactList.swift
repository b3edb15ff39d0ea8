import CommonAPI
import ExecutionAPI
import Primitives

/// Files of a run or a result, on their pages.
struct ArtifactList: Sendable {
    /// Shown on a page; the API has all.
    static let limit: Int32 = 50

    struct Row: Sendable {
        let path: String
        let name: String
        let about: String
        let size: String
    }

    let rows: [Row]
    let hasRows: Bool
    let note: String?
    let dropped: String?

    /// `nil` when there is nothing to say.
    init?(_ panel: Panel<PBListArtifactsResponse>) {
        let found = panel.content ?? PBListArtifactsResponse()
        rows = found.data.map { artifact in
            let size = artifact.hasWidth ? ", \(artifact.width) × \(artifact.height)" : ""
            return Row(
                path: "/api/v1" + PageAddress.path("artifacts", artifact.id, "content"), name: artifact.name.shortened(to: 200),
                about: artifact.mediaType + size, size: NumberText.bytes(artifact.bytes))
        }
        hasRows = !rows.isEmpty
        note = panel.note ?? (found.page.hasMore_p ? "These are the first \(Self.limit); the API has all." : nil)
        dropped =
            found.hasDropped
            ? "\(NumberText.counted(found.dropped.files, "file")) (\(NumberText.bytes(found.dropped.bytes))) could not be kept: the organization's storage is used up."
            : nil
        if rows.isEmpty, note == nil, dropped == nil { return nil }
    }
}
