import Foundation

/// What Allure keeps of earlier runs: Allure 3's `history.jsonl`, Allure 2's `history/history.json`, and folders of results that nobody has deleted.
struct AllureHistory {
    private static let longestLine = 256 << 20
    private static let largestFile: Int64 = 1 << 30

    let now: Date

    /// - Parameter root: `history.jsonl`; a report or a folder of results with `history` in it; or a folder of such.
    /// - Throws: `usage` when there is nothing of Allure.
    func read(_ root: String) throws -> History {
        var history = History()
        let folder = URL(filePath: root).standardizedFileURL
        var isDirectory = false
        guard let values = try? folder.resourceValues(forKeys: [.isDirectoryKey]) else {
            throw ClientFailure.usage("\(root): no such file or folder")
        }
        isDirectory = values.isDirectory == true
        if !isDirectory {
            if folder.lastPathComponent.hasSuffix(".jsonl") {
                try readLines(folder.path, &history)
            } else {
                try readReport(folder.deletingLastPathComponent(), folder, &history)
            }
        } else {
            for place in [folder] + Self.folders(in: folder) { try readFolder(place, &history) }
        }
        guard !history.runs.isEmpty || !history.leftOut.isEmpty else {
            throw ClientFailure.usage("\(root) holds no history.jsonl, no history/history.json and no results of Allure")
        }
        history.sort()
        return history
    }

    private static func folders(in folder: URL) -> [URL] {
        let inner = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.isDirectoryKey])) ?? []
        return inner.filter { (try? $0.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true && $0.lastPathComponent != "history" }
            .sorted { $0.path < $1.path }
    }

    private func readFolder(_ folder: URL, _ history: inout History) throws {
        let lines = folder.appending(path: "history.jsonl")
        if FileManager.default.fileExists(atPath: lines.path) { try readLines(lines.path, &history) }
        let kept = folder.appending(path: "history/history.json")
        if FileManager.default.fileExists(atPath: kept.path) { try readReport(folder, kept, &history) }
        let trend = folder.appending(path: "history/history-trend.json")
        if FileManager.default.fileExists(atPath: trend.path) {
            history.leaveOut(trend.path, "holds sums of runs only, and no tests (what history.json has of the same runs is taken)")
        }
        try readResults(folder, &history)
    }

    // MARK: - Allure 3

    private func readLines(_ path: String, _ history: inout History) throws {
        var offset: UInt64 = 0
        // Found again by their places, so that a history need not fit into memory; empty lines are none.
        try Self.forEachLine(path, longest: Self.longestLine) { line, at in
            offset += 1
            guard let point = JSONObject(line) else { return history.leaveOut("\(path), line \(offset)", "is no JSON") }
            let results = (point.object("testResults")?.members ?? [:]).values.compactMap { JSONObject($0) }
            let start = results.compactMap { $0.time("start") }.min() ?? point.time("timestamp")
            let label = "\(point.text("name") ?? "Allure Report") #\(offset)"
            guard let start else { return history.leaveOut(label, "does not say when it began") }
            guard !results.isEmpty else { return history.leaveOut(label, "has no tests") }
            var fields = [(name: "name", value: label), (name: "run_env[CI]", value: "Allure")]
            if let id = point.text("uuid") { fields.append(("run_env[job_id]", id)) }
            if let url = point.text("url"), url.hasPrefix("http") { fields.append(("run_env[url]", url)) }
            history.add(
                HistoricalRun(
                    label: label, startedAt: start, finishedAt: results.compactMap { $0.time("stop") }.max(), fields: fields,
                    content: .part(of: path, at: at, count: line.count)), now: now)
        }
    }

    private static func forEachLine(_ path: String, longest: Int, _ body: (Data, UInt64) throws -> Void) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw ClientFailure.local("\(path) cannot be read") }
        var rest = Data()
        var start: UInt64 = 0
        while true {
            let piece = try handle.read(upToCount: 1 << 20) ?? Data()
            var searched = rest.count
            rest.append(piece)
            while let end = rest[(rest.startIndex + searched)...].firstIndex(of: 0x0A) ?? (piece.isEmpty && !rest.isEmpty ? rest.endIndex : nil) {
                let line = Data(rest[rest.startIndex..<end])
                if line.contains(where: { $0 > 0x20 }) { try body(line, start) }
                let taken = min(line.count + 1, rest.count)
                start += UInt64(taken)
                rest = Data(rest.dropFirst(taken))
                searched = 0
            }
            guard !piece.isEmpty else { return }
            guard rest.count <= longest else { throw ClientFailure.local("\(path): a line is longer than \(longest >> 20) MiB") }
        }
    }

    // MARK: - Allure 2

    /// `history.json` has times and outcomes by the hash of a test; what the tests are called stands in the report, or in the results, beside it.
    private func readReport(_ folder: URL, _ file: URL, _ history: inout History) throws {
        guard FileStamp(path: file.path)?.size ?? .max <= Self.largestFile, let data = FileManager.default.contents(atPath: file.path),
            let tests = JSONObject(data)
        else { return history.leaveOut(file.path, "is no JSON that can be read") }
        let names = names(in: folder)
        var items: [AllureItem] = []
        for (test, kept) in tests.members {
            guard let name = names[test] else {
                history.leaveOut("the test \(test)", "has no name in \(folder.path) any more: neither a result nor a report with it is there")
                continue
            }
            for item in JSONObject(kept)?.objects("items") ?? [] {
                guard let found = AllureItem(test: test, name: name, item) else {
                    history.leaveOut("an execution of \(name.name)", "does not say when it began")
                    continue
                }
                items.append(found)
            }
        }
        for run in AllureItem.runs(items) {
            let label = "\(folder.lastPathComponent) \(run.number.map { "#\($0)" } ?? run.startedAt.formatted(.iso8601))"
            var fields = [(name: "name", value: label), (name: "run_env[CI]", value: "Allure")]
            if let number = run.number { fields.append(("run_env[number]", number)) }
            if let url = run.url { fields.append(("run_env[url]", url)) }
            history.add(
                HistoricalRun(
                    label: label, startedAt: run.startedAt, finishedAt: run.finishedAt, fields: fields, content: .text(try run.document().data())),
                now: now)
        }
    }

    private func names(in folder: URL) -> [String: AllureItem.Name] {
        var names: [String: AllureItem.Name] = [:]
        for place in [folder.appending(path: "data/test-cases"), folder] {
            for file in Self.results(in: place, all: place != folder) {
                guard let found = FileManager.default.contents(atPath: file).flatMap({ JSONObject($0) }), let test = found.text("historyId"),
                    let name = found.text("name") ?? found.text("fullName")
                else { continue }
                names[test] = AllureItem.Name(
                    name: name, fullName: found.text("fullName") ?? name,
                    labels: found.objects("labels").map { ($0.text("name") ?? "", $0.text("value") ?? "") })
            }
        }
        return names
    }

    // MARK: - Results

    private static func results(in folder: URL, all: Bool = false) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(all ? ".json" : "-result.json") }.sorted()
            .map { folder.appending(path: $0).path }
    }

    private func readResults(_ folder: URL, _ history: inout History) throws {
        let files = Self.results(in: folder)
        guard !files.isEmpty else { return }
        var (start, end): (Date?, Date?)
        for file in files {
            guard let result = FileManager.default.contents(atPath: file).flatMap({ JSONObject($0) }) else { continue }
            if let time = result.time("start") { start = min(start ?? time, time) }
            if let time = result.time("stop") { end = max(end ?? time, time) }
        }
        guard let start else { return history.leaveOut(folder.path, "does not say when it began") }
        let label = "\(folder.lastPathComponent) \(start.formatted(.iso8601))"
        history.add(
            HistoricalRun(
                label: label, startedAt: start, finishedAt: end, fields: [("name", label), ("run_env[CI]", "Allure")], content: .files(files)),
            now: now)
    }
}
