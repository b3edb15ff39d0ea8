import Primitives

/// What the importer asks of every format. One type per format, one file per type.
///
/// A parser takes a report as its bytes arrive and puts what it finds into its sink; any division of the file gives the same cases. One task
/// feeds it. Whoever feeds takes the cases out, so that a file is never held as a whole.
protocol ReportParser: AnyObject {
    var sink: ReportSink { get }

    /// - Parameter bytes: decoded.
    /// - Throws: a `ReportRefusal`, or `upload.too_large`.
    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault)

    /// The file is at its end. Everything complete stays; what is missing is told as a warning.
    func finish() throws(Fault) -> ReportSummary
}

/// What is to be said of one file once it has been read.
struct ReportSummary: Equatable {
    let isReport: Bool
    /// Cut off, broken, or no report at all.
    let incomplete: Bool
}
