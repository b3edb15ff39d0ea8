import Primitives
import SwiftProtobuf

/// What an upload says about itself beside its files: the same names as form fields and as query parameters, Buildkite's `run_env[…]` included.
struct UploadFields: Equatable, Sendable {
    static let maxFields = 100
    static let maxTags = 50
    static let maxValueBytes = 4_096

    private(set) var format = ""
    private(set) var name = ""
    private(set) var environment = ""
    private(set) var branch = ""
    private(set) var commit = ""
    /// Of an import: when the run began and ended in the past. What is allowed is Execution's to know.
    private(set) var startedAt: Google_Protobuf_Timestamp?
    private(set) var finishedAt: Google_Protobuf_Timestamp?
    /// Uploads whose failed tests were tried again, which gave these reports.
    private(set) var retryOf: [String] = []
    /// How the command that left the reports ended, and what it is called.
    private(set) var exitCode: Int32?
    private(set) var command = ""
    private(set) var ci = CI()
    private(set) var tags: [String: String] = [:]
    private var seen: Set<String> = []

    /// Buildkite's `run_env`, as far as it does not describe the code.
    struct CI: Equatable, Sendable {
        var name = ""
        var key = ""
        var number = ""
        var url = ""
        var jobID = ""
        var message = ""
    }

    /// Takes one field.
    /// - Throws: `unknown_field` for a name that is none, `request.duplicate_parameter`, `request.invalid` for a value that is too long.
    mutating func set(_ field: String, to value: String) throws(Fault) {
        guard seen.insert(field).inserted else { throw .duplicateParameter(field) }
        guard seen.count <= Self.maxFields else { throw .queryTooMany(Self.maxFields) }
        guard value.utf8.count <= Self.maxValueBytes else { throw .parameterInvalid(field, "at most \(Self.maxValueBytes) bytes") }
        guard !value.utf8.contains(0) else { throw .parameterInvalid(field, "text without NUL") }
        switch field {
        // Which formats there are is Execution's to know, and to say.
        case "format": format = value
        case "name": name = value
        case "environment": environment = value
        case "retry_of": retryOf = value.split(separator: ",").map(String.init)
        case "exit_code":
            guard let code = UInt8(value), value == "\(code)" else { throw .parameterInvalid(field, "a whole number from 0 to 255") }
            exitCode = Int32(code)
        case "command": command = value
        case "started_at": startedAt = try time(field, value)
        case "finished_at": finishedAt = try time(field, value)
        default: try setBracketed(field, to: value)
        }
    }

    private func time(_ field: String, _ value: String) throws(Fault) -> Google_Protobuf_Timestamp {
        guard value.allSatisfy({ $0.isASCII && $0 != "\"" && $0 != "\\" }), let time = try? Google_Protobuf_Timestamp(jsonString: "\"\(value)\"")
        else {
            throw .parameterInvalid(field, "a time such as 2026-03-01T10:00:00Z")
        }
        return time
    }

    private mutating func setBracketed(_ field: String, to value: String) throws(Fault) {
        let parts = field.split(separator: "[", maxSplits: 1)
        guard parts.count == 2, parts[1].hasSuffix("]") else { throw .unknownParameter(field) }
        let inner = String(parts[1].dropLast())
        switch (parts[0], inner) {
        case ("tags", _):
            guard !inner.isEmpty, inner.utf8.count <= 100 else { throw .parameterInvalid(field, "a tag's name of 1 to 100 bytes in brackets") }
            tags[inner] = value
            guard tags.count <= Self.maxTags else { throw .parameterInvalid("tags", "at most \(Self.maxTags) tags") }
        case ("run_env", "CI"): ci.name = value
        case ("run_env", "key"): ci.key = value
        case ("run_env", "number"): ci.number = value
        case ("run_env", "url"): ci.url = value
        case ("run_env", "job_id"): ci.jobID = value
        case ("run_env", "message"): ci.message = value
        case ("run_env", "branch"): branch = value
        case ("run_env", "commit_sha"): commit = value
        // Collectors send what their CI offers; what we do not know is not worth a failed upload.
        case ("run_env", _): break
        default: throw .unknownParameter(field)
        }
    }
}
