import Foundation
import Primitives

/// The claims of a provider's ID token, as far as anybody asks for them: texts, and numbers and truth values as text.
struct TokenClaims: Hashable, Sendable {
    static let maxAudiences = 10

    private let values: [String: Value]

    private enum Value: Hashable, Decodable {
        case text(String)
        case texts([String])
        case number(Double)
        case flag(Bool)
        /// Objects, null, lists of something else: nothing that a policy could compare.
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let texts = try? container.decode([String].self) {
                self = .texts(texts)
            } else {
                self = .other
            }
        }
    }

    /// - Returns: `nil` unless it is an object in which no name stands twice, at any depth.
    init?(json: Data) {
        guard json.first == UInt8(ascii: "{"), (try? JSONLint.check([UInt8](json))) != nil,
            let values = try? JSONDecoder().decode([String: Value].self, from: json)
        else { return nil }
        self.values = values
    }

    /// `nil` for a claim that is absent, and for one that is no single value.
    subscript(_ name: String) -> String? {
        switch values[name] {
        case .text(let text): text
        case .flag(let flag): flag ? "true" : "false"
        case .number(let number): Self.whole(number).map { "\($0)" } ?? "\(number)"
        case .texts, .other, nil: nil
        }
    }

    /// A claim that is a text and not empty.
    func text(_ name: String) -> String? {
        guard case .text(let text) = values[name], !text.isEmpty else { return nil }
        return text
    }

    /// Unix time in seconds; `nil` for what is absent, no number, or beyond what a clock shows.
    func seconds(_ name: String) -> Int64? {
        guard case .number(let number) = values[name] else { return nil }
        return Self.whole(number.rounded(.down))
    }

    func contains(_ name: String) -> Bool { values[name] != nil }

    /// Empty when there is none, or it is not what RFC 7519 says.
    var audiences: [String] {
        switch values["aud"] {
        case .text(let text): [text]
        case .texts(let texts) where texts.count <= Self.maxAudiences: texts
        default: []
        }
    }

    private static func whole(_ number: Double) -> Int64? {
        // Doubles hold every integer up to 2⁵³.
        guard number.magnitude <= 9_007_199_254_740_992, number == number.rounded() else { return nil }
        return Int64(number)
    }
}
