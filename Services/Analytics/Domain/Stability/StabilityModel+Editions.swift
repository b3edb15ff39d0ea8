/// The models that verdicts are reached with. A number that is to become another is a further value here, and receipts that were reached with those
/// before go on being replayed by them. Every number is a rate that somebody measured or a round one that stands for "rare", none is fitted to data.
extension StabilityModel {
    /// What new verdicts are reached with.
    package static let current = third

    /// All that receipts can be replayed by. The first edition read messages from what results add up to, which are not kept there any more.
    package static let editions = [second, third]

    /// - Returns: `nil` for an edition that this release does not have.
    package static func of(edition: Int32) -> StabilityModel? { editions.first { $0.edition == edition } }

    static let second = StabilityModel(
        edition: 2,
        // Micco, Flaky Tests at Google and How We Mitigate Them, 2016: almost 16 % of the tests have some flakiness; fewer elsewhere (3.6 % in
        // Alshammari et al., FlakeFlagger, ICSE 2021, over 10,000 reruns).
        flaky: 0.1,
        // Nearly as likely between .001 and .01 as between .01 and .1 or .1 and 1.
        rateAlpha: 0.2, rateBeta: 1.0,
        breakage: 1e-3, bornBroken: 0.05,
        outage: 2e-5, bornInOutage: 2e-4, outageEndsAtOnce: 0.02, outageEndsBetweenAttempts: 1e-2,
        untoldCommit: 0.1, turn: 1e-4,
        alikeWithinCause: 0.9, alikeAcrossCauses: 0.1, alikeWhenFlaky: 0.6, messagePairs: 10,
        fewestResults: 3, leastConfidence: 0.55, looksElsewhere: false)

    /// The second was blind to a commit that failed on one branch and passed on another, and said of a test that failed on other branches alone that
    /// it had never failed. Of a test with one line both say the same.
    static let third: StabilityModel = {
        var model = second
        model.edition = 3
        model.looksElsewhere = true
        return model
    }()
}
