import Foundation
import Primitives

/// What became of one file: the same for every way of cutting it.
enum Reading {
    case refused(String)
    case taken(Account)
    case recorded(ArtifactKind)

    struct Account {
        let names: [String]
        /// Empty where only an upload's rows are to be had.
        let cases: [ReportedCase]
        let rejected: Int
        let warnings: WarningLog
        let incomplete: Bool
        let files: [UploadedFile]
    }

    /// Times are held against it.
    static let now = Date(timeIntervalSince1970: 1_795_262_400)
    static let project = ID<Project>(uuid: UUID(high: 1, low: 2))

    /// - Returns: what is different, in words; `nil` when all is the same.
    func difference(from other: Reading) -> String? {
        switch (self, other) {
        case (.refused(let one), .refused(let another)):
            // Of a file that is damaged and refused for something else too, either may be met first.
            let isEither = [one, another].contains { $0.hasSuffix("_corrupt") || $0 == "upload.compression_ratio" }
            return one == another || isEither ? nil : "refused as \(one) and as \(another)"
        case (.taken(let one), .taken(let another)):
            guard one.names == another.names else { return "tests are \(one.names) and \(another.names)" }
            if let index = one.cases.indices.first(where: { one.cases[$0] != another.cases[$0] }) {
                return "a case is \(one.cases[index]) and \(another.cases[index])"
            }
            guard one.rejected == another.rejected else { return "rejected are \(one.rejected) and \(another.rejected)" }
            let codes = [one, another].map { $0.warnings.warnings.map(\.code).sorted() }
            guard codes[0] == codes[1] else { return "warnings are \(one.warnings.warnings) and \(another.warnings.warnings)" }
            guard one.incomplete == another.incomplete else { return "incomplete is \(one.incomplete) and \(another.incomplete)" }
            return one.files == another.files ? nil : "files are \(one.files) and \(another.files)"
        // How far a file unfolds is held against the bytes that have arrived, and of one that arrives as a whole all have.
        case (.refused("upload.compression_ratio"), _), (_, .refused("upload.compression_ratio")): return nil
        case (.refused(let code), .taken): return "refused as \(code), and taken"
        case (.taken, .refused(let code)): return "taken, and refused as \(code)"
        case (.recorded(let one), .recorded(let another)) where one == another: return nil
        case (.recorded, _), (_, .recorded): return "one recording is two"
        }
    }

    /// - Returns: what no report may lead to, in words.
    func nonsense(_ limits: IngestLimits) -> String? {
        if case .recorded(let kind) = self {
            let isSeen = kind.mediaType.hasPrefix("video/") || kind.mediaType.hasPrefix("audio/")
            return isSeen && kind.size?.isEmpty != true ? nil : "a recording is \(kind)"
        }
        guard case .taken(let account) = self else { return nil }
        if account.warnings.warnings.count > WarningLog.limit { return "there are \(account.warnings.warnings.count) warnings" }
        if account.rejected > 0, account.warnings.warnings.isEmpty { return "test records were rejected without a word" }
        return account.cases.lazy.compactMap { Self.nonsense($0, limits) }.first
    }

    private static func nonsense(_ found: ReportedCase, _ limits: IngestLimits) -> String? {
        let attempts = found.extras?.attempts ?? []
        let texts = (found.texts.map { [$0.message, $0.trace, $0.systemOut, $0.systemErr] } ?? []) + attempts.flatMap { [$0.message, $0.trace] }
        let names = [found.suiteName, found.className, found.name, found.file, found.texts?.type ?? ""] + attempts.map(\.type)
        // What is not UTF-8 becomes characters of three bytes where it had one.
        if let name = names.first(where: { $0.utf8.count > 3 * limits.nameBytes }) { return "a name has \(name.utf8.count) bytes" }
        if let text = texts.first(where: { $0.utf8.count > 3 * limits.textBytes }) { return "a text has \(text.utf8.count) bytes" }
        if names.contains(where: { $0.utf8.contains(0) }) || texts.contains(where: { $0.utf8.contains(0) }) { return "there is a NUL" }
        for micros in [found.microseconds] + attempts.map(\.microseconds) {
            if let micros, micros < 0 || Double(micros) > ReportSeconds.limit * 1_000_000 { return "a test took \(micros) microseconds" }
        }
        if let time = found.startedAt, abs(time.timeIntervalSince(now)) > ReportTime.tolerance { return "a test began at \(time)" }
        if attempts.count > limits.attempts { return "a test was tried \(attempts.count) times" }
        guard let extras = found.extras else { return nil }
        if max(extras.properties.count, extras.attachments.count) > limits.properties { return "a test has too many properties" }
        let values = extras.properties.flatMap { [$0.name, $0.value] } + extras.attachments.flatMap { [$0.path, $0.type] }
        return values.contains { $0.utf8.contains(0) || $0.utf8.count > 3 * limits.nameBytes } ? "a property cannot be stored" : nil
    }
}
