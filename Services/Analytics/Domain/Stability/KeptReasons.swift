import Foundation

/// The reasons of a verdict as its test's row keeps them, so that a list need not work them out from all that is remembered of each test. Bound to what they
/// were found in: a release that does not know them writes verdicts beside them.
///
/// First byte: the layout, 1. Then the receipt's input hash, and of each reason its number here and its numbers in their order.
struct KeptReasons: Sendable, Equatable {
    private static let layout: UInt64 = 1
    /// More than a verdict has.
    private static let most = 16

    let inputHash: UInt64
    let reasons: [StabilityReason]

    init(_ reasons: [StabilityReason], of inputHash: UInt64) {
        self.inputHash = inputHash
        self.reasons = reasons
    }

    var bytes: [UInt8] {
        var writer = CompactWriter()
        writer.write(Self.layout)
        writer.write(hash: inputHash)
        for reason in reasons {
            switch reason {
            case .bothOutcomesOnOneCommit(let commits): writer.write([1, commits])
            case .retryPassed(let times): writer.write([2, times])
            case .failedBetweenPasses(let times): writer.write([3, times])
            case .failureRate(let lower, let upper):
                writer.write(4)
                writer.write(hash: lower.bitPattern)
                writer.write(hash: upper.bitPattern)
            case .alikeMessages(let pairs, let all): writer.write([5, pairs, all])
            case .failsSince(let first, let commit, let results, let commits):
                writer.write(6)
                writer.write(first)
                writer.write(hash: commit)
                writer.write([results, commits])
            case .passesSince(let first, let commit, let results):
                writer.write(7)
                writer.write(first)
                writer.write(hash: commit)
                writer.write(results)
            case .neverPassed(let results): writer.write([8, results])
            case .neverFailed(let results): writer.write([9, results])
            case .environmentFailures(let count): writer.write([10, count])
            case .tooFewResults(let results): writer.write([11, results])
            case .nothingPassedSince(let results): writer.write([12, results])
            case .flakyBefore: writer.write(13)
            case .failedElsewhere(let failures, let all): writer.write([14, failures, all])
            }
        }
        return writer.bytes
    }

    /// `nil` for what `bytes` did not write.
    init?(bytes: [UInt8]) {
        var reader = CompactReader(bytes)
        guard reader.unsigned() == Self.layout, let hash = reader.hash() else { return nil }
        var reasons: [StabilityReason] = []
        while !reader.isAtEnd {
            guard reasons.count < Self.most, let reason = Self.reason(from: &reader) else { return nil }
            reasons.append(reason)
        }
        self.init(reasons, of: hash)
    }

    private static func reason(from reader: inout CompactReader) -> StabilityReason? {
        func number() -> Int? { reader.unsigned().flatMap { Int(exactly: $0) } }
        switch number() {
        case 1: return number().map { .bothOutcomesOnOneCommit(commits: $0) }
        case 2: return number().map { .retryPassed(times: $0) }
        case 3: return number().map { .failedBetweenPasses(times: $0) }
        case 4:
            guard let lower = reader.hash(), let upper = reader.hash() else { return nil }
            return .failureRate(lower: Double(bitPattern: lower), upper: Double(bitPattern: upper))
        case 5:
            guard let pairs = number(), let all = number() else { return nil }
            return .alikeMessages(pairs: pairs, of: all)
        case 6:
            guard let first = reader.signed(), let commit = reader.hash(), let results = number(), let commits = number() else { return nil }
            return .failsSince(first: first, commit: commit, results: results, commits: commits)
        case 7:
            guard let first = reader.signed(), let commit = reader.hash(), let results = number() else { return nil }
            return .passesSince(first: first, commit: commit, results: results)
        case 8: return number().map { .neverPassed(results: $0) }
        case 9: return number().map { .neverFailed(results: $0) }
        case 10: return number().map { .environmentFailures(count: $0) }
        case 11: return number().map { .tooFewResults(results: $0) }
        case 12: return number().map { .nothingPassedSince(results: $0) }
        case 13: return .flakyBefore
        case 14:
            guard let failures = number(), let all = number() else { return nil }
            return .failedElsewhere(failures: failures, of: all)
        default: return nil
        }
    }
}

extension CompactWriter {
    fileprivate mutating func write(_ numbers: [Int]) {
        for number in numbers { write(number) }
    }
}
