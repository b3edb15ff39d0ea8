/// Finds what belongs to a path. Templates have literal segments, `{name}` for one segment, and `{name}:verb` or `word:verb` at the end.
///
/// A literal wins over a parameter; a parameter does not match a segment with a plain colon. Built once; looking up costs one dictionary access
/// a segment.
struct PathTrie<Value: Sendable>: Sendable {
    private var literals: [Substring: PathTrie] = [:]
    private var parameter: [PathTrie] = []
    /// Name of the parameter that leads here, empty for a literal.
    private var name = ""
    /// By verb; the empty one is for the bare path.
    private var values: [Substring: Value] = [:]

    struct Match {
        let value: Value
        let parameters: [(name: String, value: Substring)]
    }

    /// Changes the value at `template`, `nil` when there is none yet.
    mutating func update(_ template: String, _ change: (inout Value?) -> Void) {
        update(Self.segments(template)[...], change)
    }

    private mutating func update(_ segments: ArraySlice<Substring>, _ change: (inout Value?) -> Void) {
        guard var segment = segments.first else { return change(&values[""]) }
        var verb: Substring?
        if segments.count == 1, let colon = segment.lastIndex(of: ":") {
            verb = segment[segment.index(after: colon)...]
            segment = segment[..<colon]
        }
        func descend(_ child: inout PathTrie) {
            if let verb { change(&child.values[verb]) } else { child.update(segments.dropFirst(), change) }
        }
        if segment.hasPrefix("{"), segment.hasSuffix("}") {
            let name = String(segment.dropFirst().dropLast())
            if let index = parameter.firstIndex(where: { $0.name == name }) {
                descend(&parameter[index])
            } else {
                var child = PathTrie()
                child.name = name
                descend(&child)
                parameter.append(child)
            }
        } else {
            descend(&literals[segment, default: PathTrie()])
        }
    }

    /// Parameters are as received, still percent-encoded: an escaped slash belongs to its segment.
    func find(_ path: String) -> Match? {
        var parameters: [(name: String, value: Substring)] = []
        guard path.utf8.first == UInt8(ascii: "/"), let value = find(Self.segments(path)[...], &parameters) else { return nil }
        return Match(value: value, parameters: parameters)
    }

    private func find(_ segments: ArraySlice<Substring>, _ parameters: inout [(name: String, value: Substring)]) -> Value? {
        guard let segment = segments.first else { return values[""] }
        if let child = literals[segment], let value = child.find(segments.dropFirst(), &parameters) { return value }
        var verb: Substring?
        var head = segment
        if segments.count == 1, let colon = segment.utf8.lastIndex(of: UInt8(ascii: ":")) {
            verb = segment[segment.utf8.index(after: colon)...]
            head = segment[..<colon]
        }
        if let verb, let value = literals[head]?.values[verb], verb != "" { return value }
        for child in parameter {
            if let verb, !head.isEmpty, let value = child.values[verb], verb != "" {
                parameters.append((child.name, head))
                return value
            }
            guard !segment.isEmpty, !segment.utf8.contains(UInt8(ascii: ":")) else { continue }
            parameters.append((child.name, segment))
            if let value = child.find(segments.dropFirst(), &parameters) { return value }
            parameters.removeLast()
        }
        return nil
    }

    private static func segments(_ path: String) -> [Substring] {
        path == "/" ? [] : path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}
