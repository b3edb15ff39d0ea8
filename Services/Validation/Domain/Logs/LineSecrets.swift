/// Puts `***` where a line shows a secret by its form: behind a name such as `password=` or an option such as `--token`, in headers that hold one, in
/// the authority of an address, behind `Bearer`, with the beginning that a provider gives its keys, behind the head of a private key. What looks like
/// nothing is not found: whoever logs secrets has to stop.
enum LineSecrets {
    static let mark = "***"

    /// - Returns: `nil` when the line is to be kept as it is.
    static func masked(_ line: [UInt8]) -> String? {
        var found: [Range<Int>] = []
        var place = 0
        var word = 0
        while place < line.count {
            if isBetweenWords(line[place]) { word = place + 1 }
            let isOption = word + 2 <= place && line[word] == UInt8(ascii: "-") && line[word + 1] == UInt8(ascii: "-")
            if let range = secret(in: line, at: place, isOption: isOption) {
                found.append(range)
                place = max(range.upperBound, place + 1)
                word = place
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

    private static func secret(in line: [UInt8], at place: Int, isOption: Bool) -> Range<Int>? {
        let isBeginning = place == 0 || !isWord(line[place - 1])
        switch line[place] | 0x20 {
        case UInt8(ascii: ":") where line[place...].starts(with: Array("://".utf8)): return userInfo(line, place + 3)
        case UInt8(ascii: "-"): return KeyBlock.head(in: line, at: place).map { $0..<(KeyBlock.end(in: line, from: $0) ?? line.count) }
        case UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "c"), UInt8(ascii: "e"), UInt8(ascii: "g"), UInt8(ascii: "p"), UInt8(ascii: "s"),
            UInt8(ascii: "t"), UInt8(ascii: "x"):
            for name in headers where begins(line, place, name) {
                if let range = value(line, behind: place + name.count, isOption: isOption, isHeader: true) { return range }
            }
            for name in names where begins(line, place, name) {
                if let range = value(line, behind: place + name.count, isOption: isOption, isHeader: false) { return range }
            }
            guard isBeginning else { return nil }
            for scheme in schemes where begins(line, place, scheme) {
                // Of `b68token` (RFC 6750, section 2.1).
                return token(line, from: place + scheme.count, atLeast: 8, also: [UInt8(ascii: "/"), UInt8(ascii: "~")])
            }
            for (prefix, least) in prefixes where line[place...].starts(with: prefix) {
                if let range = token(line, from: place, atLeast: least) { return range }
            }
            return nil
        default: return nil
        }
    }

    /// What stands behind `=`, `:` and their like, or behind an option's blank: in quotation marks, up to the next blank, or to the end of a header.
    private static func value(_ line: [UInt8], behind start: Int, isOption: Bool, isHeader: Bool) -> Range<Int>? {
        var place = start
        func byte() -> UInt8 { place < line.count ? line[place] : 0 }
        // In JSON that is in JSON quotation marks have backslashes.
        func skip(_ bytes: [UInt8]) { while place < line.count, bytes.contains(line[place]) { place += 1 } }
        skip(quotes + [UInt8(ascii: "\\")])
        let isQuotedName = place > start
        // `config["password"] = …`
        if isQuotedName, !isOption, byte() == UInt8(ascii: "]") { place += 1 }
        let blank = place
        skip([0x20])
        var isColon = false
        if [UInt8(ascii: "="), UInt8(ascii: ":")].contains(byte()) {
            isColon = byte() == UInt8(ascii: ":")
            // `:=`, `==` and `=>` as well.
            skip([UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ">")])
            skip([0x20])
        } else if isOption, place > blank || byte() == UInt8(ascii: ",") {
            skip([UInt8(ascii: ","), 0x20])
            // The option has no value, or it is the next one's.
            guard byte() != UInt8(ascii: "-") else { return nil }
        } else {
            return nil
        }
        var depth = 0
        while place + depth < line.count, line[place + depth] == UInt8(ascii: "\\") { depth += 1 }
        let quote = place + depth < line.count && quotes.contains(line[place + depth]) ? line[place + depth] : nil
        // `Cookie: "a"; b=c` is not over with its first quotation mark, and `"Cookie": "…"` is.
        let isToEnd = isHeader && (quote == nil || isColon && !isQuotedName)
        if quote != nil, !isToEnd { place += depth + 1 }
        for scheme in schemes + [Array("basic ".utf8)] where begins(line, place, scheme) { place += scheme.count }
        guard place < line.count else { return nil }
        if isToEnd { return place..<line.count }
        // The head of a key has blanks in it.
        if quote == nil, let key = KeyBlock.head(in: line, at: place) { return key..<(KeyBlock.end(in: line, from: key) ?? line.count) }
        if let quote { return nonEmpty(place..<closing(quote, depth, in: line, from: place)) }
        let end = line[place...].firstIndex { [0x20, UInt8(ascii: ","), UInt8(ascii: "&"), UInt8(ascii: ";")].contains($0) }
        return nonEmpty(place..<(end ?? line.count))
    }

    /// Where the quotation mark that closes begins, its backslashes with it. One that is part of the text has more of them, or fewer.
    private static func closing(_ quote: UInt8, _ depth: Int, in line: [UInt8], from start: Int) -> Int {
        var backslashes = 0
        for place in start..<line.count {
            if line[place] == UInt8(ascii: "\\") {
                backslashes += 1
            } else if line[place] == quote, backslashes % (2 * (depth + 1)) == depth {
                return place - depth
            } else {
                backslashes = 0
            }
        }
        return line.count
    }

    private static func nonEmpty(_ range: Range<Int>) -> Range<Int>? { range.isEmpty ? nil : range }

    private static func token(_ line: [UInt8], from start: Int, atLeast least: Int, also more: [UInt8] = []) -> Range<Int>? {
        let marks = [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "+")] + more
        var end = start
        while end < line.count, isWord(line[end]) || marks.contains(line[end]) { end += 1 }
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

    private static func isBetweenWords(_ byte: UInt8) -> Bool {
        [0x20, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "("), UInt8(ascii: "\\")].contains(byte) || quotes.contains(byte)
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
        "password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "api-key", "access_key", "accesskey", "access-key", "private_key",
        "privatekey", "private-key", "secret_key", "secretkey", "secret-key", "secret_key_base", "credential",
    ].map { Array($0.utf8) }
    /// Of requests and answers; also as the end of `Proxy-Authorization` and `Set-Cookie`.
    private static let headers = ["authorization", "cookie"].map { Array($0.utf8) }
    private static let quotes = [UInt8(ascii: "\""), UInt8(ascii: "'")]
    private static let schemes = ["bearer "].map { Array($0.utf8) }
    /// How the keys of AWS, GitHub, GitLab, Slack and Stripe begin, and tokens of JSON (RFC 7519); with as many bytes as they have at least.
    private static let prefixes: [([UInt8], Int)] = [
        ("AKIA", 20), ("ASIA", 20), ("ghp_", 20), ("gho_", 20), ("ghs_", 20), ("github_pat_", 30), ("glpat-", 20), ("xoxb-", 20), ("xoxp-", 20),
        ("sk_live_", 20), ("eyJ", 30),
    ].map { (Array($0.0.utf8), $0.1) }
}
