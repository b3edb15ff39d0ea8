import Foundation
import Jobs
import Postgres
import Primitives
import TestSupport
import Testing

@testable import ValidationService

@Suite("people take failures of one signature apart by a text", .database(ValidationProgram.schema, JobSchema.schema))
struct CutTests {
    private func ended(_ worker: Int, _ code: Int) -> String { GroupFixture.ended(worker, code: code) }

    private func cut(_ text: String, of signature: Signature, at time: Double = 0) -> Cut {
        Cut(id: .new(), signature: signature, text: text, decidedAt: GroupFixture.hour(time), decidedBy: "usr_1", note: "")
    }

    @Test(
        "a text is one line of 2 to 200 characters, without the blanks around it",
        arguments: [
            ("  exit code 137\n", "exit code 137"), ("ab", "ab"), ("a", nil), ("   a  ", nil), ("", nil), ("exit\ncode", nil), ("a\tb", nil),
            (String(repeating: "é", count: 200), String(repeating: "é", count: 200)), (String(repeating: "é", count: 201), nil),
        ] as [(String, String?)])
    func texts(written: String, text: String?) {
        #expect(Cut.text(written) == text)
    }

    @Test("it is found in message, type, trace, code and status, by its letters, and not in logs")
    func places() {
        let cut = self.cut("HTTP404", of: Signature(origin: "", text: "x"))
        #expect(cut.takes(Symptoms(message: "got HTTP404 back")) && cut.takes(Symptoms(type: "HTTP404")))
        #expect(cut.takes(Symptoms(trace: "at\nHTTP404")) && cut.takes(Symptoms(httpStatus: 404)) && cut.takes(Symptoms(errorCode: "aHTTP404")))
        #expect(!cut.takes(Symptoms(message: "http404 HTTP40", httpStatus: 500)) && !cut.takes(Symptoms()))
        #expect(!cut.takes(Symptoms(standardError: "HTTP404", standardOutput: "HTTP404")))
    }

    @Test("what is taken out has an id that nothing but signature and text makes; the oldest cut that takes a failure holds, again and again")
    func paths() {
        let whole = Signature(origin: "IOException\nCart.add", text: "worker <*> ended with exit code <*>")
        let (late, early) = (cut("exit code 1", of: whole, at: 2), cut("exit code 137", of: whole, at: 1))
        let again = cut("worker 7", of: early.target, at: 0)
        let cuts = Cuts([late, again, early])
        #expect(Cuts([early, late, again]).path(from: whole.id, for: Symptoms(message: ended(7, 137))) == [early, again])
        #expect(cuts.path(from: whole.id, for: Symptoms(message: ended(7, 137))) == [early, again])
        #expect(cuts.path(from: whole.id, for: Symptoms(message: ended(8, 137))) == [early])
        #expect(cuts.path(from: whole.id, for: Symptoms(message: ended(7, 1))) == [late])
        #expect(cuts.path(from: whole.id, for: Symptoms(message: ended(7, 2))).isEmpty)
        #expect(cuts.root(of: again.target.id) == whole.id && cuts.root(of: whole.id) == whole.id && cuts.makes(again.target.id))
        let other = Cut(id: .new(), signature: whole, text: "exit code 137", decidedAt: Date(), decidedBy: "usr_2", note: "n")
        #expect(other.target.id == early.target.id && Set([whole, early.target, late.target, again.target].map(\.id)).count == 4)
        #expect(BucketKey(early.target) != BucketKey(whole) && early.target.text == whole.text)
        // It says as much of its cause as before, and where it comes from is told.
        #expect(early.target.tellsCause && again.target.tellsCause)
        #expect(!cut("x1", of: Signature(origin: "AssertionError\nCart\nadds", text: "failed")).target.tellsCause)
        let told = GroupDescription([(again.target.origin, again.target.text)])
        #expect(told.errorType == "IOException" && told.location == "Cart.add › ✂ exit code 137 › ✂ worker 7")
    }

    @Test("from then on failures that contain it are another group, also of untrusted runs, and the receipt says by what and by whom")
    func intake() async throws {
        let fixture = GroupFixture()
        let first = fixture.batch([ended(1, 1), ended(2, 137), ended(3, 1)], at: 0)
        try await fixture.deliver(first)
        let whole = first.failures[0].signature
        #expect(try await fixture.list().count == 1 && Set(first.failures.map(\.signature)).count == 1)
        let decided = try await fixture.cut("exit code 137", of: whole.id)
        #expect(decided.decision.kind == .cut && decided.decision.decidedBy == "usr_1" && decided.cut?.state == .waiting && decided.cut?.total == 3)
        let later = fixture.batch([ended(4, 137), ended(5, 2), ended(6, 137)], at: 2)
        try await fixture.deliver(later)
        try await fixture.deliver(later)
        let groups = try await fixture.list(by: .failures)
        #expect(groups.map(\.failures) == [4, 2] && groups.allSatisfy { $0.template == whole.text })
        #expect(groups[1].location == "✂ exit code 137" && groups[1].sample.contains("137") && groups[1].errorType == groups[0].errorType)
        let fork = fixture.batch([ended(7, 137), ended(8, 3)], at: 3, lane: .untrusted)
        try await fixture.deliver(fork)
        let shown = try await fork.failures.asyncMap { try await fixture.failures.get($0.result.result, tenant: fixture.tenant).group }
        #expect(shown == [groups[1].id, groups[0].id])
        for (number, failure) in (later.failures + fork.failures).enumerated() {
            let receipt = try await fixture.members.receipt(of: failure.result.result, tenant: fixture.tenant)
            let again = try await fixture.members.replay(receipt, tenant: fixture.tenant).replay
            let isCut = [0, 2, 3].contains(number)
            #expect(again.difference == nil && again.cuts.map(\.text) == (isCut ? ["exit code 137"] : []), "\(number)")
            #expect(again.receipt.signedAs == (isCut ? whole.id : nil) && again.signed.id == whole.id)
        }
        // What was there is on its way.
        let waiting = try await fixture.members.receipt(of: first.failures[1].result.result, tenant: fixture.tenant)
        #expect(try await fixture.members.replay(waiting, tenant: fixture.tenant).replay.difference == .cut)
    }

    @Test("it has to stand in some of the newest failures and not in all; a group of several signatures needs one named")
    func refused() async throws {
        let fixture = GroupFixture()
        let closed = ["alice", "bob", "carol", "dave", "erin"].map { "session of \($0) was closed by peer" }
        let batch = fixture.batch([ended(1, 1), ended(2, 137)] + closed, at: 0)
        try await fixture.deliver(batch)
        let whole = batch.failures[0].signature.id
        let several = try #require(await fixture.list().first { $0.signatures == 5 })
        func code(_ named: SignatureID?, _ text: String, in group: ID<FailureGroup>) async throws -> String {
            try await InProcess.fault {
                try await fixture.decisions.cut(
                    named.map { ID(uuid: $0.uuid) }, by: text, in: group, by: fixture.author(), at: GroupFixture.hour(1), fixture.scope)
            }.code
        }
        #expect(try await code(nil, "exit code 9", in: whole.group) == "failure_groups.text_nowhere")
        #expect(try await code(nil, "Exit code 1", in: whole.group) == "failure_groups.text_nowhere")
        #expect(try await code(nil, "exit code 1", in: whole.group) == "failure_groups.text_everywhere")
        #expect(try await code(nil, "alice", in: several.id) == "failure_groups.signature_needed")
        #expect(try await code(whole, "alice", in: several.id) == "failure_groups.not_in_group")
        #expect(try await code(nil, "exit", in: ID(uuid: UUID())) == "failure_group.not_found")
        #expect(try await fixture.decisions.list(PageRequest(limit: 50, cursor: ""), fixture.scope).items.isEmpty)
        // The same again, by its key or by what it says, is the first.
        let made = try await fixture.cut("exit code 137", of: whole, key: "k")
        #expect(try await fixture.cut("exit code 137", of: whole).decision.id == made.decision.id)
        #expect(try await fixture.cut("something else", of: whole, key: "k").decision.id == made.decision.id)
        // What that cut takes is on its way out, so nothing would be left of the rest.
        #expect(try await code(nil, "exit code 1 in", in: whole.group) == "failure_groups.text_everywhere")
    }

    @Test("a signature is cut by 20 texts at most, and decisions can be changed by nobody")
    func bounded() async throws {
        let fixture = GroupFixture()
        let batch = fixture.batch((100..<122).map { ended(1, $0) }, at: 0)
        try await fixture.deliver(batch)
        let whole = batch.failures[0].signature.id
        for number in 100..<120 { _ = try await fixture.cut("exit code \(number)", of: whole) }
        let fault = try await InProcess.fault { try await fixture.cut("exit code 120", of: whole) }
        #expect(fault.code == "failure_groups.cuts_full" && fault.kind == .precondition)
        let first = try await fixture.decisions.list(PageRequest(limit: 15, cursor: ""), fixture.scope)
        let rest = try await fixture.decisions.list(PageRequest(limit: 15, cursor: first.next ?? ""), fixture.scope)
        #expect(first.items.count == 15 && rest.items.count == 5 && rest.next == nil)
        #expect((first.items + rest.items).map { $0.cut?.text } == (100..<120).reversed().map { "exit code \($0)" })
        let times = (first.items + rest.items).map(\.decision.decidedAt)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 > $1 })
        let changed = try await fixture.database.execute(.tenant(fixture.tenant), "update signature_cuts set containing = 'x'")
        let deleted = try await fixture.database.execute(.tenant(fixture.tenant), "delete from signature_cuts")
        #expect(changed == 0 && deleted == 0)
    }

    @Test("what finds no room and counts for a signature that is cut is cut as well, and its receipt agrees")
    func without() async throws {
        let fixture = GroupFixture()
        // A bucket that is full: `session of <*> was closed by peer` is in it, and takes what fits in it.
        let people = ["alice", "bob", "carol", "dave", "erin"].map { "session of \($0) was closed by peer" }
        let full = fixture.batch(people + (0..<1019).map { "\(GroupFixture.words($0)) was closed by peer" }, at: 0)
        try await fixture.deliver(full)
        let whole = try #require(await fixture.list(GroupFilter(text: "session of")).first)
        let head = SignatureID(uuid: whole.id.uuid)
        func late(_ names: [String], at hour: Double, lane: Lane = .trusted) -> FailureBatch {
            fixture.batch(names.map { "session of \($0) was closed by peer" }, at: hour, lane: lane)
        }
        // It fits in, and counts for the group's first signature.
        let before = late(["mallory", "mallory"], at: 1)
        try await fixture.deliver(before)
        let counted = try await fixture.failures.get(before.failures[0].result.result, tenant: fixture.tenant).signature
        try #require(counted?.uuid == head.uuid)
        _ = try await fixture.cut("mallory", of: head)
        let after = late(["mallory", "trudy"], at: 2)
        let fork = late(["mallory", "trudy"], at: 3, lane: .untrusted)
        try await fixture.deliver(after)
        try await fixture.deliver(fork)
        try await fixture.carryOut()
        let out = try #require(await fixture.list(GroupFilter(text: "mallory")).first)
        #expect(out.failures == 3 && out.location == "✂ mallory")
        for (number, failure) in (before.failures + after.failures + fork.failures).enumerated() {
            let stored = try await fixture.failures.get(failure.result.result, tenant: fixture.tenant)
            #expect((stored.group == out.id) == ![3, 5].contains(number), "\(number)")
            let receipt = try await fixture.members.receipt(of: failure.result.result, tenant: fixture.tenant)
            let again = try await fixture.members.replay(receipt, tenant: fixture.tenant).replay
            #expect(again.difference == nil && again.receipt.signedAs == failure.signature.id, "\(number)")
            #expect(again.cuts.isEmpty == [3, 5].contains(number), "\(number)")
        }
        #expect(try await fixture.miscounted().isEmpty)
    }

    @Test("letters that are written in two ways are two texts, as they are to what takes failures by them")
    func bytes() async throws {
        let fixture = GroupFixture()
        let written = ["caf\u{e9}", "cafe\u{301}", "tea"]
        let plain = fixture.batch(written.map { _ in ended(1, 1) }, at: 0)
        let failures = zip(plain.failures, written).map { failure, word in
            let result = failure.result
            var symptoms = result.symptoms
            symptoms.errorCode = word
            return FiledFailure(
                result: FailedResult(
                    result: result.result, test: result.test, className: result.className, name: result.name, outcome: result.outcome,
                    symptoms: symptoms),
                judgement: failure.judgement, signature: failure.signature)
        }
        try await fixture.deliver(plain.with(failures))
        let whole = failures[0].signature.id
        let one = try await fixture.cut(written[0], of: whole).decision.id
        let other = try await fixture.cut(written[1], of: whole).decision.id
        #expect(one != other)
        #expect(try await fixture.cut(written[1], of: whole).decision.id == other)
        try await fixture.carryOut()
        // Both are taken out, each by its own cut. What reads the same is one group, though it is two signatures.
        let found = try await fixture.list(by: .failures)
        #expect(found.map(\.failures) == [2, 1] && found.map(\.signatures) == [2, 1])
    }
}
