import Foundation

/// Sends files of one folder whenever they have changed and then been quiet for a moment. What leads out of the folder is not followed.
struct ReportWatcher {
    private static let interval = Duration.milliseconds(500)

    let folder: String
    let patterns: [String]
    /// Seconds.
    let quiet: Double

    /// What was sent, so that it is sent again only when it has changed.
    struct Seen: Equatable {
        private var sent: [String: FileStamp] = [:]
        private var last: [String: FileStamp] = [:]

        /// Those of `files` that changed since they were sent and not since the last look, `quiet` seconds ago at least.
        mutating func ready(_ files: [String: FileStamp], now: Date, quiet: Double) -> [String] {
            defer { last = files }
            return files.filter { path, stamp in
                sent[path] != stamp && last[path] == stamp && now.timeIntervalSince(stamp.changedAt) >= quiet
            }.keys.sorted()
        }

        mutating func mark(_ path: String, _ stamp: FileStamp) { sent[path] = stamp }
    }

    /// Until interrupted.
    func run(_ reporting: Reporting) async throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw ClientFailure.usage("\(folder) is no folder")
        }
        let patterns = self.patterns.isEmpty ? ["**/*.{xml,json,trx,tap}"] : self.patterns
        guard !patterns.contains(where: { $0.hasPrefix("/") || $0.split(separator: "/").contains("..") }) else {
            throw ClientFailure.usage("with --watch patterns are meant from the folder on, and lead nowhere else")
        }
        var finder = ReportFinder()
        finder.followsLinks = false
        var seen = Seen()
        // What is there already was there before anybody watched.
        for (path, stamp) in try stamps(finder, patterns) { seen.mark(path, stamp) }
        reporting.console.note("watching \(folder); interrupt to end")
        while true {
            try await Task.sleep(for: Self.interval)
            let files = try stamps(finder, patterns)
            let ready = seen.ready(files, now: Date(), quiet: quiet)
            guard !ready.isEmpty else { continue }
            _ = try await reporting.send(ready.map { .file($0) })
            for path in ready { if let stamp = files[path] { seen.mark(path, stamp) } }
        }
    }

    private func stamps(_ finder: ReportFinder, _ patterns: [String]) throws -> [String: FileStamp] {
        let found = try finder.find(patterns.map { (folder.hasSuffix("/") ? folder : folder + "/") + $0 })
        return Dictionary(found.compactMap { path in FileStamp(path: path).map { (path, $0) } }) { first, _ in first }
    }
}
