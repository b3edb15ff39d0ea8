import Foundation
import Primitives

/// Puts `***` where a text holds one of some secrets: plain, in base64, percent-encoded, or escaped as in JSON or HTML (T83).
///
/// Base64 of a text depends on what stands before it: a secret has three forms, of which the middle is the same whatever is around it. The same is done
/// by the runner of GitHub Actions (`ValueEncoders.cs`, Base64StringEscapeShift). Here each text is unescaped and searched, so that any mixture of
/// escaped and plain characters is found; a text is unescaped once, so what was escaped twice is not.
struct SecretMask: Sendable {
    static let mark = "***"

    /// Bytes as they would stand in a text that has no escapes.
    private let forms: [ByteSearch]
    /// How many bytes beyond a cut must be known to see whether a secret begins before it: each byte of a form may be escaped by up to ten.
    let reach: Int

    init(_ secrets: [Secret<String>]) {
        var forms: Set<[UInt8]> = []
        for secret in secrets {
            let bytes = Array(secret.reveal().utf8)
            guard !bytes.isEmpty else { continue }
            forms.insert(bytes)
            for shift in 0..<3 { forms.formUnion(Self.base64(bytes, shift: shift)) }
        }
        self.forms = forms.map(ByteSearch.init)
        reach = 10 * (forms.map(\.count).max() ?? 0)
    }

    static let none = SecretMask([])

    func masked(_ text: String) -> String {
        guard !forms.isEmpty else { return text }
        let bytes = Array(text.utf8)
        let found = ranges(in: bytes)
        return found.isEmpty ? text : String(decoding: replaced(bytes, found, until: bytes.count).bytes, as: UTF8.self)
    }

    /// The text up to `end`, where a secret that begins before it is replaced as a whole.
    /// - Parameter bytes: up to `end + reach`.
    /// - Returns: and whether it ends with a mark.
    func masked(_ bytes: [UInt8], until end: Int) -> (bytes: [UInt8], endsMasked: Bool) {
        replaced(bytes, forms.isEmpty ? [] : ranges(in: bytes), until: min(end, bytes.count))
    }

    private func replaced(_ bytes: [UInt8], _ found: [Range<Int>], until end: Int) -> (bytes: [UInt8], endsMasked: Bool) {
        var result: [UInt8] = []
        var position = 0
        for range in found where range.lowerBound < end {
            result += bytes[position..<range.lowerBound]
            result += Self.mark.utf8
            position = range.upperBound
        }
        guard position < end else { return (result, position > 0) }
        result += bytes[position..<end]
        return (result, false)
    }

    /// Where secrets are, in order and apart.
    private func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        for view in UnescapedText.views(of: bytes) {
            for form in forms { found += view.ranges(of: form) }
        }
        var apart: [Range<Int>] = []
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = apart.last, range.lowerBound <= last.upperBound {
                apart[apart.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                apart.append(range)
            }
        }
        return apart
    }

    /// What base64 of any text has in it that holds these bytes `shift` bytes behind a multiple of three; in the usual alphabet and that of URLs.
    private static func base64(_ bytes: [UInt8], shift: Int) -> [[UInt8]] {
        let digits = Array(Data(repeating: 0, count: shift) + bytes).base64
        // A digit is six bits; only those count that are of the bytes alone.
        let inside = digits[(shift * 8 + 5) / 6..<(shift + bytes.count) * 8 / 6]
        let urls = inside.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }
        return [Array(inside), urls]
    }
}

extension [UInt8] {
    fileprivate var base64: [UInt8] { Array(Data(self).base64EncodedData()) }
}
