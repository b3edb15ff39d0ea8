import HTTPTypes
import NIOCore
import Primitives

/// What is uploaded, wherever its bytes come from: a request, or the pieces that earlier requests have brought.
struct UploadContent: Sendable {
    let body: UploadBody
    let fields: UploadFields
    /// Seconds to wait for the end of the run.
    let wait: Int
    /// What a repetition is held against. The bytes are no part of it: they would have to be read before it is known whether they are wanted.
    /// Execution compares contents.
    private let declared: [(name: String, value: String)]
    let next: @Sendable () async throws -> ByteBuffer?

    /// - Parameter length: of the body, as it was said; empty when it was not.
    /// - Throws: faults of the body's type and of the query's fields.
    init(
        contentType: String?, contentEncoding: [String], length: String, query: [(name: String, value: String)],
        next: @escaping @Sendable () async throws -> ByteBuffer?
    ) throws(Fault) {
        body = try UploadBody(contentType: contentType, contentEncoding: contentEncoding)
        var fields = UploadFields()
        var wait = 0
        for (name, value) in query {
            if name == "wait" {
                guard let seconds = Int(value), (0...60).contains(seconds) else { throw Fault.parameterInvalid(name, "0 to 60 seconds") }
                wait = seconds
            } else {
                try fields.set(name, to: value)
            }
        }
        self.fields = fields
        self.wait = wait
        self.next = next
        declared = query + [("type", contentType.map { HeaderParameters($0)?.value ?? "" } ?? ""), ("length", length)]
    }

    func fingerprint(project: String) -> [(name: String, value: String)] { declared + [("project", project)] }
}
