import Foundation

/// The calls that a failure's trace shows, innermost first, as Java, Kotlin, Python, JavaScript, .NET, Go, Ruby, PHP, Rust, C++ and Swift print them.
struct StackTrace: Sendable {
    /// Lines and bytes of a trace that are looked at.
    static let maxLines = 200
    static let maxBytes = 16 * 1024

    private(set) var frames: [StackFrame] = []
    /// The lines that are no calls, trimmed, without the heading of a Python trace; at most `maxText`.
    private(set) var text: [Substring] = []
    static let maxText = 16

    init(_ trace: String) {
        let lines = Substring(trace.unicodeScalars.prefix(Self.maxBytes)).split(maxSplits: Self.maxLines, whereSeparator: \.isNewline).prefix(
            Self.maxLines)
        var isPython = false
        var call: Substring = ""
        for line in lines {
            let line = line.trimmed
            if line.isEmpty { continue }
            if line.hasPrefix("Traceback (most recent call last)") { continue }
            if line.hasPrefix("File \"") { isPython = true }
            if let frame = Self.frame(line, after: call) {
                frames.append(frame)
                // Go prints a call's function above its place.
                if !call.isEmpty, text.last == call { text.removeLast() }
                call = ""
            } else {
                call = line.hasSuffix(")") && !line.contains(" ") ? line : ""
                if text.count < Self.maxText { text.append(line) }
            }
        }
        if isPython { frames.reverse() }
    }

    private static func frame(_ line: Substring, after call: Substring) -> StackFrame? {
        if line.hasPrefix("File \"") { return python(line) }
        if line.hasPrefix("at ") { return at(line.dropFirst(3)) }
        var rest = line
        if rest.hasPrefix("#") {
            rest = rest.dropFirst().drop { $0.isNumber }.trimmed
        } else if rest.hasPrefix("from ") {
            rest = rest.dropFirst(5)
        } else if rest.hasPrefix("--> ") {
            rest = rest.dropFirst(4)
        }
        guard let place = Place(rest) else { return nil }
        var function = place.rest
        if function.hasPrefix("in `") || function.hasPrefix("in '") { function = function.dropFirst(4).prefix { $0 != "'" && $0 != "`" } }
        let isFunction = !function.contains(" ") && function != place.rest || line.hasPrefix("#")
        return StackFrame(path: place.path, function: isFunction ? function.prefix { $0 != "(" } : call.prefix { $0 != "(" })
    }

    /// `File "/a/b.py", line 12, in run`
    private static func python(_ line: Substring) -> StackFrame? {
        let path = line.dropFirst(6).prefix { $0 != "\"" }
        let rest = line[path.endIndex...]
        let function = rest.lastIndex(of: ",").map { rest[$0...].dropFirst().trimmed } ?? ""
        return StackFrame(path: path, function: function.hasPrefix("in ") ? function.dropFirst(3) : "")
    }

    /// `a.B.c(B.java:12)`, `run (/a/b.js:1:2)`, `/a/b.js:1:2`, `A.B.C(Int32 i) in C:\b.cs:line 12`; a sentence that begins with "at" is none.
    private static func at(_ line: Substring) -> StackFrame? {
        var line = line
        for word in ["async ", "new "] where line.hasPrefix(word) { line = line.dropFirst(word.count) }
        guard let open = line.firstIndex(of: "(") else {
            return Place(line).map { StackFrame(path: $0.path, function: "") }
        }
        let function = line[..<open].trimmed
        let close = line.lastIndex(of: ")") ?? line.endIndex
        guard open < close else { return nil }
        if let inside = line.range(of: ") in ") {
            return StackFrame(path: Place(line[inside.upperBound...])?.path ?? line[inside.upperBound...], function: function)
        }
        if Place(function + ":1") != nil, line[open...].dropFirst().first?.isNumber == true { return StackFrame(path: function, function: "") }
        guard !function.contains(" ") || function.contains("[as ") else { return nil }
        let location = line[line.index(after: open)..<close]
        return StackFrame(path: Place(location)?.path ?? (location.contains(" ") ? "" : location), function: function.prefix { $0 != " " })
    }

    /// `path:12`, `path:12:5`, `path:line 12` or `path(12)` at the beginning of a text, and what stands behind.
    private struct Place {
        let path: Substring
        let rest: Substring

        init?(_ text: Substring) {
            // The colon of a drive (`C:\`) is part of the path.
            let begin = text.dropFirst(2).startIndex
            guard let end = text[begin...].firstIndex(where: { $0 == ":" || $0 == "(" || $0 == " " }), text[end] != " " else { return nil }
            let path = text[..<end]
            guard let dot = path.lastIndex(of: "."), path.distance(from: dot, to: end) <= 6, path.distance(from: dot, to: end) > 1 else { return nil }
            var number = text[text.index(after: end)...]
            if number.hasPrefix("line ") { number = number.dropFirst(5) }
            guard number.first?.isNumber == true else { return nil }
            // `main.add(0x1)` is a call in Go.
            if text[end] == "(", number.first(where: { !$0.isNumber }) != ")" { return nil }
            self.path = path
            rest = number.drop { $0.isNumber || $0 == ":" || $0 == ")" }.trimmed
        }

        init?(_ text: String) { self.init(Substring(text)) }
    }
}

extension Substring {
    var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
    }
}
