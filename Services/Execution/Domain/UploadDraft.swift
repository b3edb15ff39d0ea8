import Crypto
import Foundation
import Primitives

/// What the client said about an upload before its first byte.
struct UploadDraft: Equatable, Sendable {
    static let tagLimit = 50
    static let retryLimit = 100

    let project: ID<Project>
    /// `nil`: each file tells by itself.
    let format: ReportFormat?
    let ci: Run.CI
    let name: String
    let branch: String
    let commit: String
    let environment: String
    private(set) var tags: [String: String]
    /// Of whoever uploads.
    let lane: Lane
    /// Whether what was sent is kept to be read again; not when the organization's storage is used up (T91).
    var keepsReports = true
    /// Uploads whose failed tests were tried again, which gave these reports.
    private(set) var retryOf: [ID<Upload>] = []
    /// How the command that left the reports has ended; `nil` when the client did not say.
    var ended: EndedCommand?
    /// Of an import; `nil` for what comes as it happens.
    var past: PastRun?

    /// - Throws: `upload.format_unsupported`, or `request.invalid` naming the field that is too long.
    init(
        project: ID<Project>, format: String = "", ci: Run.CI = .init(), name: String = "", branch: String = "", commit: String = "",
        environment: String = "", tags: [String: String] = [:], retryOf: [ID<Upload>] = [], lane: Lane = .trusted
    ) throws(Fault) {
        guard retryOf.count <= Self.retryLimit else {
            throw .invalidField("/retry_of", "too_many", "An upload is a retry of at most \(Self.retryLimit) others.")
        }
        let known = ReportFormat(rawValue: format.lowercased())
        guard known != nil || format.isEmpty || format == "auto" else { throw .formatUnsupported(format) }
        try Self.check("/name", name, 200)
        try Self.check("/branch", branch, 255)
        try Self.check("/commit_sha", commit, 64)
        try Self.check("/environment", environment, 100)
        try Self.check("/ci/key", ci.key, 255)
        try Self.check("/ci/name", ci.name, 100)
        try Self.check("/ci/number", ci.number, 100)
        try Self.check("/ci/job_id", ci.jobID, 255)
        try Self.check("/ci/url", ci.url, 2048)
        try Self.check("/ci/message", ci.message, 4096)
        guard tags.count <= Self.tagLimit else { throw .invalidField("/tags", "too_many", "An upload has at most \(Self.tagLimit) tags.") }
        for (key, value) in tags {
            guard !key.isEmpty else { throw .invalidField("/tags", "empty", "A tag needs a name.") }
            try Self.check("/tags", key, 100)
            try Self.check("/tags/\(key)", value, 500)
        }
        self.project = project
        self.format = known
        self.ci = ci
        self.name = name
        self.branch = branch
        self.commit = commit
        self.environment = environment
        self.tags = tags
        self.retryOf = Set(retryOf).sorted()
        self.lane = lane
    }

    /// Writes the tags as the project's fields do.
    /// - Returns: what is wrong with those that are kept as they came.
    mutating func read(_ fields: [CustomField]) -> [String] {
        var problems: [String] = []
        for (key, value) in fields.isEmpty ? [:] : tags {
            guard let tag = Tag(key: key, value: value) else { continue }
            let read = fields.read(tag)
            tags[key] = read.tag.value
            if let problem = read.problem { problems.append(problem) }
        }
        return problems.sorted()
    }

    /// Shards that know their run's key must meet without talking to each other, so its id is computed: UUIDv8 of the SHA-256 of project and key.
    /// An upload without a key is a run of its own. Each lane has runs of its own under one key, so whoever is not trusted can neither join a run
    /// that is nor be there before it.
    func runID() -> ID<Run> {
        guard !ci.key.isEmpty else { return .new() }
        return runID(in: lane)
    }

    /// The trusted run of the same key, which an upload that is not trusted has nothing to do with.
    var trustedTwin: ID<Run>? { lane == .trusted || ci.key.isEmpty ? nil : runID(in: .trusted) }

    private func runID(in lane: Lane) -> ID<Run> {
        var hash = SHA256()
        withUnsafeBytes(of: project.uuid.uuid) { hash.update(bufferPointer: $0) }
        hash.update(data: Data((lane == .trusted ? "run" + ci.key : "\(lane.rawValue) run" + ci.key).utf8))
        return ID(uuid: .version8(digest: hash.finalize()))
    }

    /// The same for two uploads that say the same: lane, project, CI key and job, branch, commit, name, and the hash of every file in order. What is
    /// not trusted must not make the same report, when it comes from whoever is, look like a repetition. Of an import also when it began: builds of the
    /// past have no key, and of two a report may read alike. Of a retry also what was tried again: it may fail in the same words. Without files there is
    /// little that two could differ in, so the idempotency key, if there is one, is what tells them apart.
    func contentKey(files: [UploadedFile], key: String? = nil) -> Data {
        var hash = SHA256()
        withUnsafeBytes(of: project.uuid.uuid) { hash.update(bufferPointer: $0) }
        let special = (lane == .trusted ? [] : [lane.rawValue]) + pastKey + retryKey + endKey(files.isEmpty ? key : nil)
        for text in [ci.key, ci.jobID, branch, commit, name] + files.map(\.sha256) + special {
            withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Data(text.utf8))
        }
        return Data(hash.finalize())
    }

    private var pastKey: [String] {
        past.map { ["started_at \(Int64(($0.startedAt.timeIntervalSince1970 * 1000).rounded()))"] } ?? []
    }

    private var retryKey: [String] { retryOf.map { "retry_of \($0)" } }

    private func endKey(_ key: String?) -> [String] {
        guard let ended else { return [] }
        return ["exit_code \(ended.code.value)", ended.name] + (key.map { ["key \($0)"] } ?? [])
    }

    static func check(_ pointer: String, _ text: String, _ limit: Int) throws(Fault) {
        guard text.unicodeScalars.count <= limit else { throw .invalidField(pointer, "too_long", "\(pointer) may have \(limit) characters.") }
        guard !text.utf8.contains(0) else { throw .invalidField(pointer, "invalid_character", "\(pointer) must not hold a NUL.") }
    }
}
