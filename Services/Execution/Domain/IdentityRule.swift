import Foundation

/// Something that is left out of a test's texts before its identity is computed. Stored as JSON.
struct IdentityRule: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable { case uuid, timestamp, number, hex, parameters, parameter }
    enum Part: String, Codable, Sendable { case name, className, suiteName }

    let kind: Kind
    /// Of `.parameter` alone.
    var parameter = ""
    var part = Part.name
    /// Tests whose class name is this, `*` standing for any text; empty for all.
    var className = ""

    /// The text with a `*` for what is left out.
    func apply(to text: String) -> String {
        var text = text
        return text.withUTF8 { bytes in
            var masked = MaskedText(bytes)
            switch kind {
            case .uuid: masked.replace(VolatileText.uuid)
            case .timestamp: masked.replace(VolatileText.timestamp)
            case .number: masked.replace(VolatileText.number)
            case .hex: masked.replace(VolatileText.hex)
            case .parameters: masked.replace(VolatileText.parameters)
            case .parameter: masked.replace { VolatileText.value(of: parameter, $0, $1) }
            }
            return String(decoding: masked.bytes, as: UTF8.self)
        }
    }

    func concerns(className name: String) -> Bool { className.isEmpty || Wildcard.matches(className, name) }
}

extension [IdentityRule] {
    /// The texts from which a test's identity is computed.
    func texts(suite: String, className: String, name: String) -> (suite: String, className: String, name: String) {
        var texts = (suite: VolatileText.withoutAddresses(suite), className: className, name: VolatileText.withoutAddresses(name))
        for rule in self where rule.concerns(className: className) {
            switch rule.part {
            case .name: texts.name = rule.apply(to: texts.name)
            case .className: texts.className = rule.apply(to: texts.className)
            case .suiteName: texts.suite = rule.apply(to: texts.suite)
            }
        }
        return texts
    }
}

/// Bytes of a text, copied with a `*` for each piece that somebody finds volatile.
struct MaskedText {
    private(set) var bytes: [UInt8]

    init(_ text: UnsafeBufferPointer<UInt8>) { bytes = Array(text) }

    /// - Parameter find: says of a place how many bytes from there on are to be left out, and how many before them stay; `nil` for none.
    mutating func replace(_ find: (_ bytes: [UInt8], _ start: Int) -> (kept: Int, dropped: Int)?) {
        var masked: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if let (kept, dropped) = find(bytes, index), dropped > 0 {
                masked += bytes[index..<index + kept]
                masked.append(UInt8(ascii: "*"))
                index += kept + dropped
            } else {
                masked.append(bytes[index])
                index += 1
            }
        }
        bytes = masked
    }
}

/// `*` stands for any text. Time is the product of the lengths at worst.
enum Wildcard {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        matches(Array(pattern.utf8)[...], Array(text.utf8)[...])
    }

    /// - Parameter single: a byte that stands for any one byte.
    static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>, single: UInt8? = nil) -> Bool {
        var (p, t) = (pattern.startIndex, text.startIndex)
        var star: (pattern: Int, text: Int)?
        while t < text.endIndex {
            if p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
            } else if p < pattern.endIndex, pattern[p] == text[t] || pattern[p] == single {
                p += 1
                t += 1
            } else if let last = star {
                p = last.pattern + 1
                t = last.text + 1
                star = (last.pattern, t)
            } else {
                return false
            }
        }
        while p < pattern.endIndex, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.endIndex
    }
}
