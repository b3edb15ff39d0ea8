import Crypto
import Foundation

extension Symptoms {
    /// What is judged and kept: texts cut to what rules see, without what PostgreSQL does not take.
    var bounded: Symptoms {
        var bounded = self
        bounded.message = Self.cut(message)
        bounded.type = Self.cut(type)
        bounded.trace = Self.cut(trace)
        bounded.standardError = Self.cut(standardError)
        bounded.standardOutput = Self.cut(standardOutput)
        bounded.errorCode = Self.cut(errorCode)
        return bounded
    }

    /// SHA-256 over all that a rule may look at, each part behind its length, so that no two symptoms are written alike. What came later than the outcome is
    /// a part only where there is any: the hashes of older receipts stay what they were.
    var hash: Data {
        var hash = SHA256()
        let first = [message, type, trace, standardError, "\(httpStatus)", errorCode, outcome.rawValue]
        for part in first + (standardOutput.isEmpty ? [] : [standardOutput]) {
            var part = part
            hash.update(data: Data("\(part.utf8.count):".utf8))
            part.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        }
        return Data(hash.finalize())
    }

    /// Never in the middle of a character.
    private static func cut(_ text: String) -> String {
        var text = text
        if text.utf8.contains(0) { text = text.replacing("\0", with: "") }
        guard text.utf8.count > maxBytes else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: maxBytes)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text.unicodeScalars[..<end])
    }
}
