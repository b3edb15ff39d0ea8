import ExecutionAPI
import Foundation
import Primitives
import SwiftProtobuf

/// A test that fails and did not, with what it is believed to be and the form of who knows better.
struct RegressionRow: Sendable {
    let kind: Badge
    let path: String
    let name: String
    let place: String?
    let before: ComparePage.Side?
    let after: ComparePage.Side?
    let good: Point?
    let bad: Point?
    /// Which commit it was, as a person says.
    let culprit: CommitText?
    let suspects: [CommitText]
    let hasSuspects: Bool
    /// What the run was told when it was finished, where it is something else by now.
    let earlier: Earlier?
    let belief: Belief?
    /// What people have said of it so far; absent where nobody has.
    let wordsPath: String?
    let form: Form?

    /// - Parameters:
    ///   - canTriage: whether there is a form.
    ///   - attempt: a word that was not taken, when it is about this test.
    init(_ regression: PBRegression, of view: RegressionFilter, canTriage: Bool, attempt: Attempt?, now: Date) {
        kind = Badge(regression.kind)
        path = PageAddress.test(regression.test)
        name = regression.name.shortened(to: 300)
        place = TestPlace.of(suite: regression.suiteName, className: regression.className)
        before = regression.hasBaseline ? ComparePage.Side(regression.baseline) : nil
        after = regression.hasRun ? ComparePage.Side(regression.run) : nil
        good = regression.hasLastGood ? Point(regression.lastGood, now: now) : nil
        bad = regression.hasFirstBad ? Point(regression.firstBad, now: now) : nil
        suspects = regression.suspects.compactMap { CommitText($0) }
        hasSuspects = !suspects.isEmpty
        culprit = CommitText(regression.culpritSha)
        earlier = regression.hasTold ? Earlier(regression.told, now: now) : nil
        belief = regression.hasAssessment ? Belief(regression.assessment, now: now) : nil
        let verdict = regression.assessment.verdict
        // The first version is that of no word at all.
        wordsPath = verdict.version > 1 ? RegressionPage.path(regression.test, of: view, against: verdict.baseline) : nil
        form =
            canTriage && regression.hasAssessment
            ? Form(regression.assessment.verdict, of: view, attempt: attempt?.test == regression.test ? attempt : nil) : nil
    }

    /// Since when it failed, as far as the run was told.
    struct Earlier: Sendable {
        let failedFirst: Point?
        let passedLast: Point?
        let accused: [CommitText]
        let hasAccused: Bool

        init(_ told: PBRegressionOrigin, now: Date) {
            failedFirst = told.hasFirstBad ? Point(told.firstBad, now: now) : nil
            passedLast = told.hasLastGood ? Point(told.lastGood, now: now) : nil
            accused = told.suspects.compactMap { CommitText($0) }
            hasAccused = !accused.isEmpty
        }
    }

    struct Point: Sendable {
        let runPath: String
        let commit: CommitText?
        let at: Moment?

        init(_ point: PBRegressionPoint, now: Date) {
            runPath = PageAddress.run(point.run)
            commit = CommitText(point.commitSha)
            at = point.hasAt ? Moment(point.at, now: now) : nil
        }
    }

    /// What holds, and why the machine believes what it does.
    struct Belief: Sendable {
        let badge: Badge
        let confidence: String?
        let reasons: [String]
        let hasReasons: Bool
        let isQuarantined: Bool
        let word: Word?

        init(_ assessment: PBRegressionAssessment, now: Date) {
            badge = Badge(assessment.kind)
            let isPersons = assessment.verdict.kind != .unspecified
            confidence = isPersons || assessment.confidence == 0 ? nil : "\(Int((assessment.confidence * 100).rounded())) % sure"
            reasons = assessment.reasons.map { $0.shortened(to: 1200) }
            hasReasons = !reasons.isEmpty
            isQuarantined = assessment.quarantined
            word = isPersons ? Word(assessment, now: now) : nil
        }
    }

    struct Word: Sendable {
        let reason: String
        let person: String
        let said: Moment
        let machine: String

        init(_ assessment: PBRegressionAssessment, now: Date) {
            reason = assessment.verdict.reason.shortened(to: 1000)
            person = assessment.verdict.decidedBy
            said = Moment(assessment.verdict.decidedAt, now: now)
            machine = Badge(assessment.judgedKind).label
        }
    }

    /// A word that was not taken.
    struct Attempt: Sendable {
        let test: String
        let fields: [String: String]
        let fault: Fault
    }

    struct Form: Sendable {
        static let kinds: [(name: String, label: String, kind: PBRegressionVerdict.Kind)] = [
            ("no_regression", "No regression", .noRegression), ("regression", "A regression", .regression), ("flake", "A flake", .flake),
            ("environment", "The environment", .environment),
        ]

        struct Choice: Sendable {
            let value: String
            let label: String
            let isChosen: Bool
        }

        let path: String
        let test: String
        let baseline: String
        let branch: String
        /// What the page is narrowed to, besides.
        let against: String
        let show: String
        let choices: [Choice]
        let reason: String
        let named: String
        let version: Int64
        /// Why the last word was not taken.
        let mistake: String?
        let canGiveBack: Bool

        init(_ verdict: PBRegressionVerdict, of view: RegressionFilter, attempt: Attempt?) {
            path = view.path + PageAddress.path(verdict.test, "verdict")
            test = verdict.test
            baseline = verdict.baseline
            branch = view.branch
            against = view.baseline
            show = view.show
            let chosen = attempt.map { Self.kind($0.fields) } ?? (verdict.kind == .unspecified ? .noRegression : verdict.kind)
            choices = Self.kinds.map { Choice(value: $0.name, label: $0.label, isChosen: $0.kind == chosen) }
            reason = attempt?.fields["reason"] ?? verdict.reason
            named = attempt?.fields["commit"] ?? verdict.commitSha
            let isStale = attempt?.fault == .versionStale
            version = isStale ? verdict.version : attempt.map { Visit.version($0.fields) } ?? verdict.version
            mistake = attempt.flatMap { attempt in
                let refusal = FormRefusal(attempt.fault, fields: ["kind", "reason", "commit_sha"])
                return refusal["kind"] ?? refusal["reason"] ?? refusal["commit_sha"] ?? refusal.detail
            }
            canGiveBack = verdict.kind != .unspecified
        }

        /// What was chosen; unspecified when it is none of them.
        static func kind(_ fields: [String: String]) -> PBRegressionVerdict.Kind { kinds.first { $0.name == fields["kind"] }?.kind ?? .unspecified }
    }
}

/// What the list of a run's regressions is narrowed to, as the page's address says.
struct RegressionFilter: Sendable {
    let path: String
    /// Whose baseline the run is held against; empty for its own.
    let branch: String
    /// One of `words`.
    let show: String
    /// Which baseline the run is held against, whatever its state; empty for the one in force.
    let baseline: String

    typealias Kind = PBRegressionAssessment.Kind

    /// What somebody has to look at comes first: chance and machines are nobody's change.
    static let words: [(word: String, label: String, kinds: [Kind], count: @Sendable (PBRegressionSummary) -> Int64)] = [
        ("", "All", [], { $0.regressed + $0.added + $0.unskipped }),
        (
            "hide", "Without flakes and environment", [.regression, .uncertain, .noRegression],
            { $0.assessed.regression + $0.assessed.uncertain + $0.assessed.noRegression }
        ),
        ("regression", "Regressions", [.regression], { $0.assessed.regression }), ("uncertain", "Uncertain", [.uncertain], { $0.assessed.uncertain }),
        ("flake", "Flakes", [.flake], { $0.assessed.flake }), ("environment", "Environment", [.environment], { $0.assessed.environment }),
        ("none", "No regression", [.noRegression], { $0.assessed.noRegression }),
    ]

    init(run: String, branch: String = "", show: String = "", baseline: String = "") {
        path = RunRegressionsPage.path(run)
        self.branch = branch.trimmed.shortened(to: 255)
        self.show = Self.words.contains { $0.word == show } ? show : ""
        self.baseline = String(baseline.trimmed.prefix(64))
    }

    var kinds: [Kind] { Self.words.first { $0.word == show }?.kinds ?? [] }
    var query: [(name: String, value: String)] { query(showing: show) }

    private func query(showing word: String) -> [(name: String, value: String)] { [("branch", branch), ("baseline", baseline), ("show", word)] }

    func choices(_ summary: PBRegressionSummary) -> [Choice] {
        Self.words.map { word, label, _, count in
            Choice(
                label: label, path: PageAddress.of(path, query(showing: word)), isChosen: word == show,
                count: NumberText.grouped(count(summary)))
        }
    }
}

extension PBRegressionSummary {
    var isClean: Bool { regressed + added + unskipped == 0 }
}

extension Badge {
    init(_ kind: PBRegression.Kind) {
        switch kind {
        case .regressed: self = Badge(css: "failed", glyph: "↓", label: "Regressed")
        case .added: self = Badge(css: "failed", glyph: "+", label: "New and failing")
        case .unskipped: self = Badge(css: "errored", glyph: "●", label: "No longer skipped")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }

    init(_ kind: PBRegressionAssessment.Kind) {
        switch kind {
        case .regression: self = Badge(css: "failed", glyph: "↓", label: "Regression")
        case .flake: self = Badge(css: "errored", glyph: "~", label: "Flake")
        case .environment: self = Badge(css: "pending", glyph: "▢", label: "Environment")
        case .noRegression: self = Badge(css: "passed", glyph: "✓", label: "No regression")
        case .uncertain, .unspecified, .UNRECOGNIZED: self = Badge(css: "skipped", glyph: "?", label: "Uncertain")
        }
    }
}
