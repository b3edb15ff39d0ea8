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

@Suite("groups as callers see them", .database(ValidationProgram.schema, JobSchema.schema))
struct GroupRPCTests {
    private func serve<R: Sendable>(
        _ fixture: GroupFixture, permissions: Set<String> = ["runs.read", "failures.triage"], projects: Set<UUID>? = nil,
        _ body: (InProcess.Client) async throws -> R
    ) async throws -> R {
        let services: [any RegistrableRPCService] = [
            FailureGroupsRPC(groups: fixture.groups, members: fixture.members, failures: fixture.failures),
            FailureTriageRPC(triage: fixture.triage, decisions: fixture.decisions),
        ]
        let caller = Caller(tenant: fixture.tenant, actor: "usr_1", permissions: permissions, projects: projects)
        return try await InProcess.serve(services, rules: ValidationContract.rules, as: caller, body)
    }

    @Test("a group is listed, read, resolved, assigned and asked about; each act is audited")
    func journey() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["a of b is not there", "no route to warehouse"], at: 0, commit: "c1"))
        let project = fixture.project.description
        try await serve(fixture) { client in
            let groups = PBFailureGroups.Client(wrapping: client)
            let triage = PBFailureTriage.Client(wrapping: client)
            let listed = try await groups.listFailureGroups(
                .with {
                    $0.project = project
                    $0.state = [.new]
                    $0.sort = .failures
                })
            #expect(listed.data.count == 2 && !listed.page.hasMore_p)
            let group = listed.data[0]
            let read = try await groups.getFailureGroup(
                .with {
                    $0.project = project
                    $0.group = group.id
                })
            #expect(read == group && read.firstSeen.commitSha == "c1" && !read.hasResolution)
            #expect(read.stateReason == .seenOnce && read.stateEdition == LifeCycle.current.number && read.stateEvidence.openSignatures == 1)
            let resolved = try await triage.resolveFailureGroup(
                .with {
                    $0.project = project
                    $0.group = group.id
                    $0.branch = "main"
                })
            #expect(resolved.state == .resolved && resolved.resolution.by == "usr_1" && !resolved.resolution.absent)
            let assigned = try await triage.assignFailureGroup(
                .with {
                    $0.project = project
                    $0.group = group.id
                    $0.owner = "payments"
                })
            #expect(assigned.owner == "payments" && assigned.state == .resolved)
            let merged = try await triage.mergeFailureGroups(
                .with {
                    $0.project = project
                    $0.group = group.id
                    $0.groups = [listed.data[1].id]
                    $0.note = "one outage"
                })
            #expect(merged.signatures == 2 && merged.state == .new && merged.owner == "payments")
            #expect(resolved.stateReason == .resolvedByPerson && merged.stateReason == .partlyResolved)
            #expect(resolved.stateEvidence.openSignatures == 0 && merged.stateEvidence.resolvedAt == resolved.resolution.at)
            let merges = try await groups.listGroupMerges(
                .with {
                    $0.project = project
                    $0.group = group.id
                })
            #expect(merges.data.map(\.detail) == ["usr_1 put them together: one outage."] && merges.data[0].decision.kind == .merge)
            let occurrences = try await groups.getGroupOccurrences(
                .with {
                    $0.project = project
                    $0.group = group.id
                    $0.days = 90
                })
            #expect(occurrences.data.count == 90)
            let many = try await InProcess.fault {
                try await groups.getGroupOccurrences(
                    .with {
                        $0.project = project
                        $0.group = group.id
                        $0.days = 91
                    })
            }
            #expect(many.fields.first?.pointer == "days")
        }
        let audited = try await fixture.database.rows(
            .tenant(fixture.tenant), "select action from audit_outbox where tenant_id = \(fixture.tenant) order by id"
        ) { try $0.value("action", as: String.self) }
        #expect(audited == ["failure_group.resolved", "failure_group.assigned", "failure_group.merged"])
    }

    @Test("failures are taken apart by a text, which is audited once, listed with how far it is, and told by the receipt")
    func cutting() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch([GroupFixture.ended(1, code: 1), GroupFixture.ended(2, code: 137)], at: 0)
        try await fixture.deliver(batch)
        let group = batch.failures[0].signature.id.group.description
        let request = PBCutFailureGroupRequest.with {
            $0.project = fixture.project.description
            $0.group = group
            $0.text = " exit code 137 "
            $0.note = "killed"
        }
        try await serve(fixture) { client in
            let triage = PBFailureTriage.Client(wrapping: client)
            var wrong = request
            wrong.text = " x "
            let fault = try await InProcess.fault { try await triage.cutFailureGroup(wrong) }
            #expect(fault.code == "request.invalid" && fault.fields.first?.pointer == "/text")
            let decided = try await triage.cutFailureGroup(request)
            #expect(decided.kind == .cut && decided.decidedBy == "usr_1" && decided.note == "killed" && decided.signatures == 1)
            #expect(decided.cut.text == "exit code 137" && decided.cut.state == .waiting && decided.cut.failures == 2 && decided.cut.done == 0)
            #expect(decided.groups.map(\.group) == [group] && !decided.groups[0].takenOut && decided.cut.signature.hasPrefix("sig_"))
            #expect(try await triage.cutFailureGroup(request) == decided)
            try await fixture.carryOut()
            let listed = try await triage.listGroupingDecisions(.with { $0.project = fixture.project.description })
            let done = try #require(listed.data.first)
            #expect(listed.data.count == 1 && done.cut.state == .done && done.cut.moved == 1 && done.cut.done == 2 && done.cut.hasFinishedAt)
            #expect(done.groups.map(\.takenOut) == [false, true] && done.groups[0].group == group)
            let replay = try await PBFailureGroups.Client(wrapping: client).replayFailureGroup(
                .with { $0.result = batch.failures[1].result.result.description })
            #expect(replay.agrees && replay.signature == decided.cut.takenOut && replay.signedAs == decided.cut.signature)
            #expect(replay.cuts.map(\.cut.text) == ["exit code 137"] && replay.cuts.map(\.note) == ["killed"] && replay.cuts[0].id == decided.id)
        }
        let audited = try await fixture.database.rows(
            .tenant(fixture.tenant), "select action from audit_outbox where tenant_id = \(fixture.tenant) order by id"
        ) { try $0.value("action", as: String.self) }
        #expect(audited == ["failure_group.cut"])
    }

    @Test("all failures of a group are filed and given back, which is audited where it changed something; a category has to be named")
    func filing() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["no route to warehouse", "no route to warehouse"], at: 0))
        let group = try #require(await fixture.list().first).id.description
        let project = fixture.project.description
        try await serve(fixture) { client in
            let triage = PBFailureTriage.Client(wrapping: client)
            func file(_ category: PBCategory.Value, after last: String = "") async throws -> PBFiledFailures {
                try await triage.fileFailureGroup(
                    .with {
                        $0.project = project
                        $0.group = group
                        $0.category = category
                        $0.severity = .low
                        $0.after = last
                    })
            }
            let filed = try await file(.environment)
            #expect(filed.failures == 2 && !filed.hasMore_p && filed.lastResult.hasPrefix("res_"))
            let again = try await file(.environment)
            #expect(again.failures == 0 && again.lastResult.isEmpty)
            let elsewhere = try await InProcess.fault { try await file(.environment, after: "grp_1") }
            #expect(elsewhere.kind == .invalid)
            let unnamed = try await InProcess.fault { try await file(.categoryUnspecified) }
            #expect(unnamed.fields.first?.pointer == "/category")
            let given = try await triage.giveBackFailureGroup(
                .with {
                    $0.project = project
                    $0.group = group
                })
            #expect(given.failures == 2 && !given.hasMore_p)
        }
        let audited = try await fixture.database.rows(
            .tenant(fixture.tenant), "select action from audit_outbox where tenant_id = \(fixture.tenant) order by id"
        ) { try $0.value("action", as: String.self) }
        #expect(audited == ["failure_group.filed", "failure_group.given_back"])
    }

    @Test("a decision about all that match is carried out on what matches then: a group that has left the filter since it was shown is left alone")
    func appliedNow() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["connection to warehouse was refused", "connection to billing was refused", "disk is full"], at: 0))
        let project = fixture.project.description
        try await serve(fixture) { client in
            let groups = PBFailureGroups.Client(wrapping: client)
            let triage = PBFailureTriage.Client(wrapping: client)
            let shown = try await groups.listFailureGroups(
                .with {
                    $0.project = project
                    $0.state = [.new]
                    $0.q = "refused"
                }
            ).data
            #expect(shown.count == 2)
            // Somebody else resolves one of them, and another one comes that matches.
            let (left, stays) = (shown[0].id, shown[1].id)
            _ = try await triage.resolveFailureGroup(
                .with {
                    $0.project = project
                    $0.group = left
                    $0.commitSha = "c9"
                })
            try await fixture.deliver(fixture.batch(["printing was refused by the queue"], at: 1))
            let done = try await triage.applyToFailureGroups(
                .with {
                    $0.project = project
                    $0.action = .assign
                    $0.owner = "payments"
                    $0.filter.state = [.new]
                    $0.filter.q = "refused"
                })
            #expect(done.changed == 2 && !done.hasMore_p)
            func read(_ id: String) async throws -> PBFailureGroup {
                try await groups.getFailureGroup(
                    .with {
                        $0.project = project
                        $0.group = id
                    })
            }
            let untouched = try await read(left)
            #expect(untouched.owner.isEmpty && untouched.state == .resolved && untouched.resolution.commitSha == "c9")
            #expect(try await read(stays).owner == "payments")
            let owned = try await groups.listFailureGroups(
                .with {
                    $0.project = project
                    $0.owner = "payments"
                }
            ).data
            #expect(owned.map(\.sampleMessage).contains("printing was refused by the queue") && owned.count == 2)
            // Nothing matches any more: nothing is done, and nothing audited.
            let nothing = try await triage.applyToFailureGroups(
                .with {
                    $0.project = project
                    $0.action = .assign
                    $0.owner = "payments"
                    $0.filter.state = [.new]
                    $0.filter.q = "refused"
                })
            #expect(nothing.changed == 0)
        }
        let audited = try await fixture.database.rows(
            .tenant(fixture.tenant), "select action from audit_outbox where tenant_id = \(fixture.tenant) order by id"
        ) { try $0.value("action", as: String.self) }
        #expect(audited == ["failure_group.resolved", "failure_groups.applied"])
    }

    @Test("who may only read decides nothing; another project or organization has no such group")
    func refused() async throws {
        let fixture = GroupFixture()
        try await fixture.deliver(fixture.batch(["no route to warehouse"], at: 0))
        let group = try await fixture.list()[0].id.description
        func ask(_ client: InProcess.Client) async throws -> Fault {
            try await InProcess.fault {
                try await PBFailureTriage.Client(wrapping: client).reopenFailureGroup(
                    .with {
                        $0.project = fixture.project.description
                        $0.group = group
                    })
            }
        }
        let reader = try await serve(fixture, permissions: ["runs.read"]) { try await ask($0) }
        #expect(reader.kind == .forbidden)
        let elsewhere = try await serve(fixture, projects: [UUID()]) { try await ask($0) }
        #expect(elsewhere.code == "project.not_found")
        let stranger = try await serve(GroupFixture()) { try await ask($0) }
        #expect(stranger.code == "failure_group.not_found")
    }
}
