import Foundation

/// One line of an exported chain: newline-delimited JSON, first `chain`, then each `entry` with its hash, each `checkpoint` behind the entry that it is
/// about, and `end` with a signed statement about the last one.
package enum AuditExportLine: Sendable, Equatable {
    /// Whose chain it is, and what came before the first entry: 0 and `AuditHash.genesis` for a whole one.
    case chain(organization: String, after: Int64, hash: AuditHash)
    case entry(AuditEntry, hash: AuditHash)
    case checkpoint(AuditCheckpoint)
    case end(AuditCheckpoint)

    /// Without the newline.
    package var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and a dictionary of strings: nothing that JSON could not say.
        return (try? encoder.encode(Fields(self))) ?? Data()
    }

    /// - Throws: `malformed`; the number is that of the line, because an entry's own is not known.
    package init(json: Data, line: Int64) throws(AuditVerifier.Finding) {
        guard let fields = try? JSONDecoder().decode(Fields.self, from: json), let read = fields.line else {
            throw AuditVerifier.Finding(.malformed, at: line, "line \(line) is not one of an exported chain")
        }
        self = read
    }

    /// Webhooks carry a checkpoint's members as texts.
    private struct Number: Codable {
        let value: Int64

        init(value: Int64) { self.value = value }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Int64.self) {
                self.value = value
            } else {
                guard let value = Int64(try container.decode(String.self)) else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a number")
                }
                self.value = value
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }

    /// All members that any line has.
    private struct Fields: Codable {
        var type: String
        var organization: String?
        var number: Number?
        var id: String?
        var at: String?
        var service: String?
        var action: String?
        var actor: String?
        var subject: String?
        var project: String?
        var details: [String: String]?
        var requestID: String?
        var address: String?
        var hash: String
        var publicKey: String?
        var signature: String?

        enum CodingKeys: String, CodingKey {
            case type, organization, number, id, at, service, action, actor, subject, project, details, address, hash, signature
            case requestID = "request_id"
            case publicKey = "public_key"
        }

        init(_ line: AuditExportLine) {
            switch line {
            case .chain(let organization, let after, let hash):
                type = "chain"
                self.organization = organization
                number = Number(value: after)
                self.hash = hash.description
            case .entry(let entry, let hash):
                type = "entry"
                organization = entry.organization
                number = Number(value: entry.number)
                id = entry.id
                at = entry.at
                service = entry.service
                action = entry.action
                actor = entry.actor
                subject = entry.subject
                project = entry.project
                details = entry.details
                requestID = entry.requestID
                address = entry.address
                self.hash = hash.description
            case .checkpoint(let checkpoint), .end(let checkpoint):
                if case .end = line { type = "end" } else { type = "checkpoint" }
                organization = checkpoint.organization
                number = Number(value: checkpoint.number)
                at = checkpoint.at
                hash = checkpoint.hash.description
                publicKey = checkpoint.publicKey.base64EncodedString()
                signature = checkpoint.signature.base64EncodedString()
            }
        }

        /// `nil` when something is missing that this type of line has.
        var line: AuditExportLine? {
            guard let organization, let number = number?.value, let hash = AuditHash(hex: hash) else { return nil }
            switch type {
            case "chain": return .chain(organization: organization, after: number, hash: hash)
            case "entry":
                guard let id, let at, let service, let action, let actor, let subject, let project, let details, let requestID, let address else {
                    return nil
                }
                let entry = AuditEntry(
                    organization: organization, number: number, id: id, at: at, service: service, action: action, actor: actor, subject: subject,
                    project: project, details: details, requestID: requestID, address: address)
                return .entry(entry, hash: hash)
            case "checkpoint", "end":
                guard let at, let key = publicKey.flatMap({ Data(base64Encoded: $0) }), let signature = signature.flatMap({ Data(base64Encoded: $0) })
                else { return nil }
                let checkpoint = AuditCheckpoint(
                    organization: organization, number: number, hash: hash, at: at, publicKey: key, signature: signature)
                return type == "end" ? .end(checkpoint) : .checkpoint(checkpoint)
            default: return nil
            }
        }
    }
}
