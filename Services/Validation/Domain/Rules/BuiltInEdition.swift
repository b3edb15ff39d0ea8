/// An edition of the rules that everybody has, told by what it does to the edition before it. What has been released stays as it is: receipts
/// are replayed by the edition that judged.
struct BuiltInEdition: Sendable {
    let number: Int32
    let reading: RuleSet.Reading
    let changes: [RuleChange]
}

/// One difference between two editions. Rules are named by their ids.
enum RuleChange: Sendable {
    /// What the first of all editions has.
    case begin([Rule])
    /// A rule that was not there, asked right before this one.
    case add(Rule, before: String)
    /// It is asked right before this one.
    case move(String, before: String)
    /// It knows these signs besides.
    case extend(String, [Rule.Sign])
    /// It no longer knows these texts or types.
    case forget(String, [String])
    /// It is a last resort from now on.
    case postpone(String)

    /// Stops the process when there is no such rule: editions are part of the program.
    func applied(to rules: [Rule]) -> [Rule] {
        var rules = rules
        func index(_ id: String) -> Int {
            guard let index = rules.firstIndex(where: { $0.id == id }) else { preconditionFailure("no rule \(id)") }
            return index
        }
        switch self {
        case .begin(let first):
            rules = first
        case .add(let rule, let other):
            rules.insert(rule, at: index(other))
        case .move(let id, let other):
            let rule = rules.remove(at: index(id))
            rules.insert(rule, at: index(other))
        case .extend(let id, let signs):
            rules[index(id)] = rules[index(id)].extended(by: signs)
        case .forget(let id, let words):
            rules[index(id)] = rules[index(id)].forgetting(words)
        case .postpone(let id):
            rules[index(id)].isLastResort = true
        }
        return rules
    }
}
