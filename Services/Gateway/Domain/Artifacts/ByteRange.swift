/// The `Range` header of RFC 9110, section 14.2, as far as it is served: one range of bytes.
enum ByteRange: Equatable, Sendable {
    /// Everything: no range, one of another unit, one that is malformed, or several, which a server may ignore.
    case whole
    case part(Range<Int64>)
    /// Behind the end.
    case unsatisfiable

    /// - Parameter length: of the content.
    init(_ header: String?, length: Int64) {
        self = .whole
        guard let header, header.utf8.count <= 200 else { return }
        let text = header.filter { $0 != " " && $0 != "\t" }.lowercased()
        guard text.hasPrefix("bytes=") else { return }
        let parts = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return }
        switch (parts[0].isEmpty, parts[1].isEmpty) {
        case (true, true): return
        case (true, false):
            // The last so many bytes; more digits than a number has are more than there are bytes.
            let count = min(Int64(parts[1]) ?? .max, length)
            self = count > 0 ? .part(length - count..<length) : .unsatisfiable
        default:
            let first = Int64(parts[0]) ?? .max
            let last = parts[1].isEmpty ? .max : Int64(parts[1]) ?? .max
            guard first <= last else { return }
            self = first < length ? .part(first..<min(last, length - 1) + 1) : .unsatisfiable
        }
    }
}
