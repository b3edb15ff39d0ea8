import Crypto
import Foundation

/// From reports to answers: drafts, the outbox, the server. What `upload`, `exec` and the watcher have in common.
struct ReportUpload: Sendable {
    /// Of one request; the server takes 1,000 parts, fields among them.
    static let maxFiles = 900
    /// Of one request on the wire, below the server's own limit.
    static let maxBytes: Int64 = 192 << 20

    let config: ClientConfig
    let outbox: Outbox
    let console: Console
    let fields: [(name: String, value: String)]
    var owners: CodeOwnersFile?
    var retries = RetryPolicy()
    var finishes = false
    /// How the command ended that left the reports, when that is worth telling.
    var ended: EndedCommand?

    /// Where a report comes from.
    enum Source: Sendable {
        case file(String)
        /// By the name that it is given.
        case input(String)
    }

    enum Outcome: Sendable {
        case arrived(Delivery)
        /// Stays in the outbox for later.
        case kept(ClientFailure)
    }

    /// - Throws: `usage`, `signedOut`, `local`, and `refused` when the server does not want it.
    func send(_ sources: [Source]) async throws -> Outcome {
        let project = try config.namedProject()
        return try await APIConnection.with(config) { connection in
            let entries = try draft(sources, project: project, url: connection.url)
            for entry in outbox.prune(at: Date(), keeping: entries.last?.name) {
                console.warn("an upload of \(entry.files) files from \(entry.createdAt.formatted(.iso8601)) was dropped: it never got through")
            }
            let sender = UploadSender(connection: connection, outbox: outbox, retries: retries, warn: { [console] in console.warn($0) })
            var delivery = Delivery()
            for (index, (name, entry)) in entries.enumerated() {
                do {
                    if let receipt = try await sender.send(name, entry) {
                        delivery.receipts.append(receipt)
                    } else {
                        delivery.isComplete = false
                        console.warn("an upload of \(entry.files) files was not sent from here: another process is sending it, or it was dropped")
                    }
                } catch let failure as ClientFailure where failure.exitStatus == .unreachable {
                    return .kept(failure)
                } catch {
                    for (name, _) in entries[(index + 1)...] { outbox.remove(name) }
                    throw error
                }
            }
            await sendOlder(sender, except: entries.map(\.name))
            return .arrived(delivery)
        }
    }

    private func sendOlder(_ sender: UploadSender, except own: [Outbox.Name]) async {
        guard outbox.list().contains(where: { !own.contains($0.name) }) else { return }
        var sender = sender
        sender.retries = RetryPolicy(patience: .seconds(5))
        let flushed = await sender.flush()
        if flushed.sent > 0 { console.note("sent \(flushed.sent) uploads that were waiting") }
        if let failure = flushed.failure { console.warn("an older upload did not get through: \(failure)") }
    }

    // MARK: - Drafts

    private func draft(_ sources: [Source], project: String, url: String) throws -> [(name: Outbox.Name, entry: OutboxEntry)] {
        var fields = fields
        var finishes = finishes
        // What takes several requests has to be told that it is one run.
        if isLarge(sources), !fields.contains(where: { $0.name == "run_env[key]" }) {
            fields.append(("run_env[key]", ownKey(sources)))
            finishes = true
        }
        let hasKey = fields.contains { $0.name == "run_env[key]" }
        let query = hasKey ? [:] : ["wait": "30"]
        var entries: [(name: Outbox.Name, entry: OutboxEntry)] = []
        var rest = sources[...]
        do {
            repeat {
                let name = try outbox.place(at: Date())
                let draft = try UploadDraft(at: outbox.body(name), project: project, fields: fields)
                do {
                    while let source = rest.first, draft.files < Self.maxFiles, draft.files == 0 || draft.bytes + size(source) / 4 < Self.maxBytes {
                        try add(source, to: draft)
                        rest = rest.dropFirst()
                    }
                    // Of several requests the last tells of a command that did not end by itself; what it says of its tests may stand in any of them.
                    var ending: Int64?
                    if let ended, rest.isEmpty, entries.isEmpty || !ended.isAboutTests {
                        if draft.files > 0 { ending = draft.bytes }
                        for (name, value) in ended.fields { try draft.add(field: name, value) }
                    }
                    let key = try draft.finish()
                    let entry = OutboxEntry(
                        url: url, project: project, query: query, boundary: draft.boundary, key: key, files: draft.files, bytes: draft.bytes,
                        finishes: finishes && rest.isEmpty, createdAt: Date(), owners: entries.isEmpty ? owners : nil, ending: ending)
                    try outbox.enter(entry, as: name)
                    entries.append((name, entry))
                } catch {
                    draft.discard()
                    throw error
                }
            } while !rest.isEmpty
        } catch {
            for (name, _) in entries { outbox.remove(name) }
            throw error
        }
        return entries
    }

    private func add(_ source: Source, to draft: UploadDraft) throws {
        switch source {
        case .input(let name): try draft.add(name, from: .standardInput)
        case .file(let path):
            guard let handle = FileHandle(forReadingAtPath: path) else { throw ClientFailure.local("\(path) cannot be read") }
            defer { try? handle.close() }
            try draft.add(path, from: handle)
        }
    }

    private func size(_ source: Source) -> Int64 {
        guard case .file(let path) = source else { return 0 }
        return FileStamp(path: path)?.size ?? 0
    }

    private func isLarge(_ sources: [Source]) -> Bool {
        sources.count > Self.maxFiles || sources.reduce(0, { $0 + size($1) }) / 4 >= Self.maxBytes
    }

    /// The same for the same files, so that a repetition finds the same run.
    private func ownKey(_ sources: [Source]) -> String {
        var hash = SHA256()
        for case .file(let path) in sources {
            hash.update(data: Data("\(path)\u{0}\(size(.file(path)))\u{0}\(FileStamp(path: path)?.changedAt.timeIntervalSince1970 ?? 0)\u{0}".utf8))
        }
        return "assay-cli-" + hash.finalize().prefix(16).map { String(format: "%02x", $0) }.joined()
    }
}
