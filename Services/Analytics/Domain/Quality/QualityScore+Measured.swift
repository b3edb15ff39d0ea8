/// How many tests of a project are known for what.
struct TestCensus: Sendable, Equatable {
    var tests: Int64 = 0
    var flaky: Int64 = 0
    /// Broken or regressed.
    var broken: Int64 = 0
}

extension QualityScore {
    /// What can be told from a project's days and tests. How many tests have become slower, and how long they stay red, is not measured.
    static func measured(days: [Day], census: TestCensus) -> [Term: Double] {
        var measured: [Term: Double] = [:]
        let tally = days.reduce(into: Tally()) { $0.add($1.tally) }
        if tally.judged > 0 { measured[.failing] = Double(tally.bad) / Double(tally.judged) }
        if tally.total > 0 { measured[.skipped] = Double(tally.skipped) / Double(tally.total) }
        if census.tests > 0 {
            measured[.flaky] = Double(census.flaky) / Double(census.tests)
            measured[.regressed] = Double(census.broken) / Double(census.tests)
        }
        return measured
    }
}
