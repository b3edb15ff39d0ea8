import Foundation

/// Passwords that are tried first: those of a list, and everything that is made of such words, digits and keyboard runs alone. Lists hold few
/// passwords of fifteen characters, so what counts is how people lengthen the short ones: `password1234567`, `qwertyqwertyqwerty`, `Summer2024Summer!`.
struct CommonPasswords: Sendable {
    /// Words of a list that are shorter are no reason to refuse: every sentence holds some.
    private static let shortestWord = 4
    private static let longestWord = 32
    /// Letters beside known words and runs that make nothing better.
    private static let mostLetters = 2

    private let words: Set<String>

    /// - Parameter list: one password a line, such as `/usr/share/john/password.lst` of Debian's john-data; lines with `#!comment:` are skipped.
    init(list: String = "") {
        var words = Set(Self.seed)
        for line in list.split(whereSeparator: \.isNewline) where !line.hasPrefix("#!comment") {
            let word = Self.plain(String(line))
            if (Self.shortestWord...Self.longestWord).contains(word.count) { words.insert(word) }
        }
        self.words = words
    }

    func contains(_ password: String) -> Bool {
        let text = password.lowercased()
        return Self.repeats(Array(text)) || leftover(Array(text)) <= Self.mostLetters
    }

    /// In lower case, with the digits and marks that stand for letters taken for them: `P@ssw0rd` is `password`.
    private static func plain(_ text: String) -> String { String(text.lowercased().map { substitutes[$0] ?? $0 }) }

    private static let substitutes: [Character: Character] = [
        "@": "a", "$": "s", "0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "!": "i",
    ]

    /// One to five characters over and over, such as `abcabcabcabcabc`.
    private static func repeats(_ text: [Character]) -> Bool {
        (1...5).contains { width in
            text.count >= 3 * width && text.indices.dropFirst(width).allSatisfy { text[$0] == text[$0 - width] }
        }
    }

    /// How many letters are neither part of one of at most three known words nor of a run. More words than that are a passphrase, however common
    /// each of them is.
    private func leftover(_ text: [Character]) -> Int {
        let plain = text.map { Self.substitutes[$0] ?? $0 }
        // Of the first i characters: the fewest that are left over, and the words that this takes.
        var best = [(left: 0, words: 0)]
        for end in 1...max(1, text.count) where end <= text.count {
            let isFree = !text[end - 1].isLetter || Self.continuesRun(text, end)
            var found = (left: best[end - 1].left + (isFree ? 0 : 1), words: best[end - 1].words)
            for length in Self.shortestWord...Self.longestWord where length <= end {
                let before = best[end - length]
                guard before.words < 3, before.left < found.left, words.contains(String(plain[(end - length)..<end])) else { continue }
                found = (before.left, before.words + 1)
            }
            best.append(found)
        }
        return best[text.count].left
    }

    /// The third and later characters of a run along the alphabet, the digits or a row of the keyboard, either way.
    private static func continuesRun(_ text: [Character], _ end: Int) -> Bool {
        guard end >= 3 else { return false }
        let three = String(text[(end - 3)..<end])
        return runs.contains { $0.contains(three) }
    }

    private static let runs: [String] = [
        "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "qazwsxedcrfvtgb",
        "1q2w3e4r5t6y7u8i9o0p",
    ].flatMap { [$0, String($0.reversed())] }

    private static let seed = """
        password passwort motdepasse contrasena senha parola passphrase welcome willkommen bienvenue letmein changeme default secret admin
        administrator root user guest login master test testing tester qwerty qwertz azerty asdf zxcv abcd iloveyou loveyou love monkey dragon
        football baseball basketball soccer hockey princess sunshine shadow superman batman spiderman starwars pokemon michael jessica ashley
        charlie daniel thomas jordan hunter ranger buster killer cheese computer internet samsung google facebook microsoft windows linux ubuntu
        january february march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday
        spring summer autumn winter company office server database oracle mysql postgres cisco jenkins gitlab github docker kubernetes trustno
        whatever freedom flower hello hallo bonjour nothing access please correcthorsebatterystaple correct horse battery staple
        """.split(whereSeparator: \.isWhitespace).map { plain(String($0)) }
}
