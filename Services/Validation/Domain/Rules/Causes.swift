/// The errors that a trace names as the causes of the one that it is of. They are as much the failure's own words as its message: whoever wraps
/// an error says that this is what happened.
enum Causes {
    /// Java, node and .NET, in this order.
    private static let marks = ["Caused by: ", "[cause]: ", "---> "].map { Array($0.utf8) }

    /// - Returns: lines that begin with a mark, whatever they are indented by; empty without one.
    static func lines(of trace: String) -> String {
        var trace = trace
        return trace.withUTF8 { text in
            var lines: [UInt8] = []
            for line in text.split(separator: UInt8(ascii: "\n")) {
                let words = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
                if marks.contains(where: { words.starts(with: $0) }) { lines += words + [UInt8(ascii: "\n")] }
            }
            return String(decoding: lines, as: UTF8.self)
        }
    }
}
