import Testing

@testable import AnalyticsService

@Suite struct QualityScoreTests {
    private let measured: [QualityScore.Term: Double] = [.failing: 0.02, .flaky: 0.05, .regressed: 0, .slower: 0.5, .skipped: 0.25, .recovery: 18]

    @Test("the points of the terms add up to the score, and each can be worked out by hand")
    func formula() throws {
        let quality = QualityScore(measured)
        let score = try #require(quality.score)
        #expect(abs(quality.shares.reduce(0) { $0 + $1.points } - score) < 1e-9)
        // 25·.9 + 25·.5 + 25·1 + 10·0 + 5·0 + 10·.75
        #expect(abs(score - 67.5) < 1e-9)
        #expect(abs(quality.shares.reduce(0) { $0 + $1.most } - 100) < 1e-9)
    }

    @Test("what could not be measured counts neither way")
    func missing() {
        #expect(QualityScore([.flaky: 0]).score == 100)
        #expect(QualityScore([.flaky: 0, .failing: .nan, .slower: -1]).score == 100)
        #expect(QualityScore([:]).score == nil)
    }

    @Test("other weights can be tried on the same measurements")
    func simulated() {
        let quality = QualityScore(measured)
        let onlyFlaky = quality.weighed(by: [.failing: 0, .regressed: 0, .slower: 0, .skipped: 0, .recovery: -3])
        #expect(onlyFlaky.score == 50)
        #expect(quality.weighed(by: [:]) == quality)
        #expect(quality.weighed(by: Dictionary(uniqueKeysWithValues: QualityScore.Term.allCases.map { ($0, 0) })).score == nil)
    }

    @Test("a term that gets worse never raises the score")
    func monotone() throws {
        for term in QualityScore.Term.allCases {
            var last = Double.infinity
            for step in 0...40 {
                var worse = measured
                worse[term] = term.zero * Double(step) / 20
                let score = try #require(QualityScore(worse).score)
                #expect(score <= last)
                last = score
            }
        }
    }
}
