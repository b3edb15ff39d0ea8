import Primitives

/// One field of a cron expression: its range, its names, and how it reads.
struct CronField: Sendable {
    let name: String
    let range: ClosedRange<Int>
    var names: [String] = []
    /// The value of the first name.
    var firstName = 0

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let dayOfMonth = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], firstName: 1)
    static let dayOfWeek = CronField(name: "day of week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])

    /// - Throws: `schedules.invalid_cron`.
    func values(_ text: String) throws(Fault) -> Set<Int> {
        var values: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            values.formUnion(try stepped(part))
        }
        return values
    }

    /// `*`, `5`, `1-5`, each also with `/step`; `5/10` means from 5 to the end.
    private func stepped(_ part: Substring) throws(Fault) -> [Int] {
        let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(pieces.count) else { throw wrong(part) }
        var step = 1
        if pieces.count == 2 {
            guard let given = Int(pieces[1]), (1...range.upperBound).contains(given) else { throw wrong(part) }
            step = given
        }
        let span = try bounds(pieces[0], open: pieces.count == 2, whole: part)
        return Array(stride(from: span.lowerBound, through: span.upperBound, by: step))
    }

    private func bounds(_ text: Substring, open: Bool, whole: Substring) throws(Fault) -> ClosedRange<Int> {
        if text == "*" { return range }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let low = number(ends[0]) else { throw wrong(whole) }
        guard ends.count == 2 else { return low...(open ? range.upperBound : low) }
        guard let high = number(ends[1]), low <= high else { throw wrong(whole) }
        return low...high
    }

    private func number(_ text: Substring) -> Int? {
        if let index = names.firstIndex(of: text.lowercased()) { return index + firstName }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let value = Int(text), range.contains(value) else { return nil }
        return value
    }

    private func wrong(_ part: Substring) -> Fault {
        .invalidCron("\"\(part)\" is not a \(name): expected \(range.lowerBound)–\(range.upperBound), *, a list, a range or a step.")
    }
}
