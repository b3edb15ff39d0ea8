/// How one test ended. The raw values are stored; they are those of `assay.v1.Outcome`.
enum Outcome: Int16, Codable, Sendable, CaseIterable {
    case passed = 1
    /// An assertion did not hold.
    case failed = 2
    /// The test could not be carried out.
    case errored = 3
    case skipped = 4

    /// Whether somebody has to look at it; such results go to Validation.
    var isTrouble: Bool { self == .failed || self == .errored }

    /// Which of several outcomes of one test stands: a missed assertion says more than trouble around it, and either more than a skip.
    var weight: Int {
        switch self {
        case .passed: 0
        case .skipped: 1
        case .errored: 2
        case .failed: 3
        }
    }
}
