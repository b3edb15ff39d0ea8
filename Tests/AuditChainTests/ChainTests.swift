import AuditChain
import Foundation
import Testing

/// Promise 13: any edit, deletion or reordering is detected, by whoever holds an export.
@Suite struct ChainTests {
    static let organization = "org_00000000000000000000000000"

    /// A chain of `count` entries with a checkpoint behind every tenth, as an export.
    static func export(_ count: Int, signer: AuditSigner, change: (inout AuditEntry) -> Void = { _ in }) throws -> [AuditExportLine] {
        var lines: [AuditExportLine] = [.chain(organization: organization, after: 0, hash: .genesis)]
        var hash = AuditHash.genesis
        for number in 1...Int64(count) {
            var entry = AuditEntry(
                organization: organization, number: number, id: "aud_\(number)", at: "2026-03-01T10:00:00.\(100 + number)Z", service: "projects",
                action: "project.created", actor: "key_1", subject: "prj_\(number)", project: "prj_\(number)", details: ["name": "n", "slug": "s"],
                requestID: "req_\(number)", address: "192.0.2.1")
            change(&entry)
            hash = entry.hash(after: hash)
            lines.append(.entry(entry, hash: hash))
            if number % 10 == 0 { lines.append(.checkpoint(try checkpoint(number, hash, signer))) }
        }
        return lines + [.end(try checkpoint(Int64(count), hash, signer))]
    }

    static func checkpoint(_ number: Int64, _ hash: AuditHash, _ signer: AuditSigner) throws -> AuditCheckpoint {
        try signer.checkpoint(organization: organization, number: number, hash: hash, at: Date(timeIntervalSince1970: 1_780_000_000))
    }

    private func read(
        _ lines: [AuditExportLine], trusted: Set<Data> = [], kept: [AuditCheckpoint] = []
    ) -> Result<AuditExportReader.Summary, AuditVerifier.Finding> {
        Result { () throws(AuditVerifier.Finding) in
            var reader = AuditExportReader(trusted: trusted, kept: kept)
            for line in lines { try reader.take(line.json) }
            return try reader.finish()
        }
    }

    private func finding(_ lines: [AuditExportLine], trusted: Set<Data> = [], kept: [AuditCheckpoint] = []) -> AuditVerifier.Finding? {
        if case .failure(let finding) = read(lines, trusted: trusted, kept: kept) { finding } else { nil }
    }

    private let signer: AuditSigner
    private let lines: [AuditExportLine]

    init() throws {
        signer = try AuditSigner(secret: Data(repeating: 7, count: 32))
        lines = try Self.export(25, signer: signer)
    }

    @Test("a chain as it was written is in order from its first entry to its signed end")
    func whole() throws {
        let summary = try read(lines, trusted: [signer.publicKey]).get()
        #expect(summary.after == 0 && summary.last == 25 && summary.checkpoints == 3 && summary.keys == [signer.publicKey])
    }

    @Test("what is hashed is written down: net strings of the fields in their order")
    func canonical() {
        let entry = AuditEntry(
            organization: "org_1", number: 2, id: "aud_1", at: "2026-03-01T10:00:00.000Z", service: "s", action: "a.b", actor: "é", subject: "",
            project: "p", details: ["b": "2", "a": "1:,"], requestID: "r", address: "::1")
        let text = String(decoding: entry.canonical, as: UTF8.self)
        #expect(
            text
                == "19:assay audit entry 1,5:org_1,1:2,5:aud_1,24:2026-03-01T10:00:00.000Z,1:s,3:a.b,2:é,0:,1:p,1:r,3:::1,1:2,1:a,3:1:,,1:b,1:2,")
        #expect(entry.hash(after: .genesis).description == "803bc350d80de68980314b72e828e913899ea760f1335afabf9ea336f9afa463")
    }

    @Test(
        "an edit of any field is found at its entry",
        arguments: ["at", "service", "action", "actor", "subject", "project", "details", "request", "address", "id"])
    func edits(field: String) throws {
        var changed = lines
        guard case .entry(var entry, let hash) = lines[7] else { return }
        switch field {
        case "at": entry.at = "2026-03-01T10:00:00.999Z"
        case "service": entry.service = "gateway"
        case "action": entry.action = "project.updated"
        case "actor": entry.actor = "key_2"
        case "subject": entry.subject = "prj_x"
        case "project": entry.project = ""
        case "details": entry.details["name"] = "m"
        case "request": entry.requestID = "req_x"
        case "address": entry.address = "192.0.2.2"
        default: entry.id = "aud_x"
        }
        changed[7] = .entry(entry, hash: hash)
        #expect(finding(changed) == AuditVerifier.Finding(.edited, at: 7, "what stands there does not have the hash \(hash)"))
    }

    @Test("text that moves from one field to its neighbour is an edit")
    func boundaries() throws {
        var changed = lines
        guard case .entry(var entry, let hash) = lines[3] else { return }
        entry.actor = entry.actor + entry.subject
        entry.subject = ""
        changed[3] = .entry(entry, hash: hash)
        #expect(finding(changed)?.kind == .edited)
    }

    @Test("a deleted entry is a gap, also when the rest is numbered anew")
    func deletions() throws {
        var changed = lines
        changed.remove(at: 5)
        #expect(finding(changed)?.kind == .gap && finding(changed)?.number == 5)
        for (index, line) in changed.enumerated() {
            guard case .entry(var entry, let hash) = line, entry.number > 5 else { continue }
            entry.number -= 1
            changed[index] = .entry(entry, hash: hash)
        }
        #expect(finding(changed)?.kind == .edited && finding(changed)?.number == 5)
    }

    @Test("two entries that changed places are found, with their numbers or without")
    func reordering() throws {
        var changed = lines
        changed.swapAt(5, 6)
        #expect(finding(changed)?.kind == .gap && finding(changed)?.number == 5)
        guard case .entry(var first, let firstHash) = lines[5], case .entry(var second, let secondHash) = lines[6] else { return }
        (first.number, second.number) = (second.number, first.number)
        changed[5] = .entry(second, hash: firstHash)
        changed[6] = .entry(first, hash: secondHash)
        #expect(finding(changed)?.kind == .edited && finding(changed)?.number == 5)
    }

    @Test("a chain that was cut off lacks its signed end, and an older end says less than there was")
    func truncation() throws {
        #expect(finding(Array(lines.dropLast()))?.kind == .truncated)
        #expect(finding(Array(lines.dropLast(4)))?.kind == .truncated)
        guard case .end(let end)? = lines.last else { return }
        #expect(finding(Array(lines.dropLast(3)) + [.end(end)])?.kind == .truncated)
        // Signed anew by somebody who has the key, but not by what was kept elsewhere.
        let shorter = try Self.export(20, signer: signer)
        #expect(finding(shorter) == nil)
        #expect(finding(shorter, kept: [end])?.kind == .truncated)
    }

    @Test("a chain that was computed anew after an edit contradicts a checkpoint that was kept, and is not signed with a trusted key")
    func rewritten() throws {
        guard case .checkpoint(let kept)? = lines.first(where: { if case .checkpoint = $0 { true } else { false } }) else { return }
        let forger = try AuditSigner(secret: Data(repeating: 8, count: 32))
        let forged = try Self.export(25, signer: forger) { if $0.number == 4 { $0.actor = "key_2" } }
        #expect(finding(forged) == nil)
        #expect(finding(forged, trusted: [signer.publicKey])?.kind == .signature)
        #expect(finding(forged, kept: [kept])?.kind == .checkpoint)
        let withKey = try Self.export(25, signer: signer) { if $0.number == 4 { $0.actor = "key_2" } }
        #expect(finding(withKey, trusted: [signer.publicKey], kept: [kept])?.kind == .checkpoint)
    }

    @Test("a checkpoint whose signature is another's is refused")
    func signatures() throws {
        var changed = lines
        guard case .checkpoint(let checkpoint) = lines[11] else { return }
        changed[11] = .checkpoint(
            AuditCheckpoint(
                organization: checkpoint.organization, number: checkpoint.number, hash: checkpoint.hash, at: "2026-03-01T00:00:00.000Z",
                publicKey: checkpoint.publicKey, signature: checkpoint.signature))
        #expect(finding(changed)?.kind == .signature)
    }

    @Test("entries of another organization, or what is no export, are refused", arguments: [0, 1, 2])
    func foreign(which: Int) throws {
        var changed = lines
        switch which {
        case 0: changed[0] = .chain(organization: "org_11111111111111111111111111", after: 0, hash: .genesis)
        case 1: changed.remove(at: 0)
        default: changed.append(lines[3])
        }
        #expect([.foreign, .malformed].contains(finding(changed)?.kind))
        var reader = AuditExportReader()
        #expect(throws: AuditVerifier.Finding.self) { try reader.take(Data("{}".utf8)) }
    }

    @Test("an export that goes on in the middle is checked from the hash it names")
    func continued() throws {
        guard case .entry(_, let hash) = lines[10] else { return }
        let rest = [AuditExportLine.chain(organization: Self.organization, after: 10, hash: hash)] + lines[12...]
        let summary = try read(rest).get()
        #expect(summary.after == 10 && summary.last == 25)
        let wrong = [AuditExportLine.chain(organization: Self.organization, after: 10, hash: .genesis)] + lines[12...]
        #expect(finding(wrong)?.kind == .edited)
    }

    @Test("the text of a time is that of its millisecond, whatever a Double makes of it")
    func times() {
        for milliseconds in stride(from: 1_780_000_000_000, to: 1_780_000_010_000, by: 37) {
            let text = AuditEntry.text(of: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
            #expect(text.suffix(4) == "\(String("000\(milliseconds % 1000)".suffix(3)))Z")
        }
    }
}
