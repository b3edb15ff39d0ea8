/// How many tests of a project are known for what.
struct TestCensus: Sendable, Equatable {
    var tests: Int64 = 0
    var flaky: Int64 = 0
    /// Broken or regressed.
    var broken: Int64 = 0
}

extension QualityScore {
    /// Weeks of the main branch that are held against as many before them: a test that became slower earlier is at its usual pace by now.
    static let mostWeeks = 4

    /// - Parameter days: that the score is of.
    static func weeks(days: Int) -> Int { min(mostWeeks, max(1, (days + 6) / 7)) }

    /// Of the formula and of how its terms are measured; to be raised with either.
    static let edition: Int32 = 1

    /// Of all that `measured` looks at, and of the weights: the same give the same score by the same edition. What is absent is told from what is 0.
    static func inputHash(
        days: [Day], census: TestCensus, recoveries: DurationHistogram = DurationHistogram(), pace: SetComparison? = nil,
        weights: [Term: Double] = [:]
    ) -> UInt64 {
        let (tally, telling) = sums(days)
        var hash = NumberHash()
        for number in [telling.bad, telling.judged, tally.skipped, tally.total, census.tests, census.flaky, census.broken] { hash.add(number) }
        let times = recoveries.bytes
        hash.add(UInt64(times.count))
        for byte in times { hash.add(UInt64(byte)) }
        hash.add(UInt64(pace == nil ? 0 : 1))
        if let pace { hash.add(pace.inputHash) }
        for term in Term.allCases { hash.add(weights[term] ?? term.usualWeight) }
        return hash.value
    }

    private static func sums(_ days: [Day]) -> (tally: Tally, telling: Tally) {
        (days.reduce(into: Tally()) { $0.add($1.tally) }, days.reduce(into: Tally()) { $0.add($1.telling) })
    }

    /// What can be told from a project's days and tests. Failures that are put down to the environment are in no term.
    /// - Parameters:
    ///   - recoveries: of the main branch, in microseconds. What still fails is no part of it: `regressed` tells that.
    ///   - pace: the main branch's last weeks held against those before.
    static func measured(
        days: [Day], census: TestCensus, recoveries: DurationHistogram = DurationHistogram(), pace: SetComparison? = nil
    ) -> [Term: Double] {
        var measured: [Term: Double] = [:]
        let (tally, telling) = sums(days)
        if telling.judged > 0 { measured[.failing] = Double(telling.bad) / Double(telling.judged) }
        if tally.total > 0 { measured[.skipped] = Double(tally.skipped) / Double(tally.total) }
        if census.tests > 0 {
            measured[.flaky] = Double(census.flaky) / Double(census.tests)
            measured[.regressed] = Double(census.broken) / Double(census.tests)
        }
        if let median = recoveries.percentile(50) { measured[.recovery] = Double(median) / 3_600e6 }
        if let pace, pace.timed > 0 { measured[.slower] = Double(pace.count(.slower)) / Double(pace.timed) }
        return measured
    }
}
