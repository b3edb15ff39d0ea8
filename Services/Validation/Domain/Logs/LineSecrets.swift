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
            for name in names where begins(line, place, name) { if let range = value(line, behind: place + name.count) { return range } }
            guard isBeginning else { return nil }
            for scheme in schemes where begins(line, place, scheme) { return token(line, from: place + scheme.count, atLeast: 8) }
            for (prefix, least) in prefixes where line[place...].starts(with: prefix) {
                if let range = token(line, from: place, atLeast: least) { return range }
            }
            return nil
        default: return nil
        }
    }

    /// What stands behind `=` or `:`, in quotation marks or up to the next blank.
    private static func value(_ line: [UInt8], behind start: Int) -> Range<Int>? {
        var place = start
        func skip(_ bytes: [UInt8]) { while place < line.count, bytes.contains(line[place]) { place += 1 } }
        skip([UInt8(ascii: "\""), UInt8(ascii: "'"), 0x20])
        guard place < line.count, line[place] == UInt8(ascii: "=") || line[place] == UInt8(ascii: ":") else { return nil }
        place += 1
        skip([0x20])
        for scheme in schemes + [Array("basic ".utf8)] where begins(line, place, scheme) { place += scheme.count }
        let quote = place < line.count && [UInt8(ascii: "\""), UInt8(ascii: "'")].contains(line[place]) ? line[place] : nil
        if quote != nil { place += 1 }
        var end = place
        while end < line.count,
            quote.map({ line[end] != $0 }) ?? ![0x20, UInt8(ascii: ","), UInt8(ascii: "&"), UInt8(ascii: ";")].contains(line[end])
        {
            end += 1
        }
        return end > place ? place..<end : nil
    }

    private static func token(_ line: [UInt8], from start: Int, atLeast least: Int) -> Range<Int>? {
        var end = start
        while end < line.count, isWord(line[end]) || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "+")].contains(line[end])
        {
            end += 1
        }
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
    private static let schemes = ["bearer "].map { Array($0.utf8) }
    /// How the keys of AWS, GitHub, GitLab, Slack and Stripe begin, and tokens of JSON (RFC 7519); with as many bytes as they have at least.
    private static let prefixes: [([UInt8], Int)] = [
        ("AKIA", 20), ("ASIA", 20), ("ghp_", 20), ("gho_", 20), ("ghs_", 20), ("github_pat_", 30), ("glpat-", 20), ("xoxb-", 20), ("xoxp-", 20),
        ("sk_live_", 20), ("eyJ", 30),
    ].map { (Array($0.0.utf8), $0.1) }
}
