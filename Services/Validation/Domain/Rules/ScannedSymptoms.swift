import Foundation

/// A failure's texts, cut, and what the scanner of a set of rules found in them.
struct ScannedSymptoms {
    static let maxEvidence = 200

    private let texts: [(bytes: [UInt8], places: [Int32])]
    /// The type in lower case, whole and without each of its qualifiers.
    private let types: Set<String>
    private let symptoms: Symptoms

    init(_ symptoms: Symptoms, by scanner: TextScanner) {
        self.symptoms = symptoms
        types = Self.types(symptoms.type.lowercased())
        texts = [symptoms.message, symptoms.type, symptoms.trace, symptoms.standardError].filter { !$0.isEmpty }.map { text in
            let bytes = Array(text.utf8.prefix(Symptoms.maxBytes))
            return (bytes, scanner.places(in: bytes))
        }
    }

    /// - Parameter needles: numbers of the sign's texts in the scanner; empty for other signs.
    func evidence(of sign: Rule.Sign, needles: [Int]) -> String? {
        switch sign {
        case .text, .word:
            for text in texts {
                for needle in needles where text.places[needle] >= 0 {
                    return Self.line(around: Int(text.places[needle]), in: text.bytes)
                }
            }
            return nil
        case .type(let names):
            return names.contains { types.contains($0) } ? String(symptoms.type.prefix(Self.maxEvidence)) : nil
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

    /// Of `a.b::C` it is `a.b::c`, `b::c` and `c`. What has more than 20 qualifiers is no name of a type.
    private static func types(_ type: String) -> Set<String> {
        var types: Set = [type]
        var rest = Substring(type)
        while types.count <= 20, let place = rest.firstIndex(where: { $0 == "." || $0 == ":" }) {
            rest = rest[place...].drop { $0 == "." || $0 == ":" }
            types.insert(String(rest))
        }
        return types
    }

    /// The line that holds `place`, from at most 80 bytes before it.
    static func line(around place: Int, in text: [UInt8]) -> String {
        let newline = UInt8(ascii: "\n")
        let start = max((text[..<place].lastIndex(of: newline) ?? -1) + 1, place - 80)
        let end = min(text[place...].firstIndex(of: newline) ?? text.count, start + maxEvidence)
        return String(decoding: text[start..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}
