import Foundation
import Primitives

/// A mail as it goes over the wire (RFC 5322, RFC 2045): plain text, and the same as HTML; whatever is more than short lines of
/// ASCII goes in base64, so that no line is too long and nothing in a text can end it.
struct MailMessage: Sendable {
    static let maxSubject = 200
    static let maxBody = 256 * 1024

    let to: String
    let subject: String
    let text: String
    let html: String

    /// - Throws: `request.invalid` with the pointer of what is wrong: nothing that could begin another header gets through (T94).
    init(to: String, subject: String, text: String, html: String) throws(Fault) {
        guard Self.isAddress(to) else { throw .invalidField("/to", "invalid", "This is not one e-mail address.") }
        guard (1...Self.maxSubject).contains(subject.count), !subject.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw .invalidField("/subject", "invalid", "A subject is one line of 1 to \(Self.maxSubject) characters.") }
        guard !text.isEmpty, text.utf8.count <= Self.maxBody else {
            throw .invalidField("/text", "length", "The text of a mail has 1 to \(Self.maxBody) bytes.")
        }
        guard html.utf8.count <= Self.maxBody else { throw .invalidField("/html", "length", "The HTML of a mail has at most \(Self.maxBody) bytes.") }
        self.to = to
        self.subject = subject
        self.text = text
        self.html = html
    }

    /// One address without a name, comments or quotes.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 254
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !Self.marks.contains($0) }
    }

    private static let marks = Set("<>()[]\\,;:\"".utf8)

    /// - Parameter id: becomes `Message-ID`, so that a mail that was delivered twice is shown once.
    func data(from: String, id: String, date: Date) -> Data {
        let boundary = "assay-" + id
        let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
        var lines = [
            "From: Assay <\(from)>", "To: \(to)", "Subject: \(Self.encoded(subject))", "Date: \(Self.formatted(date))",
            "Message-ID: <\(id)@\(domain)>", "MIME-Version: 1.0", "Auto-Submitted: auto-generated",
            "Content-Type: multipart/alternative; boundary=\"\(boundary)\"", "",
        ]
        for (type, body) in [("plain", text), ("html", html)] where !body.isEmpty {
            let plain = Self.plain(body)
            lines += [
                "--" + boundary, "Content-Type: text/\(type); charset=utf-8", "Content-Transfer-Encoding: \(plain == nil ? "base64" : "7bit")", "",
            ]
            lines += plain ?? Self.base64(body)
        }
        lines += ["--" + boundary + "--", ""]
        return Data(lines.joined(separator: "\r\n").utf8)
    }

    /// RFC 2047: words of at most 75 characters, none of which cuts a character in two.
    private static func encoded(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) || text.contains("=?") else { return text }
        var words: [String] = []
        var word = ""
        for character in text {
            if word.utf8.count + String(character).utf8.count > 42 {
                words.append(word)
                word = ""
            }
            word.append(character)
        }
        return (words + [word]).map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    /// Text that can go as it is, so that whoever reads mails in a folder needs no tool: ASCII in lines that no relay cuts.
    private static func plain(_ text: String) -> [String]? {
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A }) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return lines.allSatisfy { $0.utf8.count <= 900 && !$0.hasPrefix("--assay-") } ? lines : nil
    }

    private static func base64(_ text: String) -> [String] {
        let encoded = Array(Data(text.utf8).base64EncodedString())
        return stride(from: 0, to: encoded.count, by: 76).map { String(encoded[$0..<min($0 + 76, encoded.count)]) }
    }

    private static func formatted(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss Z"
        return formatter.string(from: date)
    }
}
