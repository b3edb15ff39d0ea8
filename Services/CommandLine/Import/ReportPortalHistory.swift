import Foundation

/// Pages of ReportPortal's interface that somebody has saved: launches (`GET /api/v1/{project}/launch`) and their items (`…/item?filter.eq.launchId=…`),
/// in any number of files.
///
/// Items are sorted by launch on disk, so that neither an export of one file nor one of ten thousand pages has to fit into memory.
struct ReportPortalHistory {
    private static let largestPage = 1 << 30

    let now: Date
    /// For what is read; of the caller to remove.
    let scratch: URL

    fileprivate struct Launch {
        var label = ""
        var number: String?
        var startedAt: Date?
        var finishedAt: Date?
        var isRunning = false
        var attributes: [(String, String)] = []
        var items = 0
    }

    /// - Throws: `usage` for files that are no pages of ReportPortal, `local`.
    func read(_ files: [String]) throws -> History {
        var history = History()
        var launches: [Int64: Launch] = [:]
        var seen: Set<Int64> = []
        try PrivateFile.makeFolder(scratch)
        for file in files { try read(file, &launches, &seen, &history) }
        guard !launches.isEmpty else {
            throw ClientFailure.usage(
                "there are no launches and no items of ReportPortal in \(files.first ?? "no file"); see assay import reportportal --help")
        }
        for (id, launch) in launches { add(launch, id, &history) }
        history.sort()
        return history
    }

    private func read(_ file: String, _ launches: inout [Int64: Launch], _ seen: inout Set<Int64>, _ history: inout History) throws {
        guard FileStamp(path: file)?.size ?? .max <= Self.largestPage, let data = FileManager.default.contents(atPath: file) else {
            return history.leaveOut(file, "cannot be read")
        }
        let value = try? JSONSerialization.jsonObject(with: data)
        guard let records = (value as? [Any]) ?? JSONObject(value).map({ $0.members["content"] as? [Any] ?? [$0.members] }) else {
            return history.leaveOut(file, "is no JSON")
        }
        var lines: [Int64: Data] = [:]
        for record in records {
            guard let record = JSONObject(record) else { continue }
            if let launch = record.number("launchId").map({ Int64($0) }) {
                if let id = record.number("id").map({ Int64($0) }), !seen.insert(id).inserted { continue }
                lines[launch, default: Data()].append(try record.data() + Data("\n".utf8))
                note(record, of: launch, in: &launches)
            } else if let id = record.number("id").map({ Int64($0) }), record.members["startTime"] != nil, record.text("name") != nil {
                launches[id, default: Launch()].take(record)
            } else {
                history.leaveOut(file, "holds something that is neither a launch nor an item")
            }
        }
        for (launch, text) in lines { try append(text, to: spool(launch)) }
    }

    private func note(_ item: JSONObject, of launch: Int64, in launches: inout [Int64: Launch]) {
        var known = launches[launch] ?? Launch()
        known.items += 1
        // What items say of their launch, for want of its own page.
        let path = item.object("pathNames")?.object("launchPathName")
        if known.label.isEmpty, let name = path?.text("name") { known.label = name }
        if known.number == nil, let number = path?.number("number") { known.number = "\(Int64(number))" }
        if known.attributes.isEmpty, let start = item.time("startTime"), start < known.startedAt ?? .distantFuture { known.startedAt = start }
        launches[launch] = known
    }

    private func spool(_ launch: Int64) -> URL { scratch.appending(path: "\(launch).jsonl") }

    private func append(_ text: Data, to file: URL) throws {
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ClientFailure.local("\(file.path) cannot be written: \(String(cString: strerror(errno)))") }
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(contentsOf: text)
    }

    private func add(_ launch: Launch, _ id: Int64, _ history: inout History) {
        let label = "\(launch.label.isEmpty ? "launch \(id)" : launch.label)\(launch.number.map { " #\($0)" } ?? "")"
        guard launch.items > 0 else { return history.leaveOut(label, "has no items in these files") }
        guard !launch.isRunning else { return history.leaveOut(label, "is still running") }
        guard let startedAt = launch.startedAt else { return history.leaveOut(label, "does not say when it began") }
        var fields = [("name", label), ("run_env[CI]", "ReportPortal"), ("run_env[job_id]", "launch \(id)")]
        if let number = launch.number { fields.append(("run_env[number]", number)) }
        var tags: Set<String> = []
        for (key, value) in launch.attributes where !value.isEmpty && tags.count < 40 {
            switch key.lowercased() {
            case "branch", "git_branch": fields.append(("run_env[branch]", value))
            case "commit", "commit_sha", "git_commit", "revision": fields.append(("run_env[commit_sha]", value))
            case let name where tags.insert(name).inserted: fields.append(("tags[\(key.isEmpty ? "attribute" : String(key.prefix(25)))]", value))
            default: break
            }
        }
        var names: Set<String> = []
        history.add(
            HistoricalRun(
                label: label, startedAt: startedAt, finishedAt: launch.finishedAt,
                fields: fields.filter { names.insert($0.0).inserted }.map { (name: $0.0, value: $0.1) },
                content: .records(file: spool(id).path, before: "{\"content\":[\n", after: "\n]}\n")), now: now)
    }
}

extension ReportPortalHistory.Launch {
    /// From its own page.
    fileprivate mutating func take(_ record: JSONObject) {
        label = record.text("name") ?? label
        if let number = record.number("number") { self.number = "\(Int64(number))" }
        startedAt = record.time("startTime") ?? startedAt
        finishedAt = record.time("endTime")
        isRunning = record.text("status") == "IN_PROGRESS"
        attributes = record.objects("attributes").filter { $0.bool("system") != true }.map { ($0.text("key") ?? "", $0.text("value") ?? "") }
    }
}
