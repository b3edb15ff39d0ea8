import Foundation
import Primitives

/// What is remembered of one test on one branch in one environment.
struct TestLine: Sendable, Equatable {
    let branch: String
    let environment: String
    var state = StabilityState() {
        didSet { encoded = nil }
    }
    /// `state` as it is stored; `nil` while that has to be worked out.
    private var encoded: (state: [UInt8], messages: [UInt8])?
    /// Passes and failures, tries among them.
    var results: Int64 = 0
    /// Start of the newest run.
    var lastAt = Date.distantPast

    init(branch: String, environment: String) {
        self.branch = branch
        self.environment = environment
    }

    /// - Throws: `stability.unknown_state`.
    init(branch: String, environment: String, bytes: [UInt8], messages: [UInt8], results: Int64, lastAt: Date) throws(Fault) {
        guard let state = StabilityState(bytes: bytes, messages: messages) else { throw Fault.unknownState }
        self.init(branch: branch, environment: environment)
        self.state = state
        self.results = results
        self.lastAt = lastAt
        encoded = (bytes, messages)
    }

    var bytes: [UInt8] { encoded?.state ?? state.bytes }
    var messages: [UInt8] { encoded?.messages ?? state.messages.bytes }

    /// Works out once what is asked for twice: for the row, and for the receipt.
    fileprivate mutating func encode() {
        if encoded == nil { encoded = (state.bytes, state.messages.bytes) }
    }

    func isSameLine(as other: TestLine) -> Bool { branch == other.branch && environment == other.environment }

    static func == (left: TestLine, right: TestLine) -> Bool {
        left.isSameLine(as: right) && left.results == right.results && left.lastAt == right.lastAt && left.state == right.state
    }
}

extension StabilityState {
    /// Environmental failures among them.
    var hasFailed: Bool {
        environmentFailures > 0 || !past.isEmpty || !messages.isEmpty || loose.contains { !$0.passed } || stretches.contains { !$0.passed }
    }
}

/// The lines of one test. Branches come and go, and most of them say nothing of a test: the first few lines are kept in any case, further ones from their
/// first failure on, and of all the newest.
struct TestLines: Sendable {
    static let most = 16
    /// Kept without a failure.
    static let fewest = 4
    /// After that long without a run a line that never failed makes room.
    static let patience: TimeInterval = 30 * 86_400

    private(set) var lines: [TestLine]
    /// As they are stored.
    private let stored: [TestLine]

    init(_ lines: [TestLine] = []) {
        self.lines = lines
        stored = lines
    }

    /// Records how a fact's tries ended. Skipped ones say nothing.
    /// - Returns: how long the test had failed on the line when it passed now, in microseconds.
    @discardableResult
    mutating func record(_ fact: Fact, of batch: FactBatch) -> Int64? {
        record(
            fact.observations(at: batch.startedAt, commit: batch.commit), branch: batch.branch, environment: batch.environment, at: batch.startedAt)
    }

    @discardableResult
    mutating func record(_ observations: [TestObservation], branch: String, environment: String, at time: Date) -> Int64? {
        guard !observations.isEmpty else { return nil }
        let index = line(branch, environment, at: time)
        let failingSince = lines[index].state.failingSince
        for observation in observations { lines[index].state.record(observation) }
        lines.noteEnds(after: index)
        lines[index].results += Int64(observations.count)
        // What comes late and lands before the newest results mends nothing.
        guard let failingSince, lines[index].state.failingSince == nil, lines[index].lastAt == time else { return nil }
        return max(0, time.milliseconds - failingSince) * 1_000
    }

    /// Takes back what an environment did, or gives it back to the test. A line that is not remembered any more has forgotten it too.
    mutating func excuse(_ failure: PlacedFailure) {
        let changed = change(failure) { state, observations in
            for observation in observations { state.excuse(at: observation.at, order: observation.order) }
            // What passed at last has no message.
            if let first = observations.first, !failure.passed { state.messages.excuse(at: first.at, order: first.order) }
        }
        if let changed { lines.noteEnd(of: changed) }
    }

    mutating func readmit(_ failure: PlacedFailure) {
        let changed = change(failure) { state, observations in
            for observation in observations { state.readmit(observation) }
            if let first = observations.first, !failure.passed { state.messages.readmit(at: first.at, order: first.order) }
        }
        if let changed { lines.noteEnds(after: changed) }
    }

    /// As if it had not happened: a failure must not speak for itself. Nothing of this is to be written.
    /// - Parameter isExcused: its failed tries are the environment's, and taken back already.
    mutating func leaveOut(_ own: FailureEvidence.OwnResult, isExcused: Bool) {
        guard let index = lines.firstIndex(where: { $0.branch == own.branch && $0.environment == own.environment }) else { return }
        let observations = own.observations
        for observation in observations where observation.passed || !isExcused {
            lines[index].state.leaveOut(at: observation.at, order: observation.order, passed: observation.passed)
        }
        // What passed at last has no message.
        if own.outcome != .passed, !isExcused, let first = observations.first {
            lines[index].state.messages.excuse(at: first.at, order: first.order)
        }
        if own.outcome == .passed { lines.forgetEnds(on: StableHash.of(own.commit), in: own.environment) }
        lines.noteEnd(of: index)
    }

    /// - Returns: the place of the failure's line; `nil` when it is not remembered.
    private mutating func change(_ failure: PlacedFailure, _ body: (inout StabilityState, [TestObservation]) -> Void) -> Int? {
        guard let index = lines.firstIndex(where: { $0.branch == failure.branch && $0.environment == failure.environment }) else { return nil }
        body(&lines[index].state, failure.observations)
        return index
    }

    /// What a failure said, whether or not it is known itself yet.
    mutating func hear(_ message: FailureMessage, of batch: MessageBatch) {
        let index = line(batch.branch, batch.environment, at: batch.startedAt)
        lines[index].state.messages.hear(message.fingerprint, at: batch.startedAt.milliseconds, order: message.result.uuid.order(of: 0))
    }

    /// What the failures of another line said: facts alone do not tell it.
    mutating func keepMessages(of other: TestLine) {
        guard !other.state.messages.isEmpty else { return }
        let index = line(other.branch, other.environment, at: other.lastAt)
        lines[index].state.messages.merge(other.state.messages)
    }

    /// The place of the line, which is there from now on.
    private mutating func line(_ branch: String, _ environment: String, at time: Date) -> Int {
        let line = TestLine(branch: branch, environment: environment)
        let index = lines.firstIndex { $0.isSameLine(as: line) } ?? lines.endIndex
        if index == lines.endIndex { lines.append(line) }
        lines[index].lastAt = max(lines[index].lastAt, time)
        return index
    }

    /// What is to be written of lines that stay.
    var changed: [TestLine] { lines.filter { !stored.contains($0) } }

    /// Lets go of the lines that are too many, but never of the main one.
    /// - Returns: what is to be written, and what to be deleted.
    mutating func trim(at time: Date) -> (changed: [TestLine], gone: [TestLine]) {
        let all = lines.count
        lines = ordered()
        while lines.count > Self.fewest, let index = lines.lastIndex(where: { isDispensable($0, at: time) }), index > 0 {
            lines.remove(at: index)
        }
        if lines.count > Self.most { lines.removeLast(lines.count - Self.most) }
        for index in lines.indices { lines[index].encode() }
        let gone = lines.count == all ? [] : stored.filter { known in !lines.contains { $0.isSameLine(as: known) } }
        return (changed, gone)
    }

    private func isDispensable(_ line: TestLine, at time: Date) -> Bool {
        guard !line.state.hasFailed else { return false }
        return time.timeIntervalSince(line.lastAt) > Self.patience || !stored.contains { $0.isSameLine(as: line) }
    }

    /// The one that is judged first, then the newest. Without a wish it is the one with most results: the main branch of most projects, and a branch of
    /// a pull request of hardly any.
    func ordered(first wish: (branch: String, environment: String)? = nil) -> [TestLine] {
        guard lines.count > 1 else { return lines }
        var order = lines.indices.sorted { left, right in
            let (left, right) = (lines[left], lines[right])
            return (right.lastAt, left.branch, left.environment) < (left.lastAt, right.branch, right.environment)
        }
        let first =
            if let wish {
                order.firstIndex { lines[$0].branch == wish.branch && lines[$0].environment == wish.environment }
            } else {
                order.indices.max { lines[order[$0]].results < lines[order[$1]].results }
            }
        if let first { order.insert(order.remove(at: first), at: 0) }
        return order.map { lines[$0] }
    }

    var verdict: StabilityVerdict { StabilityVerdict(ordered().map(\.state)) }

    var receipt: StabilityReceipt { StabilityReceipt(ordered()) }
}

/// A verdict as it is kept with its test: rounded, so that a stable test's row is not written anew with every pass.
struct Stability: Sendable, Equatable {
    let kind: StabilityVerdict.Kind
    let confidence: Double
    let flakyChance: Double

    init(kind: StabilityVerdict.Kind, confidence: Double, flakyChance: Double) {
        self.kind = kind
        self.confidence = confidence
        self.flakyChance = flakyChance
    }

    init(_ verdict: StabilityVerdict) {
        self.init(kind: verdict.kind, confidence: Self.rounded(verdict.confidence), flakyChance: Self.rounded(verdict.flakyChance))
    }

    private static func rounded(_ share: Double) -> Double { (share * 100).rounded() / 100 }
}

extension Fact {
    /// More tries than that say no more.
    static let mostTries = 20

    func observations(at time: Date, commit: String, isEnvironmental: Bool = false) -> [TestObservation] {
        guard outcome != .skipped else { return [] }
        let milliseconds = time.milliseconds
        let commit = StableHash.of(commit)
        let failed = min(failedTries, Self.mostTries)
        return (0...failed).map { attempt in
            // A try that passed is nobody's failure.
            let passed = attempt == failed && outcome == .passed
            return TestObservation(
                at: milliseconds, order: result.uuid.order(of: attempt), commit: commit, passed: passed, attempt: UInt8(attempt),
                isEnvironmental: isEnvironmental && !passed)
        }
    }
}

extension UUID {
    /// The same for the same try of a result, and another for another: results of one upload have ids that follow each other. Mixed as SplitMix64 does
    /// (Steele, Lea, Flood, OOPSLA 2014).
    fileprivate func order(of attempt: Int) -> UInt32 {
        var mixed = withUnsafeBytes(of: uuid) {
            $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self) &* 31 &+ UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        mixed &+= UInt64(attempt) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 31)
    }
}
