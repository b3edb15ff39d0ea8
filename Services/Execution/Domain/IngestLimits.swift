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

    /// When the rows and texts that were read are handed on to the database.
    var batchRows = 4000
    var batchBytes = 4 << 20
}
