import Foundation

/// Takes a history over, run by run from the oldest on: draft, outbox, server, as any other upload.
struct HistoryImport: Sendable {
    let config: ClientConfig
    let surroundings: Surroundings
    let console: Console
    var retries = RetryPolicy()
    /// What was said on the command line of all runs.
    var fields: [(name: String, value: String)] = []
    /// Of what is told by the history alone, this wins: a branch that nobody knew.
    var again = false

    /// How it went.
    struct Outcome: Sendable {
        var runs = 0
        var results: Int64 = 0
        /// That the server had already.
        var duplicates = 0
        /// That this machine has brought before.
        var before = 0
        /// Results that the server could not take.
        var rejected: Int64 = 0
        var leftOut: [History.LeftOut] = []
        var refused = 0
        /// Why it ended before its end.
        var failure: ClientFailure?

        var status: ExitStatus { failure?.exitStatus ?? (refused > 0 ? .usage : .passed) }
    }

    /// - Parameter place: of the history, as an absolute path.
    func run(_ history: History, from place: String) async throws -> Outcome {
        let project = try config.namedProject()
        return try await APIConnection.with(config) { connection in
            var history = history
            var outcome = Outcome()
            var log = ImportLog(
                folder: surroundings.outbox.deletingLastPathComponent().appending(path: "imports"), server: connection.url, project: project,
                place: place)
            if again { log.forget() }
            let sender = UploadSender(connection: connection, outbox: Outbox(folder: surroundings.outbox), retries: retries)
            let progress = ImportProgress(console: console, total: history.runs.count)
            for (index, run) in history.runs.enumerated() {
                progress.show(index, run.label, outcome.results)
                let mark = run.mark
                guard !log.marks.contains(mark) else {
                    outcome.before += 1
                    continue
                }
                do {
                    try await send(run, to: project, sender, &outcome)
                    try log.add(mark)
                } catch let failure as ClientFailure {
                    // One that the server does not want says nothing of the next.
                    guard case .refused = failure, failure.exitStatus == .usage, !failure.isAboutProject else {
                        outcome.failure = failure
                        break
                    }
                    outcome.refused += 1
                    history.leaveOut(run.label, "\(failure)")
                }
            }
            progress.end()
            outcome.leftOut = history.leftOut
            return outcome
        }
    }

    private func send(_ run: HistoricalRun, to project: String, _ sender: UploadSender, _ outcome: inout Outcome) async throws {
        var known = false
        for (name, entry) in try drafts(of: run, project: project, url: sender.connection.url, outbox: sender.outbox) {
            guard let receipt = try await sender.send(name, entry) else {
                throw ClientFailure.unreachable("another process is sending \(run.label)")
            }
            known = receipt.duplicate == true
            outcome.rejected += receipt.rejected ?? 0
            if !known { outcome.results += receipt.accepted ?? 0 }
        }
        if known { outcome.duplicates += 1 } else { outcome.runs += 1 }
    }

    // MARK: - Drafts

    private func drafts(of run: HistoricalRun, project: String, url: String, outbox: Outbox) throws -> [(name: Outbox.Name, entry: OutboxEntry)] {
        let said = Set(fields.map(\.name))
        var all = run.allFields().filter { !said.contains($0.name) } + fields
        var parts: [HistoricalRun.Content] = [run.content]
        if case .files(let files) = run.content, files.count > ReportUpload.maxFiles {
            parts = stride(from: 0, to: files.count, by: ReportUpload.maxFiles).map {
                .files(Array(files[$0..<min($0 + ReportUpload.maxFiles, files.count)]))
            }
            // What takes several requests has to be told that it is one run.
            if !all.contains(where: { $0.name == "run_env[key]" }) { all.append(("run_env[key]", "assay-import-\(run.mark)".shortened(to: 255))) }
        }
        return try parts.map { part in
            let name = try outbox.place(at: Date())
            let draft = try UploadDraft(at: outbox.body(name), project: project, fields: all)
            do {
                try add(part, to: draft)
                let key = try draft.finish()
                let entry = OutboxEntry(
                    url: url, project: project, query: [:], boundary: draft.boundary, key: key, files: draft.files, bytes: draft.bytes,
                    finishes: false, createdAt: Date())
                try outbox.enter(entry, as: name)
                return (name, entry)
            } catch {
                draft.discard()
                throw error
            }
        }
    }

    private func add(_ content: HistoricalRun.Content, to draft: UploadDraft) throws {
        switch content {
        case .files(let files):
            for path in files { try draft.add(path, from: try Self.open(path)) }
        case .part(let path, let offset, let count):
            let source = try Self.open(path)
            try source.seek(toOffset: offset)
            try Self.scratch { file in
                try file.write(contentsOf: try source.read(upToCount: count) ?? Data())
            } then: {
                try draft.add("history.jsonl", from: $0)
            }
        case .text(let text):
            try Self.scratch {
                try $0.write(contentsOf: text)
            } then: {
                try draft.add("history.jsonl", from: $0)
            }
        case .records(let path, let before, let after):
            try Self.scratch { file in
                try file.write(contentsOf: Data(before.utf8))
                var isFirst = true
                try Lines(path, longest: 64 << 20).forEach { record in
                    try file.write(contentsOf: (isFirst ? Data() : Data(",\n".utf8)) + record)
                    isFirst = false
                }
                try file.write(contentsOf: Data(after.utf8))
            } then: {
                try draft.add("items.json", from: $0)
            }
        }
    }

    private static func open(_ path: String) throws -> FileHandle {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw ClientFailure.local("\(path) cannot be read") }
        return handle
    }

    /// A file without a name, written and then read.
    private static func scratch(_ write: (FileHandle) throws -> Void, then read: (FileHandle) throws -> Void) throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "assay-import-\(UUID().uuidString)")
        let file = try PrivateFile.create(place)
        try? FileManager.default.removeItem(at: place)
        try write(file)
        try file.seek(toOffset: 0)
        try read(file)
    }
}

extension ClientFailure {
    /// The next run would be refused for the same reason.
    fileprivate var isAboutProject: Bool {
        if case .refused(let problem) = self { problem.code.hasPrefix("project.") } else { false }
    }
}

extension String {
    fileprivate func shortened(to count: Int) -> String { String(prefix(count)) }
}
