import Foundation

/// The path of a route: literal segments, `{parameter}`, and `{parameter}:verb` at the end for what is neither reading nor changing.
///
/// A parameter does not match a segment with a plain colon, so `/runs/{run}` and `/runs/{run}:cancel` never answer the same request.
package struct PathTemplate: Sendable, Hashable, CustomStringConvertible {
    package enum Segment: Sendable, Hashable {
        case literal(String)
        /// `verb` is what follows the colon.
        case parameter(String, verb: String?)
    }

    /// Why a text is no template.
    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    package let segments: [Segment]

    package init(_ text: String) throws(Malformed) {
        guard text.hasPrefix("/") else { throw Malformed(description: "the path '\(text)' does not begin with '/'") }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var segments: [Segment] = []
        for (index, part) in parts.enumerated() {
            guard let segment = Self.segment(part, isLast: index == parts.count - 1) else {
                throw Malformed(description: "the segment '\(part)' of the path '\(text)' is neither a literal nor {field} nor a final {field}:verb")
            }
            segments.append(segment)
        }
        self.segments = segments
        if Set(parameters).count < parameters.count { throw Malformed(description: "the path '\(text)' names a field twice") }
    }

    /// Names of the parameters, from left to right.
    package var parameters: [String] {
        segments.compactMap { if case .parameter(let name, _) = $0 { name } else { nil } }
    }

    package var description: String {
        segments.map { segment in
            switch segment {
            case .literal(let text): "/\(text)"
            case .parameter(let name, let verb): "/{\(name)}\(verb.map { ":\($0)" } ?? "")"
            }
        }.joined()
    }

    /// The values of the parameters when `path` (still percent-encoded, without query) has this form, else nil. Values are decoded and never empty.
    package func match(_ path: String) -> [String: String]? {
        match(Self.split(path))
    }

    /// The same for a path that was split once for many templates.
    package func match(_ parts: [Substring]) -> [String: String]? {
        guard parts.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let text):
                guard part == text else { return nil }
            case .parameter(let name, let verb):
                var raw = part
                if let verb {
                    guard raw.hasSuffix(":\(verb)") else { return nil }
                    raw = raw.dropLast(verb.count + 1)
                }
                guard !raw.isEmpty, !raw.contains(":"), let value = raw.removingPercentEncoding else { return nil }
                values[name] = value
            }
        }
        return values
    }

    /// The segments of a path; nothing for one that does not begin with a slash.
    package static func split(_ path: String) -> [Substring] {
        path.hasPrefix("/") ? path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) : []
    }

    /// Whether some path has both forms.
    package func overlaps(_ other: PathTemplate) -> Bool {
        segments.count == other.segments.count
            && zip(segments, other.segments).allSatisfy { mine, theirs in
                switch (mine, theirs) {
                case (.literal(let a), .literal(let b)): a == b
                case (.parameter(_, let a), .parameter(_, let b)): a == b
                case (.literal(let text), .parameter(_, let verb)), (.parameter(_, let verb), .literal(let text)):
                    verb.map { text.hasSuffix(":\($0)") } ?? !text.contains(":")
                }
            }
    }

    private static func segment(_ part: Substring, isLast: Bool) -> Segment? {
        if let literal = try? /[A-Za-z0-9._~:-]+/.wholeMatch(in: part) { return .literal(String(literal.output)) }
        guard let match = try? /\{([a-z][a-z0-9_]*)\}(?::([a-z][a-z-]*))?/.wholeMatch(in: part) else { return nil }
        let verb = match.output.2.map(String.init)
        return verb == nil || isLast ? .parameter(String(match.output.1), verb: verb) : nil
    }
}

/// For generated code, whose templates the generator has parsed before it wrote them.
extension PathTemplate: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        do {
            try self.init(text)
        } catch {
            preconditionFailure(error.description)
        }
    }
}
