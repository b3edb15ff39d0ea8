import Foundation

/// The builds that a Jenkins keeps in its home: `jobs/NAME/builds/N/`, with folders of jobs, branches of multibranch projects and axes of matrices.
struct JenkinsHistory {
    /// Folders inside each other; a home with links into itself has an end.
    private static let deepest = 32
    private static let largestDescription = 64 << 20

    let now: Date

    /// - Parameter root: a Jenkins home, a job, or a folder with either.
    /// - Throws: `usage` when there are no builds at all.
    func read(_ root: String) throws -> History {
        var history = History()
        var found = false
        walk(URL(filePath: root).standardizedFileURL, [], depth: 0) { folder, job in
            found = true
            addBuilds(in: folder, of: job.isEmpty ? folder.deletingLastPathComponent().lastPathComponent : job.joined(separator: "/"), &history)
        }
        guard found else {
            throw ClientFailure.usage("\(root) holds no builds of Jenkins; name its home, or the folder of a job, that with builds/1, builds/2, …")
        }
        history.sort()
        return history
    }

    /// - Parameter job: names of the folders that are jobs, from `root` on.
    private func walk(_ folder: URL, _ job: [String], depth: Int, _ visit: (URL, [String]) -> Void) {
        guard depth < Self.deepest else { return }
        for name in ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted() {
            let inner = folder.appending(path: name)
            guard (try? inner.resourceValues(forKeys: [.isDirectoryKey, .isSymbolicLinkKey]))?.isRealFolder == true else { continue }
            switch name {
            case "builds": visit(inner, job)
            // What jobs have checked out, and what Jenkins itself is made of.
            case "workspace", "plugins", "war", "logs", "fingerprints", "users", "nodes", "caches", "updates", "secrets", "archive", "modules":
                continue
            case "jobs", "branches", "configurations": walk(inner, job, depth: depth + 1, visit)
            default:
                // A folder between the root and `jobs` is no job.
                let isJob = ["jobs", "branches", "configurations"].contains(folder.lastPathComponent) || folder.path.contains("/configurations/")
                walk(inner, isJob ? job + [name] : job, depth: depth + 1, visit)
            }
        }
    }

    private func addBuilds(in folder: URL, of job: String, _ history: inout History) {
        // Links by number are how old homes name the folders of their builds; `lastStableBuild` and its like say nothing new.
        let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).compactMap { Int($0) }.filter { $0 > 0 }
        for number in numbers.sorted() {
            let label = "\(job) #\(number)"
            let build = folder.appending(path: "\(number)")
            let (description, results) = (build.appending(path: "build.xml").path, build.appending(path: "junitResult.xml").path)
            guard FileManager.default.fileExists(atPath: results) else {
                history.leaveOut(label, "has no junitResult.xml: no test results were recorded, or Jenkins has deleted them")
                continue
            }
            guard FileStamp(path: description)?.size ?? .max <= Self.largestDescription,
                let text = FileManager.default.contents(atPath: description).map({ String(decoding: $0, as: UTF8.self) })
            else {
                history.leaveOut(label, "has no build.xml that can be read")
                continue
            }
            let told = JenkinsBuild(text, number: number)
            guard let startedAt = told.startedAt else {
                history.leaveOut(label, "does not say when it began")
                continue
            }
            guard let result = told.result else {
                history.leaveOut(label, "is still running")
                continue
            }
            var fields = [
                ("name", label), ("run_env[CI]", "Jenkins"), ("run_env[number]", "\(number)"), ("run_env[job_id]", job), ("tags[job]", job),
                ("tags[jenkins_result]", result),
            ]
            if let branch = told.branch ?? Self.branch(of: folder) { fields.append(("run_env[branch]", branch)) }
            if let commit = told.commit { fields.append(("run_env[commit_sha]", commit)) }
            history.add(
                HistoricalRun(
                    label: label, startedAt: startedAt, finishedAt: told.duration.map { startedAt.addingTimeInterval($0) },
                    fields: fields.map { (name: $0.0, value: $0.1) }, content: .files([results])), now: now)
        }
    }

    /// Of a multibranch project: `…/branches/main/builds`. Names that are no file's are written otherwise there, but builds say theirs.
    private static func branch(of builds: URL) -> String? {
        let parts = builds.pathComponents
        guard parts.count >= 3, parts[parts.count - 3] == "branches" else { return nil }
        return parts[parts.count - 2]
    }
}

extension URLResourceValues {
    fileprivate var isRealFolder: Bool { isDirectory == true && isSymbolicLink != true }
}
