/// By which method changes of level were told, and from what: the same hash by the same edition are the same changes.
struct ChangesReceipt: Sendable {
    let edition: String
    let inputHash: String

    /// `nil` for an answer that says neither: one of an earlier release.
    init?(edition: Int32, inputHash: String) {
        guard edition > 0, !inputHash.isEmpty else { return nil }
        self.edition = "\(edition)"
        self.inputHash = inputHash
    }
}
