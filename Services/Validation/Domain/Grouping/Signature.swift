/// What is left of a failure, or of a log line, when everything volatile is masked. Failures of one signature are never told apart.
package struct Signature: Sendable, Hashable {
    static let mask = "<*>"

    /// Where it comes from: type and frame (`FailureOrigin`); empty for a log line. Signatures of different origins are never merged by the machine.
    package let origin: String
    /// The masked words with one space between them.
    package let text: String
    package let id: SignatureID

    package init(origin: String, text: String) {
        self.origin = origin
        self.text = text
        id = origin.isEmpty ? SignatureID(hashing: text) : SignatureID(hashing: origin + "\n" + text)
    }

    /// Stands before the text of a person's cut, in a line of the origin of its own.
    static let cutMark = "\u{2702} "

    /// Of those of its failures that contain a text, by which a person cut it.
    func cut(by text: String) -> Signature { Signature(origin: origin + "\n" + Self.cutMark + text, text: self.text) }

    /// Whether failures of one test that have it in common have more in common than the test. An assertion of which nothing but the test is known fails with
    /// the same words whatever the cause is.
    var tellsCause: Bool {
        // By what text people cut it says nothing of that.
        origin.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count { !$0.starts(with: Self.cutMark.utf8) } < 3
    }

    package static func == (left: Signature, right: Signature) -> Bool { left.id == right.id }
    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// A signature and when it was seen, in the time of the failures themselves: whoever hears of them in which order, knows the same in the end.
package struct KnownSignature: Sendable, Equatable {
    package let signature: Signature
    /// The earliest and the latest failure, milliseconds since 1970 (or the line's number).
    package var firstSeen: Int64
    package var lastSeen: Int64

    package init(_ signature: Signature, firstSeen: Int64, lastSeen: Int64) {
        self.signature = signature
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
    }

    /// Who failed first names the group; of two at the same moment the smaller id.
    static func precedes(_ left: KnownSignature, _ right: KnownSignature) -> Bool {
        (left.firstSeen, left.signature.id) < (right.firstSeen, right.signature.id)
    }

    package static func == (left: KnownSignature, right: KnownSignature) -> Bool {
        left.signature == right.signature && left.firstSeen == right.firstSeen && left.lastSeen == right.lastSeen
    }
}
