/// The rules that everybody has, in order. What is specific stands before what is general: why a process died before that it died, what the network did
/// before that something took too long. An assertion that merely mentions a word such as "timeout" must not be taken for one, so texts are phrases that
/// programs print, not words.
enum BuiltInRules {
    /// What failures are judged by now; stored with each judgement.
    static let edition = editions.last!.number

    static let all = sets[edition]!

    /// - Returns: `nil` for an edition that this release does not know. What the first one judged was kept without what it saw, so nobody can ask for it.
    static func rules(of edition: Int32) -> RuleSet? { sets[edition] }

    private static let sets: [Int32: RuleSet] = {
        var sets: [Int32: RuleSet] = [:]
        var rules: [Rule] = []
        for edition in editions {
            rules = edition.changes.reduce(rules) { $1.applied(to: $0) }
            sets[edition.number] = RuleSet(rules, reading: edition.reading)
        }
        return sets
    }()
}
