import Primitives

// Of uploads that come in pieces.
extension Fault {
    /// Its fields become the members that the draft's problem type has.
    static func offsetMismatch(expected: Int64, provided: Int64) -> Fault {
        Fault(
            .conflict, "upload.offset_mismatch", "\(expected) bytes are here: go on from there, not from \(provided).",
            fields: [.init("expected-offset", "offset", "\(expected)"), .init("provided-offset", "offset", "\(provided)")])
    }

    static func inconsistentLength(_ known: Int64?, _ named: Int64) -> Fault {
        let before = known.map { "The upload was to have \($0) bytes" } ?? "There is more of the upload than that already"
        return Fault(.invalid, "upload.inconsistent_length", "\(before), and now \(named).")
    }

    static let alreadyCompleted = Fault(.invalid, "upload.already_completed", "The upload is complete; nothing can be added to it.")

    static let tooManyOpenUploads = Fault(
        .exhausted, "upload.too_many_open",
        "The project has \(PartialUpload.maxOpen) uploads that are not complete. Finish or cancel some; each is forgotten a day after it began.",
        retryAfter: .seconds(60))

    /// The code that repeated requests get everywhere.
    static let otherUpload = Fault(
        .invalid, "idempotency_mismatch", "This Idempotency-Key began an upload with other headers or another query.")
}
