import Foundation

/// A failure's texts, cut and in lower case, so that each rule is a plain search of bytes.
struct FoldedSymptoms {
    static let maxEvidence = 200

    private let texts: [(original: [UInt8], folded: [UInt8])]
    private let type: String
    private let symptoms: Symptoms

    init(_ symptoms: Symptoms) {
        self.symptoms = symptoms
        type = symptoms.type.lowercased()
        texts = [symptoms.message, symptoms.type, symptoms.trace, symptoms.standardError].filter { !$0.isEmpty }.map { text in
            let original = Array(text.utf8.prefix(Symptoms.maxBytes))
            return (original, original.map { (65...90).contains($0) ? $0 | 32 : $0 })
        }
    }

    func evidence(of sign: Rule.Sign) -> String? {
        switch sign {
        case .text(let needles):
            for text in texts {
                for needle in needles {
                    if let place = Self.find(needle, in: text.folded) { return Self.line(around: place, in: text.original) }
                }
            }
            return nil
        case .type(let names):
            return names.contains { type == $0 || type.hasSuffix("." + $0) || type.hasSuffix("::" + $0) }
                ? String(symptoms.type.prefix(Self.maxEvidence)) : nil
        case .errorCode(let codes):
            return codes.contains(symptoms.errorCode) ? symptoms.errorCode : nil
        case .httpStatus(let range):
            return range.contains(symptoms.httpStatus) ? "status \(symptoms.httpStatus)" : nil
        case .outcome(let outcome):
            return symptoms.outcome == outcome ? outcome.rawValue : nil
        case .always:
            return ""
        }
    }

    /// `memchr` for the first byte is what makes this fast: most rules are absent from most texts.
    private static func find(_ needle: String, in text: [UInt8]) -> Int? {
        var needle = needle
        return needle.withUTF8 { needle in
            text.withUnsafeBytes { text in
                guard let base = text.baseAddress, let pattern = needle.baseAddress, needle.count <= text.count else { return nil }
                var offset = 0
                let last = text.count - needle.count
                while offset <= last, let hit = memchr(base + offset, Int32(needle[0]), last - offset + 1) {
                    let place = UnsafeRawPointer(hit) - base
                    if memcmp(base + place, pattern, needle.count) == 0 { return place }
                    offset = place + 1
                }
                return nil
            }
        }
    }

    /// The line that holds `place`, from at most 80 bytes before it.
    private static func line(around place: Int, in text: [UInt8]) -> String {
        let newline = UInt8(ascii: "\n")
        let start = max((text[..<place].lastIndex(of: newline) ?? -1) + 1, place - 80)
        let end = min(text[place...].firstIndex(of: newline) ?? text.count, start + maxEvidence)
        return String(decoding: text[start..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}
