import Foundation

/// How a case ended, before it is written down as a result.
struct CaseVerdict: Sendable, Equatable {
    let outcome: Outcome
    /// Why it did not pass; empty when it did.
    let message: String
    /// `assertion`, or the code of what kept it from being carried out; empty when it passed.
    let type: String
    let exchange: Exchange?
}

extension CaseVerdict {
    /// Judges an answer. A miss is FAILED; an assertion that cannot be used makes the case ERRORED, because nobody knows whether it holds.
    init(_ answer: Answer, assertions: [Assertion], exchange: Exchange) {
        var exchange = exchange
        var parsed: Result<JSONValue, JSONParser.Failure>?
        func json() -> Result<JSONValue, JSONParser.Failure> {
            if let parsed { return parsed }
            let result = Result { () throws(JSONParser.Failure) in try JSONParser.parse(answer.body) }
            parsed = result
            return result
        }
        do throws(CaseError) {
            exchange.assertions = try assertions.isEmpty ? [Self.usual(answer.status)] : Self.judged(assertions, answer, json)
        } catch {
            self.init(error, exchange: exchange)
            return
        }
        let missed = exchange.assertions.filter { !$0.passed }
        guard let first = missed.first else {
            self.init(outcome: .passed, message: "", type: "", exchange: exchange)
            return
        }
        let more = missed.count > 1 ? " (and \(missed.count - 1) more)" : ""
        let found = Excerpt.of(first.actual, limit: 256)
        self.init(outcome: .failed, message: "\(first.assertion), found \(found)\(more)", type: "assertion", exchange: exchange)
    }

    /// A case that could not be carried out.
    init(_ error: CaseError, exchange: Exchange?) {
        var exchange = exchange
        exchange?.errorCode = error.code
        self.init(outcome: .errored, message: Excerpt.of(error.detail, limit: Excerpt.actualLimit), type: error.code, exchange: exchange)
    }

    /// With secrets masked in every text that will be stored.
    func masked(_ mask: SecretMask) -> CaseVerdict {
        CaseVerdict(outcome: outcome, message: mask.masked(message), type: type, exchange: exchange?.masked(mask))
    }

    private static func judged(
        _ assertions: [Assertion], _ answer: Answer, _ json: () -> Result<JSONValue, JSONParser.Failure>
    ) throws(CaseError) -> [AssertionOutcome] {
        var outcomes: [AssertionOutcome] = []
        for assertion in assertions { outcomes.append(try assertion.judge(answer, json: json)) }
        return outcomes
    }

    /// What a case without assertions asks for.
    private static func usual(_ status: Int) -> AssertionOutcome {
        AssertionOutcome(assertion: "status from 200 to 399", passed: (200...399).contains(status), actual: "\(status)")
    }
}

// Ends that have nothing to do with what the target did.
extension CaseVerdict {
    /// Three workers died with it, or because of it.
    static let infraLost = CaseVerdict(
        CaseError("infra_lost", "The worker was lost three times while it executed this case; the target's answer is not known. Run it again."),
        exchange: nil)

    /// PostgreSQL would not take the result.
    static let unstorable = CaseVerdict(
        CaseError("result_unstorable", "The case was executed but its result could not be stored; the service's log says why."), exchange: nil)

    static func dropped(_ end: Run.EarlyEnd) -> CaseVerdict {
        switch end {
        case .cancelled:
            CaseVerdict(outcome: .skipped, message: "The run was cancelled before this case began.", type: "run_cancelled", exchange: nil)
        case .timedOut:
            CaseVerdict(outcome: .skipped, message: "The run's time was up before this case began.", type: "run_timed_out", exchange: nil)
        }
    }
}
