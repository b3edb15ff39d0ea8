import Foundation

/// Checks an exported chain, line by line, needing nothing but the export: no database, no network.
package struct AuditExportReader: Sendable {
    /// What was found to be in order.
    package struct Summary: Sendable, Equatable {
        package let organization: String
        /// Number of the entry before the first one; 0 for a whole chain.
        package let after: Int64
        package let last: Int64
        package let hash: AuditHash
        /// The signed end included.
        package let checkpoints: Int
        /// Whose signatures they are.
        package let keys: Set<Data>
    }

    private let trusted: Set<Data>
    private let kept: [AuditCheckpoint]
    private var verifier: AuditVerifier?
    private var after: Int64 = 0
    private var lines: Int64 = 0
    private var checkpoints = 0
    private var keys: Set<Data> = []
    private var isAtEnd = false

    /// - Parameters:
    ///   - trusted: public keys that may have signed; empty takes the one that the export names.
    ///   - kept: checkpoints that somebody kept elsewhere; those of other organizations, or from before the export begins, are left alone.
    package init(trusted: Set<Data> = [], kept: [AuditCheckpoint] = []) {
        self.trusted = trusted
        self.kept = kept
    }

    package mutating func take(_ json: Data) throws(AuditVerifier.Finding) {
        lines += 1
        let line = try AuditExportLine(json: json, line: lines)
        guard var verifier else {
            guard case .chain(let organization, let after, let hash) = line else {
                throw AuditVerifier.Finding(.malformed, at: lines, "an export begins with a line of the type chain")
            }
            self.after = after
            self.verifier = AuditVerifier(organization: organization, after: after, hash: hash, trusted: trusted)
            return
        }
        defer { self.verifier = verifier }
        guard !isAtEnd else { throw AuditVerifier.Finding(.malformed, at: verifier.number + 1, "something follows the end") }
        switch line {
        case .chain:
            throw AuditVerifier.Finding(.malformed, at: verifier.number + 1, "a second chain begins on line \(lines)")
        case .entry(let entry, let hash):
            try verifier.take(entry, hash: hash)
            for checkpoint in kept where checkpoint.number == verifier.number && checkpoint.organization == verifier.organization {
                try verifier.take(checkpoint)
            }
        case .checkpoint(let checkpoint):
            try verifier.take(checkpoint)
            checkpoints += 1
            keys.insert(checkpoint.publicKey)
        case .end(let checkpoint):
            try verifier.take(checkpoint)
            checkpoints += 1
            keys.insert(checkpoint.publicKey)
            isAtEnd = true
        }
    }

    /// To be called after the last line.
    package func finish() throws(AuditVerifier.Finding) -> Summary {
        guard let verifier else { throw AuditVerifier.Finding(.malformed, at: 0, "the export is empty") }
        for checkpoint in kept where checkpoint.organization == verifier.organization && checkpoint.number > verifier.number {
            throw AuditVerifier.Finding(
                .truncated, at: verifier.number + 1, "a checkpoint that was kept knows \(checkpoint.number) entries, here are \(verifier.number)")
        }
        guard isAtEnd else { throw AuditVerifier.Finding(.truncated, at: verifier.number + 1, "the signed end is missing") }
        return Summary(
            organization: verifier.organization, after: after, last: verifier.number, hash: verifier.hash, checkpoints: checkpoints, keys: keys)
    }
}
