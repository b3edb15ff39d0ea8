/// Puts `***` where a line shows a secret by its form: behind a name such as `password=`, in the authority of an address, behind `Bearer`, or with
/// the beginning that a provider gives its keys. What looks like nothing is not found: whoever logs secrets has to stop.
enum LineSecrets {
    static let mark = "***"

    /// - Returns: `nil` when the line is to be kept as it is.
    static func masked(_ line: [UInt8]) -> String? {
        var found: [Range<Int>] = []
        var place = 0
        while place < line.count {
            if let range = secret(in: line, at: place) {
                found.append(range)
                place = max(range.upperBound, place + 1)
            } else {
                place += 1
            }
        }
        guard !found.isEmpty else { return nil }
        var text: [UInt8] = []
        var end = 0
        for range in found {
            text += line[end..<range.lowerBound]
            text += Array(mark.utf8)
            end = range.upperBound
        }
        return String(decoding: text + line[end...], as: UTF8.self)
    }

    private static func secret(in line: [UInt8], at place: Int) -> Range<Int>? {
        let isBeginning = place == 0 || !isWord(line[place - 1])
        switch line[place] | 0x20 {
        case UInt8(ascii: ":") where line[place...].starts(with: Array("://".utf8)): return userInfo(line, place + 3)
        case UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "c"), UInt8(ascii: "e"), UInt8(ascii: "g"), UInt8(ascii: "p"), UInt8(ascii: "s"),
            UInt8(ascii: "t"), UInt8(ascii: "x"):
            for name in names where begins(line, place, name) { if let range = value(line, of: name, at: place) { return range } }
            guard isBeginning else { return nil }
            for scheme in schemes where begins(line, place, scheme) { return token(line, from: place + scheme.count, atLeast: 8) }
            for (prefix, least) in prefixes where line[place...].starts(with: prefix) {
                if let range = token(line, from: place, atLeast: least) { return range }
            }
            return nil
        default: return nil
        }
    }

    /// What stands behind `=`, `:`, `=>` or `:=`, or behind the name of an option, in quotation marks or up to the next blank; of a header to the end of the
    /// line, because its value has parts.
    private static func value(_ line: [UInt8], of name: [UInt8], at start: Int) -> Range<Int>? {
        let (double, single, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"))
        var place = start + name.count
        func skip(_ bytes: [UInt8]) { while place < line.count, bytes.contains(line[place]) { place += 1 } }
        let behind = place
        skip([double, single, backslash, 0x20])
        let separators = [UInt8(ascii: "="), UInt8(ascii: ":")]
        if place < line.count, separators.contains(line[place]) {
            skip(separators + [UInt8(ascii: ">")])
        } else {
            guard place > behind, isOption(line, start) else { return nil }
        }
        skip([0x20, backslash])
        for scheme in schemes + [Array("basic ".utf8)] where begins(line, place, scheme) { place += scheme.count }
        let quote = place < line.count && [double, single].contains(line[place]) ? line[place] : nil
        if quote != nil { place += 1 }
        let ends = headers.contains(name) ? [double, single] : [0x20, UInt8(ascii: ","), UInt8(ascii: "&"), UInt8(ascii: ";")]
        var end = place
        while end < line.count, quote.map({ line[end] != $0 }) ?? !ends.contains(line[end]) { end += 1 }
        // JSON within JSON: the mark before the quotation mark is none of it.
        while quote != nil, end > place, line[end - 1] == backslash { end -= 1 }
        return end > place ? place..<end : nil
    }

    /// The name is that of an option of a command, as `--password`, which its value follows.
    private static func isOption(_ line: [UInt8], _ start: Int) -> Bool {
        var begin = start
        while begin > 0, isWord(line[begin - 1]) || line[begin - 1] == UInt8(ascii: "-") { begin -= 1 }
        return line[begin...].starts(with: Array("--".utf8))
    }

    private static func token(_ line: [UInt8], from start: Int, atLeast least: Int) -> Range<Int>? {
        var end = start
        // RFC 6750, section 2.1
        while end < line.count, isWord(line[end]) || Array(".-=+/~".utf8).contains(line[end]) { end += 1 }
        return end - start >= least ? start..<end : nil
    }

    /// `user:password@` of an address.
    private static func userInfo(_ line: [UInt8], _ start: Int) -> Range<Int>? {
        var end = start
        var colon: Int?
        while end < line.count, line[end] > 0x20, line[end] != UInt8(ascii: "/"), line[end] != UInt8(ascii: "@") {
            if line[end] == UInt8(ascii: ":"), colon == nil { colon = end }
            end += 1
        }
        guard let colon, end < line.count, line[end] == UInt8(ascii: "@"), end > colon + 1 else { return nil }
        return colon + 1..<end
    }

    private static func begins(_ line: [UInt8], _ place: Int, _ lowered: [UInt8]) -> Bool {
        guard line.count - place >= lowered.count else { return false }
        for (offset, byte) in lowered.enumerated() {
            let own = line[place + offset]
            guard ((0x41...0x5A).contains(own) ? own | 0x20 : own) == byte else { return false }
        }
        return true
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "_")
    }

    private static let names = [
        "password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "api-key", "access_key", "private_key", "authorization",
        "credential",
        "set-cookie", "cookie",
    ].map { Array($0.utf8) }
    private static let headers = Set(["authorization", "set-cookie", "cookie"].map { Array($0.utf8) })
    private static let schemes = ["bearer "].map { Array($0.utf8) }
    /// How the keys of AWS, GitHub, GitLab, Slack and Stripe begin, and tokens of JSON (RFC 7519); with as many bytes as they have at least.
    private static let prefixes: [([UInt8], Int)] = [
        ("AKIA", 20), ("ASIA", 20), ("ghp_", 20), ("gho_", 20), ("ghs_", 20), ("github_pat_", 30), ("glpat-", 20), ("xoxb-", 20), ("xoxp-", 20),
        ("sk_live_", 20), ("eyJ", 30),
    ].map { (Array($0.0.utf8), $0.1) }
}
