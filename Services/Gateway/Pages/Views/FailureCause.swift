import ValidationAPI

/// What several tests of a run failed with, and which they are: seventy tests that could not resolve one name are one thing to read.
struct FailureCause: Sendable {
    /// Tests that are named at once; the others are a click away.
    static let shownAtOnce = 3

    let message: String
    /// Of the project's failure group, when all of these are in one.
    let groupPath: String?
    /// How many they are in, when it is several.
    let several: String?
    let isLearned: Bool
    let rule: String
    /// Where the rule is one of the project.
    let rulePath: String?
    /// What the rule saw, where the message does not say it already.
    let evidence: String?
    let tests: [Test]
    let more: [Test]
    let hasMore: Bool
    let moreLabel: String

    /// A failing result by the name of its test.
    struct Test: Sendable {
        let path: String
        let name: String
        let className: String?

        init(_ failure: PBFailure) {
            path = PageAddress.result(failure.result)
            name = failure.testName.shortened(to: 300)
            className = failure.className.nonEmpty?.shortened(to: 300)
        }
    }

    /// - Parameter failures: at least one.
    private init(_ failures: [PBFailure]) {
        let first = failures[0]
        message = first.message.firstLine.nonEmpty?.shortened(to: 300) ?? "No message"
        let ids = Set(failures.map(\.group).filter { !$0.isEmpty })
        groupPath = ids.count == 1 ? PageAddress.path("projects", first.project, "failures", ids.first ?? "") : nil
        several = ids.count > 1 ? NumberText.counted(Int64(ids.count), "failure group") : nil
        isLearned = first.rule == LearnedFrom.rule
        rule = first.rule
        rulePath = RuleText.path(first)
        let seen = first.evidence.withoutTerminalColours
        evidence = first.message.withoutTerminalColours.contains(seen) ? nil : seen.nonEmpty
        let all = failures.map(Test.init)
        tests = Array(all.prefix(Self.shownAtOnce))
        more = Array(all.dropFirst(Self.shownAtOnce))
        hasMore = !more.isEmpty
        moreLabel = NumberText.counted(Int64(more.count), "more test")
    }

    /// Most frequent first, else in the order in which they came.
    static func all(_ failures: [PBFailure]) -> [FailureCause] {
        var order: [String] = []
        var alike: [String: [PBFailure]] = [:]
        for failure in failures {
            let key = failure.rule + "\n" + masked(failure.message.firstLine)
            if alike[key] == nil { order.append(key) }
            alike[key, default: []].append(failure)
        }
        let causes = order.enumerated().map { (place: $0.offset, failures: alike[$0.element] ?? []) }
        return causes.sorted { ($0.failures.count, $1.place) > ($1.failures.count, $0.place) }.map { FailureCause($0.failures) }
    }

    /// Words with a digit in them are ids, counts and addresses, and differ each time.
    private static func masked(_ text: String) -> String {
        text.split(whereSeparator: { !$0.isLetter && !$0.isNumber }).map { $0.contains(where: \.isNumber) ? "#" : String($0) }.joined(separator: " ")
    }
}

extension String {
    /// Its first line that says something, without terminal colours.
    var firstLine: String {
        let line = withoutTerminalColours.split(whereSeparator: \.isNewline).lazy.map { $0.trimmed }.first { !$0.isEmpty }
        return line.map { String($0) } ?? ""
    }
}
