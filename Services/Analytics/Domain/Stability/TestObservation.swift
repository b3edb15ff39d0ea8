import Foundation
import Primitives

/// How one test ended once, as far as its stability is concerned. Skipped results are none.
package struct TestObservation: Sendable, Equatable {
    /// When the run began, milliseconds since the epoch: orders results, however late they arrive.
    package let at: Int64
    /// Tells results of one moment apart, and a result that comes twice from two: part of the result's id.
    package let order: UInt32
    /// `StableHash` of the commit; 0 when the report did not say.
    package let commit: UInt64
    package let passed: Bool
    /// 0 for the first try within its run; a passing one with more was tried again after it failed. The failed tries are observations of their own.
    package let attempt: UInt8
    /// Equal for failures that say the same; 0 when that is not known (yet, see `FailureMessages`).
    package let fingerprint: UInt64
    /// The failure has been put down to a host, a zone or an hour (`EnvironmentCause`): it says nothing about the test.
    package let isEnvironmental: Bool
    package let lane: Lane

    package init(
        at: Int64, order: UInt32, commit: UInt64, passed: Bool, attempt: UInt8 = 0, fingerprint: UInt64 = 0, isEnvironmental: Bool = false,
        lane: Lane = .trusted
    ) {
        self.at = at
        self.order = order
        self.commit = commit
        self.passed = passed
        self.attempt = attempt
        self.fingerprint = passed ? 0 : fingerprint
        self.isEnvironmental = isEnvironmental && !passed
        self.lane = lane
    }
}

/// FNV-1a with 64 bits (Fowler, Noll, Vo; RFC 9923): the same on every machine and in every process, which `Hasher` is not.
package enum StableHash {
    /// 0 for an empty text, and for nothing else.
    package static func of(_ text: some StringProtocol) -> UInt64 {
        guard !text.isEmpty else { return 0 }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash == 0 ? 1 : hash
    }
}
