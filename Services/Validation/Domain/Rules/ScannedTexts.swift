import Foundation

/// Some of a failure's texts, cut, and what the scanner of a set of rules found in them.
struct ScannedTexts {
    static let maxEvidence = 200

    private let texts: [(bytes: [UInt8], places: [Int32])]

    /// - Parameter withoutOperands: nothing is found in what an assertion compares.
    init(_ texts: [String], by scanner: TextScanner, withoutOperands: Bool = false) {
        self.texts = texts.filter { !$0.isEmpty }.map { text in
            let bytes = Array(text.utf8.prefix(Symptoms.maxBytes))
            let read = withoutOperands ? Comparison.blankingOperands(in: bytes) : bytes
            return (bytes, scanner.places(in: read))
        }
    }

    /// - Parameter needles: numbers of a sign's texts in the scanner.
    func evidence(of needles: [Int]) -> String? {
        guard !needles.isEmpty else { return nil }
        for text in texts {
            for needle in needles where text.places[needle] >= 0 {
                return Self.line(around: Int(text.places[needle]), in: text.bytes)
            }
        }
        return nil
    }

    /// The line that holds `place`, from at most 80 bytes before it.
    static func line(around place: Int, in text: [UInt8]) -> String {
        let newline = UInt8(ascii: "\n")
        let start = max((text[..<place].lastIndex(of: newline) ?? -1) + 1, place - 80)
        let end = min(text[place...].firstIndex(of: newline) ?? text.count, start + maxEvidence)
        return String(decoding: text[start..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}
