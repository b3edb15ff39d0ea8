import Foundation

/// Finds the files that patterns name, in one walk for all patterns with the same root. Links to folders are followed only where a pattern begins.
struct ReportFinder {
    static let maxFiles = 10_000
    static let maxDepth = 40

    /// Folders that are never entered.
    var skipping: Set<String> = [".git"]
    /// Files that were not written since then are left out.
    var changedSince: Date?
    /// Links to files count as files; else they are left out, so that nothing outside of the root is found.
    var followsLinks = true

    /// Where test tools write by themselves.
    static let wellKnown = [
        "**/surefire-reports/*.xml", "**/failsafe-reports/*.xml", "**/build/test-results/**/*.xml", "**/test-results/**/*.xml",
        "**/test-reports/**/*.xml",
        "**/TestResults/**/*.{trx,xml}", "**/junit*.xml", "**/TEST-*.xml", "**/xunit*.xml", "**/ctrf/*.json", "**/allure-results/*-result.json",
    ]
    /// Other people's code, which may bring reports of its own.
    static let foreign: Set<String> = [".git", "node_modules", "vendor", "bower_components", "Pods", "venv"]

    /// - Parameter patterns: files, folders (then everything that looks like a report below them), or globs.
    /// - Returns: paths as they were named, sorted, each once.
    /// - Throws: `usage`.
    func find(_ patterns: [String]) throws -> [String] {
        var found: Set<String> = []
        var roots: [String: [Glob]] = [:]
        for pattern in patterns {
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: pattern, isDirectory: &isFolder)
            if exists, !isFolder.boolValue {
                if isWanted(pattern) { found.insert(pattern) }
                continue
            }
            let text = exists ? (pattern.hasSuffix("/") ? pattern : pattern + "/") + "**/*.{xml,trx,tap,json}" : pattern
            for glob in try Glob.parse(text) { roots[glob.root, default: []].append(glob) }
        }
        for (root, globs) in roots {
            let start = closure(Set(globs.indices.map { State(glob: $0, name: 0) }), globs)
            try walk(root, prefix: root == "." ? "" : root == "/" ? "/" : root + "/", start, globs, depth: 0, &found)
        }
        return found.sorted()
    }

    /// How much of a pattern a folder's path has matched.
    private struct State: Hashable {
        let glob: Int
        let name: Int
    }

    private func closure(_ states: Set<State>, _ globs: [Glob]) -> Set<State> {
        var all = states
        for state in states {
            var name = state.name
            while globs[state.glob].names[name] == "**" {
                name += 1
                all.insert(State(glob: state.glob, name: name))
            }
        }
        return all
    }

    private func walk(_ folder: String, prefix: String, _ states: Set<State>, _ globs: [Glob], depth: Int, _ found: inout Set<String>) throws {
        guard depth < Self.maxDepth, let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            guard name != ".", name != ".." else { continue }
            let path = prefix + name
            if isFolder(entry, path) {
                guard !skipping.contains(name) else { continue }
                let next = states.compactMap { state -> State? in
                    let pattern = globs[state.glob].names[state.name]
                    if pattern == "**" { return name.hasPrefix(".") ? nil : state }
                    guard state.name + 1 < globs[state.glob].names.count, Glob.matches(name, pattern) else { return nil }
                    return State(glob: state.glob, name: state.name + 1)
                }
                if !next.isEmpty { try walk(path, prefix: path + "/", closure(Set(next), globs), globs, depth: depth + 1, &found) }
            } else if states.contains(where: { isLast($0, globs) && Glob.matches(name, globs[$0.glob].names[$0.name]) }), isWanted(path) {
                found.insert(path)
                guard found.count <= Self.maxFiles else {
                    throw ClientFailure.usage("more than \(Self.maxFiles) files match: name them more narrowly")
                }
            }
        }
    }

    private func isLast(_ state: State, _ globs: [Glob]) -> Bool { state.name == globs[state.glob].names.count - 1 }

    private func isFolder(_ entry: UnsafeMutablePointer<dirent>, _ path: String) -> Bool {
        switch Int32(entry.pointee.d_type) {
        case Int32(DT_DIR): return true
        case Int32(DT_UNKNOWN):
            var status = stat()
            return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        default: return false
        }
    }

    private func isWanted(_ path: String) -> Bool {
        var status = stat()
        guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        guard let changedSince else { return true }
        return FileStamp(status).changedAt >= changedSince
    }
}

/// Tells whether a file is still as it was.
struct FileStamp: Equatable, Sendable {
    let size: Int64
    let changedAt: Date

    init(size: Int64, changedAt: Date) {
        self.size = size
        self.changedAt = changedAt
    }

    init(_ status: stat) {
        size = Int64(status.st_size)
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        changedAt = Date(timeIntervalSince1970: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }

    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}
