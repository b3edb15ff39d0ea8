import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

// From what it is told what is new in a run's logs.

extension LogPatternTests {
    @Test("a run's logs name the runs that they are held against, and have the same hash until one of these says something else")
    func receipt() async throws {
        let first = try await log(Self.calm, hours: 0)
        let second = try await log(Self.calm, hours: 1)
        let run = try await log(Self.calm + "\n10:00:04 ERROR connection refused by 10.0.0.9", hours: 3, passed: false)
        try await serve { client in
            @Sendable func told() async throws -> PBRunLogs { try await client.listRunLogPatterns(.with { $0.run = run.description }).logs }
            let known = try await told()
            #expect(known.comparedWith == [second, first].map(\.description) && known.edition == LogNovelty.edition)
            #expect(known.inputSha256.count == 64)
            // What comes later, and what fails, is no part of it.
            try await log(Self.calm, hours: 4)
            try await log("10:00:00 ERROR connection refused by 10.0.0.9", hours: 2, passed: false)
            let again = try await told()
            #expect(again.inputSha256 == known.inputSha256 && again.comparedWith == known.comparedWith)
            let late = try await log("10:00:00 INFO goodbye", hours: 2)
            let held = try await told()
            #expect(held.comparedWith == [late, second, first].map(\.description) && held.inputSha256 != known.inputSha256)
            let alone = try await client.listRunLogPatterns(.with { $0.run = first.description }).logs
            #expect(alone.comparedWith.isEmpty && alone.inputSha256.isEmpty && alone.edition == LogNovelty.edition)
        }
    }

    @Test("the hash of what tells what is new is of the runs, of what they have, and of since when it is known where they said more")
    func deciding() {
        func line(_ number: Int, firstSeen: Date? = nil, pattern: Int? = nil) -> RunLogLine {
            RunLogLine(
                signature: SignatureID(hashing: "\(number)"), pattern: SignatureID(hashing: "\(pattern ?? number)"), text: "t", level: .info,
                category: nil, lines: 1, sample: "s", firstSeen: firstSeen, isKnown: true)
        }
        let runs = [ID<Run>.new(), ID<Run>.new()]
        let lines = [line(1), line(2)]
        func hash(
            _ lines: [RunLogLine], _ runs: [ID<Run>], _ having: [SignatureID: Int64] = [:], areWhole: Bool = true, hours: Double = 0
        ) -> Data {
            LogNovelty.hash(lines, against: runs, having: having, areWhole: areWhole, startedAt: start + hours * 3600)
        }
        let known = hash(lines, runs)
        // In any order; how often lines were read, and what else is told of them, is no part of it.
        #expect(hash(lines.reversed(), runs.reversed()) == known && hash([line(1, firstSeen: start), line(2)], runs, hours: 3) == known)
        let hashes = [
            known, hash(lines, [runs[0]]), hash([lines[0]], runs), hash([line(1), line(2, pattern: 1)], runs),
            hash(lines, runs, [lines[0].pattern: 1]), hash(lines, runs, [lines[0].pattern: 2]), hash(lines, runs, [lines[1].pattern: 1]),
            hash(lines, runs, areWhole: false), hash(lines, runs, areWhole: false, hours: 1),
            hash([line(1, firstSeen: start), line(2)], runs, areWhole: false),
        ]
        // A pattern of two signatures is one: without a difference that counts it is the same as of the first alone.
        #expect(Set(hashes).count == hashes.count - 1 && hashes[2] == hashes[3])
    }
}
