import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

@Suite("the group of a failure is found once more", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupReplayTests {
    private typealias Group = ValidationService.FailureGroup

    private func replay(
        _ result: ID<ValidationService.Result>, _ fixture: GroupFixture, among editions: [GroupingEdition] = GroupingEdition.released
    ) async throws -> (replay: GroupReplay, merges: [ExplainedMerge]) {
        try await fixture.members.replay(
            fixture.members.receipt(of: result, tenant: fixture.tenant), among: editions, tenant: fixture.tenant)
    }

    /// What Execution delivers: words of a corpus, traces of any length, codes, and characters that a report may hold.
    private func failures(_ count: Int, seed: UInt64) -> [PBFailedResult] {
        var chance = Chance(seed &+ 7000)
        return Corpus.messages(count, seed: seed).enumerated().map { number, message in
            var trace = ""
            for line in 0..<Int.random(in: 0..<260, using: &chance) {
                let name = ["Cart", "Café", "org.junit.X"].randomElement(using: &chance)!
                trace += "\tat com.shop.\(name).run\(line)(\(name).java:\(Int.random(in: 1..<999, using: &chance)))\n"
            }
            return .with {
                $0.result = ID<ValidationService.Result>.new().description
                $0.test = GroupFixture.test(number % 40).description
                $0.className = ["", "Orders", "Löschung\u{1F600}"][number % 3]
                $0.name = "pays(\(number)) \u{301}"
                $0.outcome = .failed
                $0.type = number % 5 == 0 ? ["", "AssertionError"].randomElement(using: &chance)! : "java.io.IOException"
                $0.message = number % 9 > 0 ? message : message + "\u{0}" + String(repeating: "ü\(number)", count: 4000)
                $0.trace = number % 4 > 0 ? "" : trace
                $0.httpStatus = number % 7 == 0 ? 503 : 0
            }
        }
    }

    private func deliver(_ results: [PBFailedResult], lane: PBLane.Value, at hour: Double, _ fixture: GroupFixture) async throws {
        let intake = ValidationService.IntakeRPC(
            failures: fixture.failures, validations: fixture.validations, rules: RuleStore(database: fixture.database))
        try await InProcess.serve(
            [intake], rules: ValidationContract.rules, as: .service("execution", tenant: fixture.tenant), signedBy: "execution"
        ) { client in
            _ = try await PBIntake.Client(wrapping: client).submitFailures(
                .with {
                    $0.project = fixture.project.description
                    $0.run = ID<ValidationService.Run>.new().description
                    $0.batch = "upl_1"
                    $0.lane = lane
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: GroupFixture.hour(hour))
                    $0.results = results
                })
        }
    }

    private func ids(_ fixture: GroupFixture) async throws -> [ID<ValidationService.Result>] {
        try await fixture.database.rows(
            .tenant(fixture.tenant), "select result_id from failures where tenant_id = \(fixture.tenant) order by result_id"
        ) { try $0.value("result_id", as: ID<ValidationService.Result>.self) }
    }

    @Test("every failure that is kept comes to the same again, trusted or not, long or short, also after people have decided", arguments: 0..<3)
    func agrees(seed: Int) async throws {
        let fixture = GroupFixture()
        let all = failures(180, seed: UInt64(seed))
        try await deliver(Array(all[..<90]), lane: .trusted, at: 0, fixture)
        try await deliver(Array(all[90..<120]), lane: .untrusted, at: 1, fixture)
        try await deliver(Array(all[120...]), lane: .trusted, at: -1, fixture)
        let groups = try await fixture.list(by: .failures).map(\.id)
        _ = try await fixture.decisions.merge(Array(groups[1...8]), into: groups[0], by: fixture.author(), at: Date(), fixture.scope)
        var (tied, joined) = (0, 0)
        let results = try await ids(fixture)
        #expect(results.count == 180)
        for result in results {
            let (again, merges) = try await replay(result, fixture)
            #expect(again.difference == nil && again.edition == 1 && again.receipt.edition == 1, "\(again.signed.text)")
            #expect(again.merges.count == merges.count)
            guard let group = again.group, let own = again.receipt.signature, group != own else { continue }
            tied += 1
            // The merges lead from the group's first signature to the failure's own, and those of people are told as theirs.
            let ends = merges.flatMap { [$0.kept.id.uuid, $0.joined.id.uuid] }
            #expect(ends.contains(group.uuid) && ends.contains(own.uuid))
            if merges.contains(where: { $0.decision?.decidedBy == "usr_1" }) { joined += 1 }
        }
        #expect(tied > 20 && joined > 0)
    }

    @Test("what found no room, and what nothing is learnt from, comes to the same again")
    func moved() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch((0..<1030).map(GroupFixture.words), at: 0))
        try await fixture.deliver(fixture.batch(["alice", "bob", "carol", "dave", "erin"].map { "session of \($0) was closed by peer" }, at: 1))
        let fork = fixture.batch(["session of mallory was closed by peer", "nobody knows this"], at: 2, lane: .untrusted)
        try await fixture.deliver(fork)
        let results = try await fixture.database.rows(
            .tenant(fixture.tenant), "select result_id from failures where tenant_id = \(fixture.tenant) and signed_as is not null"
        ) { try $0.value("result_id", as: ID<ValidationService.Result>.self) }
        #expect(results.count == 7)
        for result in results + fork.failures.map(\.result.result) {
            let again = try await replay(result, fixture).replay
            #expect(again.difference == nil && again.receipt.signedAs != again.receipt.signature)
        }
        let unknown = try await replay(fork.failures[1].result.result, fixture).replay
        #expect(unknown.group == nil && unknown.receipt.place == nil && unknown.merges.isEmpty)
        // As a release left them that kept neither edition nor what was signed.
        try await fixture.database.execute(
            .tenant(fixture.tenant), "update failures set signed_as = null, grouping_edition = null where tenant_id = \(fixture.tenant)")
        for result in results { #expect(try await replay(result, fixture).replay.difference == nil) }
    }

    @Test("texts, signatures and groups that somebody changed do not agree, each says which, and what is not kept cannot be replayed")
    func tampered() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(["connection to 10.0.0.1:1 refused", "no route to warehouse", "disk quota was exceeded", "out of paper"], at: 0)
        try await fixture.deliver(batch)
        func change(_ sql: SQL) async throws { try await fixture.database.execute(.tenant(fixture.tenant), sql) }
        func difference(_ number: Int) async throws -> String? {
            try await replay(batch.failures[number].result.result, fixture).replay.difference?.explanation
        }
        let tenant = fixture.tenant
        // It would be signed alike: the hash tells.
        try await change(
            "update symptoms set message = 'connection to 10.0.0.9:9 refused' where tenant_id = \(tenant) and message like 'connection%'")
        #expect(try await difference(0)?.contains("hash is another") == true)
        let first = batch.failures[0].signature.id.uuid
        try await change("update failures set signature_id = \(first) where tenant_id = \(tenant) and message = 'no route to warehouse'")
        #expect(try await difference(1)?.contains("signed as something else") == true)
        try await change(
            """
            update failure_signatures set group_id = \(first)
            where tenant_id = \(tenant) and signature_id = \(batch.failures[2].signature.id.uuid)
            """)
        #expect(try await difference(2)?.contains("another group") == true)
        #expect(try await difference(3) == nil)
        try await change("update failures set grouping_edition = 99 where tenant_id = \(tenant) and message = 'out of paper'")
        let newer = try await InProcess.fault { try await difference(3) }
        #expect(newer.code == "failure_groups.not_replayable" && newer.detail.contains("edition 99"))
        try await change("update failures set grouping_edition = 1, symptoms_hash = null where tenant_id = \(tenant) and message = 'out of paper'")
        let lost = try await InProcess.fault { try await difference(3) }
        #expect(lost.code == "failure_groups.not_replayable" && lost.kind == .precondition)
    }

    @Test("a failure is found again by the edition that it was filed by: another one beside it signs, or puts together, otherwise")
    func editions() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(["alice", "bob", "carol", "dave", "erin"].map { "session of \($0) was closed by peer" }, at: 0)
        try await fixture.deliver(batch)
        let first = try #require(await fixture.list().first?.id)
        let failure = try #require(batch.failures.first { $0.signature.id.uuid != first.uuid })
        let result = failure.result.result
        let one = try #require(GroupingEdition.numbered(1))
        var (strict, wordy) = (one.mining, one.signing)
        strict.words.amongMore = 6
        wordy.minOwnWords = 9
        let second = GroupingEdition(number: 2, signing: one.signing, mining: strict)
        let third = GroupingEdition(number: 3, signing: wordy, mining: one.mining)
        let all = [one, second, third]
        func filed(by edition: GroupingEdition) async throws -> GroupReplay {
            try await fixture.database.execute(
                .tenant(fixture.tenant), "update failures set grouping_edition = \(edition.number) where tenant_id = \(fixture.tenant)")
            return try await replay(result, fixture, among: all).replay
        }
        let same = try await filed(by: one)
        #expect(same.difference == nil && same.edition == 1 && same.group?.uuid == first.uuid)
        // Five words are not enough for it, so each signature is a group of its own.
        let apart = try await filed(by: second)
        #expect(apart.difference == .group && apart.edition == 2 && apart.group == failure.signature.id && apart.merges.isEmpty)
        // So short a message says nothing for it, and the test itself is the origin.
        let other = try await filed(by: third)
        #expect(other.difference == .signature && other.signed.id != failure.signature.id && other.signed.origin.contains("Orders"))
        let lost = try await InProcess.fault { try await replay(result, fixture).replay }
        #expect(lost.code == "failure_groups.not_replayable" && lost.detail.contains("edition 3"))
    }

    @Test("a caller reads the replay of a failure of a project that is theirs, with the merges in words")
    func rpc() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch(["alice", "bob", "carol", "dave", "erin"].map { "session of \($0) was closed by peer" }, at: 0)
        try await fixture.deliver(batch)
        let groups = FailureGroupsRPC(groups: fixture.groups, members: fixture.members, failures: fixture.failures)
        let first = try #require(await fixture.list().first?.id)
        let failure = try #require(batch.failures.first { $0.signature.id.uuid != first.uuid })
        let request = PBReplayFailureGroupRequest.with { $0.result = failure.result.result.description }
        func ask(_ projects: Set<UUID>?) async throws -> PBFailureGroupReplay {
            let caller = Caller(tenant: fixture.tenant, actor: "usr_1", permissions: ["runs.read"], projects: projects)
            return try await InProcess.serve([groups], rules: ValidationContract.rules, as: caller) { client in
                try await PBFailureGroups.Client(wrapping: client).replayFailureGroup(request)
            }
        }
        let answer = try await ask(nil)
        #expect(answer.agrees && answer.detail.isEmpty && answer.edition == 1 && answer.inputSha256.count == 64)
        #expect(answer.signature == answer.signedAs && answer.signedAs == answer.signedAgain && answer.group == answer.groupAgain)
        #expect(answer.text == failure.signature.text && answer.group == first.description)
        #expect(answer.merges.count == 1 && answer.merges[0].detail.contains("5 different words stood at"))
        #expect(answer.state.agrees && answer.state.group == answer.group && answer.state.detail.isEmpty)
        #expect(answer.state.edition == LifeCycle.current.number)
        #expect(answer.state.state == .new && answer.state.stateAgain == .new && answer.state.reasonAgain == .seenOnce)
        #expect(answer.state.evidence == answer.state.evidenceAgain && answer.state.evidence.openSignatures == 5)
        let refused = try await InProcess.fault { try await ask([UUID()]) }
        #expect(refused.kind == .notFound)
    }

    @Test("what is signed of a delivery is what is kept of it: texts beyond that change no signature")
    func kept() throws {
        let frames = (0..<400).map { "\tat org.junit.Runner.run\($0)(Runner.java:1)\n" }.joined()
        let long = PBFailedResult.with {
            $0.result = ID<ValidationService.Result>.new().description
            $0.test = GroupFixture.test(1).description
            $0.outcome = .failed
            $0.message = "no route to warehouse"
            $0.trace = frames + "\tat com.shop.Cart.add(Cart.java:1)\n"
        }
        let result = try FailedResult(long, at: "/results/0")
        var other = long
        other.trace = frames + "\tat com.shop.Order.pay(Order.java:1)\n"
        var signer = FailureSigner()
        let signature = result.signature(by: &signer)
        #expect(result.symptoms.trace.utf8.count <= Symptoms.maxBytes && long.trace.utf8.count > Symptoms.maxBytes)
        #expect(try FailedResult(other, at: "/results/0").signature(by: &signer) == signature)
        #expect(result.symptoms.bounded.signature(by: &signer, className: "", test: "") == signature)
    }
}
