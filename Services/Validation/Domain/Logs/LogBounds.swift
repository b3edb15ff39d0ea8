/// What the logs of a project may cost.
enum LogBounds {
    /// Signatures that are kept of a project. What is new beyond that takes the place of what one run alone has had, or is told by its own run alone.
    static let signatures = 8_192
    /// Signatures that are kept of a run; the lines of all others are counted together.
    static let signaturesOfRun = 1_000
    /// Bytes of a line that are read, and of a sample that are kept.
    static let line = LineScanner.maxBytes
    static let sample = 1_024
    /// Bytes of a piece: 1 MiB, and a line that begins before its end.
    static let piece = (1 << 20) + 2 * line
    /// Bytes of a text that is analysed for a person.
    static let text = 1 << 20
    /// Runs that say what is new, and runs in which a pattern is looked for.
    static let compared = 20
    static let recent = 20
    /// Runs and days of one pattern that are told.
    static let history = 50
    static let days = 90
    /// Different signatures of one piece that are told apart; a log of nothing but different lines has no patterns.
    static let signaturesOfPiece = 20_000
    /// Passed runs among which those to hold a run against are looked for.
    static let candidates = 500

    /// Lines have no origin, so that those of one length are one bucket: it has room for all.
    static var index: GroupingIndex { GroupingIndex(maxSignatures: signatures, maxPerBucket: signatures) }
}
