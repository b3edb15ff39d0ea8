import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import AnalyticsService

/// Tests that were renamed.
extension FactTests {
    @Test("the history of a test that was renamed is that of the test it is; what comes late finds its place, and a neighbour's tests are left alone")
    func alias() async throws {
        let (old, new) = (ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new())
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let tests = PBTests.Client(wrapping: client)
            func history(_ test: ID<AnalyticsService.Test>) async throws -> [PBOutcome.Value] {
                try await tests.listHistory(.with { $0.test = test.description }).data.map(\.outcome)
            }
            _ = try await intake.submitFacts(batch([(old, .passed)], minutes: 0))
            _ = try await intake.submitFacts(batch([(new, .failed)], minutes: 1))
            let alias = PBSubmitAliasRequest.with {
                $0.project = project.description
                $0.alias = new.description
                $0.test = old.description
            }
            var foreign = alias
            foreign.project = ID<Project>.new().description
            _ = try await intake.submitAlias(foreign)
            #expect(try await history(new) == [.failed])
            _ = try await intake.submitAlias(alias)
            _ = try await intake.submitAlias(alias)
            #expect(try await history(old) == [.failed, .passed])
            _ = try await intake.submitFacts(batch([(new, .passed)], minutes: 2))
            #expect(try await history(old) == [.passed, .failed, .passed])
            let known = try await tests.getTest(.with { $0.test = old.description })
            #expect(known.counts.total == 3 && known.counts.passed == 2 && known.lastOutcome == .passed)
            // Whoever still names it is answered of the test that it is.
            let named = try await tests.getTest(.with { $0.test = new.description })
            #expect(named.id == old.description && named.counts == known.counts)
            #expect(try await history(new) == [.passed, .failed, .passed])
            let judged = try await PBStabilities.Client(wrapping: client).getTestStability(.with { $0.test = new.description })
            #expect(judged.test.id == old.description)
            // Told apart again: from now on.
            _ = try await intake.submitAlias(
                .with {
                    $0.project = project.description
                    $0.alias = new.description
                })
            await #expect(throws: RPCError.self) { try await tests.getTest(.with { $0.test = new.description }) }
            _ = try await intake.submitFacts(batch([(new, .failed)], minutes: 3))
            #expect(try await history(old).count == 3)
            #expect(try await history(new) == [.failed])
        }
    }

    @Test("facts that arrive while tests are joined end up with the test that lasts")
    func aliasRace() async throws {
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let tests = PBTests.Client(wrapping: client)
            for _ in 0..<5 {
                let (old, new) = (ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new())
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for minute in 0..<8 { group.addTask { _ = try await intake.submitFacts(batch([(new, .passed)], minutes: minute)) } }
                    group.addTask {
                        _ = try await intake.submitAlias(
                            .with {
                                $0.project = project.description
                                $0.alias = new.description
                                $0.test = old.description
                            })
                    }
                    try await group.waitForAll()
                }
                #expect(try await tests.listHistory(.with { $0.test = old.description }).data.count == 8)
                #expect(try await tests.getTest(.with { $0.test = old.description }).counts.passed == 8)
            }
        }
    }

    private func renaming(_ alias: ID<AnalyticsService.Test>, of test: ID<AnalyticsService.Test>?) -> PBSubmitAliasRequest {
        .with {
            $0.project = project.description
            $0.alias = alias.description
            $0.test = test?.description ?? ""
        }
    }

    /// Of the tests of the project, how often each passed.
    private func passes(_ client: InProcess.Client) async throws -> [String: Int64] {
        let tests = PBTests.Client(wrapping: client)
        let all = try await tests.listTests(.with { ($0.project, $0.limit) = (project.description, 50) }).data
        return Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.counts.passed) })
    }

    @Test("a test that is renamed twice is one whichever is told first: what comes between is counted for the test that lasts")
    func overtaken() async throws {
        let (first, second, third) = (ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new())
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            _ = try await intake.submitFacts(batch([(first, .passed), (second, .passed), (third, .passed)], minutes: 0))
            _ = try await intake.submitAlias(renaming(first, of: second))
            #expect(try await passes(client) == [second.description: 2, third.description: 1])
            // Of the first it is told later that it is the third's by now.
            _ = try await intake.submitAlias(renaming(second, of: third))
            _ = try await intake.submitFacts(batch([(first, .passed)], minutes: 1))
            #expect(try await passes(client) == [third.description: 4])
            _ = try await intake.submitAlias(renaming(first, of: third))
            #expect(try await passes(client) == [third.description: 4])
            let named = try await PBTests.Client(wrapping: client).getTest(.with { $0.test = first.description })
            #expect(named.id == third.description)
        }
    }

    @Test("an alias that is turned round is one way only, also before it is told that the other way has ended")
    func turnedRound() async throws {
        let (old, new, other) = (ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new(), ID<AnalyticsService.Test>.new())
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            _ = try await intake.submitFacts(batch([(old, .passed), (new, .passed), (other, .passed)], minutes: 0))
            _ = try await intake.submitAlias(renaming(old, of: new))
            _ = try await intake.submitAlias(renaming(other, of: new))
            #expect(try await passes(client) == [new.description: 3])
            _ = try await intake.submitAlias(renaming(new, of: old))
            for _ in 0..<2 {
                _ = try await intake.submitFacts(batch([(old, .passed), (new, .passed), (other, .passed)], minutes: 1))
                _ = try await intake.submitAlias(renaming(old, of: nil))
            }
            #expect(try await passes(client) == [old.description: 9])
        }
    }
}
