/// What one upload may cost. Tests pass smaller numbers; production has these.
struct IngestLimits: Sendable {
    /// Sums over all files of an upload, in bytes.
    var wireBytes: Int64 = 256 << 20
    var decodedBytes: Int64 = 1 << 30
    /// How many times its size a compressed file may unfold to, once past `ratioFreeBytes`.
    var ratio: Int64 = 100
    var ratioFreeBytes: Int64 = 1 << 20
    var files = 1000
    var cases = 2_000_000

    /// Elements inside each other, attributes of one, bytes of an attribute's value.
    var depth = 100
    var attributes = 200
    var attributeBytes = 1 << 20

    /// Bytes that are kept of names (suite, class, test, file, type), and of every longer text.
    var nameBytes = 4 << 10
    var textBytes = 64 << 10

    /// Of one case: properties or attachments, and tries beside the one that stands.
    var properties = 100
    var attempts = 20

    /// Suites of an upload of which properties and output are kept; and of one of them: properties, and bytes of everything.
    var suites = 1000
    var suiteProperties = 500
    var suiteBytes = 64 << 10

    /// One record of a JSON report, and one line of a report in lines, in bytes.
    var recordBytes = 8 << 20
    var lineBytes = 4 << 20
    /// Cases that are held until the report says more of them, in formats that name the class after the result.
    var heldCases = 500_000
    /// Bytes of what is held of them, and of tests that have begun and not ended.
    var heldBytes = 128 << 20
    /// Entries of one archive.
    var entries = 10_000

    /// When the rows and texts that were read are handed on to the database.
    var batchRows = 4000
    var batchBytes = 4 << 20
}
