/// What became of the uploads of a command.
struct Delivery: Equatable, Sendable {
    var receipts: [UploadReceipt] = []
    /// The server answered this command for each of them. Otherwise another process was sending one, or it was dropped from the outbox, and what that
    /// holds is not known here.
    var isComplete = true

    /// The server took all that the uploads hold, and said so here: only then nothing but what it tells of can have failed.
    var isWhole: Bool { isComplete && receipts.allSatisfy { ($0.rejected ?? 0) == 0 } }

    static func += (delivery: inout Delivery, more: Delivery) {
        delivery.receipts += more.receipts
        delivery.isComplete = delivery.isComplete && more.isComplete
    }
}
