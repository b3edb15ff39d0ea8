import ArgumentParser
import AuditChain
import Foundation

/// `assay audit verify FILE`
struct VerifyAuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check an export of the audit log: nothing edited, deleted, moved or cut off.",
        discussion: """
            FILE is the answer of GET /api/v1/audit/export. Without --key the signatures are checked against the key that FILE itself names, \
            which shows that it fits together, not who made it. --checkpoint holds FILE against what was kept elsewhere: an older export, or a \
            checkpoint's own line.
            """)

    @Argument(help: "The export; - for standard input.", completion: .file())
    var file: String

    @Option(help: "Public key in base64 that must have signed (GET /api/v1/audit/key); can be given several times.")
    var key: [String] = []

    @Option(help: "File with checkpoints that were kept; can be given several times.", completion: .file())
    var checkpoint: [String] = []

    func validate() throws {
        for key in key where Data(base64Encoded: key)?.count != 32 { throw ValidationError("--key must be 32 bytes in base64") }
    }

    func run() throws {
        var kept: [AuditCheckpoint] = []
        for path in checkpoint {
            var number: Int64 = 0
            try Lines(path).forEach { line in
                number += 1
                switch try AuditExportLine(json: line, line: number) {
                case .checkpoint(let checkpoint), .end(let checkpoint): kept.append(checkpoint)
                case .chain, .entry: break
                }
            }
        }
        var reader = AuditExportReader(trusted: Set(key.compactMap { Data(base64Encoded: $0) }), kept: kept)
        do {
            try Lines(file).forEach { try reader.take($0) }
            report(try reader.finish())
        } catch let finding as AuditVerifier.Finding {
            print("\(file): BROKEN at entry \(finding.number) (\(finding.kind.rawValue)): \(finding.detail)")
            throw ExitCode(1)
        }
    }

    private func report(_ summary: AuditExportReader.Summary) {
        print(
            "\(file): entries \(summary.after + 1) to \(summary.last) of \(summary.organization) are as they were written (\(summary.checkpoints) "
                + "signed checkpoints)")
        print("last hash: \(summary.hash)")
        for key in summary.keys { print("signed by: \(key.base64EncodedString())") }
        if key.isEmpty { print("note: the key was taken from the file; give --key to be sure whose it is") }
        if summary.after > 0 { print("note: this export begins in the middle of the chain; what came before was not checked") }
    }
}
