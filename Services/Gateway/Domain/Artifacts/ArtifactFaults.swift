import Primitives

// Artifacts over HTTP; what they are about Execution decides.
extension Fault {
    static let artifactEncoding = Fault(
        .invalid, "upload.unsupported_encoding", "Artifacts are kept as they come: send the file itself, without Content-Encoding.")

    static func artifactRange(_ length: Int64) -> Fault {
        Fault(.invalid, "artifact.range_not_satisfiable", "The file has \(length) bytes, and the range begins behind them.")
    }

    /// The answer has begun: its end is all that the client sees of it.
    static let artifactCutOff = Fault(.internal, "artifact.content_missing", "The content of the artifact ends too early.")
}
