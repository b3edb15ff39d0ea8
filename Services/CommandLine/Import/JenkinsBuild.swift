import Foundation

/// What `build.xml` of a Jenkins build says that an import needs.
struct JenkinsBuild: Equatable {
    var startedAt: Date?
    /// `nil` while it runs, and where nobody measured.
    var duration: TimeInterval?
    /// `SUCCESS`, `UNSTABLE`, …; `nil` while it runs.
    var result: String?
    var commit: String?
    var branch: String?

    /// - Parameters:
    ///   - text: of the file.
    ///   - number: of the build: what the git plug-in keeps of earlier ones stands beside its own.
    init(_ text: String, number: Int) {
        var timestamp: Date?
        // Of a `hudson.plugins.git.util.Build` that is being read.
        var seen: (commit: String?, branch: String?, number: Int?) = (nil, nil, nil)
        var built: (commit: String?, branch: String?)?
        var head: (commit: String?, branch: String?) = (nil, nil)
        ElementText.read(text) { path in
            if Self.isGitBuild(path.last) { seen = (nil, nil, nil) }
        } close: { element in
            let path = element.path
            switch (path.count, path.last) {
            case (2, "startTime"): startedAt = Self.time(element.text)
            case (2, "timestamp"): timestamp = Self.time(element.text)
            case (2, "duration"): duration = Double(element.text).flatMap { $0 > 0 ? $0 / 1000 : nil }
            case (2, "result"): result = element.text.isEmpty ? nil : element.text
            case (_, let name) where Self.isGitBuild(name):
                if seen.number == number { built = (seen.commit, seen.branch) }
            case (_, "sha1"): if path.contains(where: Self.isGitBuild), !element.text.isEmpty, seen.commit == nil { seen.commit = element.text }
            case (_, "hudsonBuildNumber"): seen.number = Int(element.text)
            case (_, "hash") where path.contains("jenkins.scm.api.SCMRevisionAction"): head.commit = head.commit ?? element.text
            case (_, "name"):
                if path.contains(where: Self.isGitBuild) {
                    if seen.branch == nil, !element.text.isEmpty { seen.branch = Self.branch(element.text) }
                } else if path.contains("jenkins.scm.api.SCMRevisionAction"), path.dropLast().last == "head" {
                    head.branch = head.branch ?? element.text
                }
            default: break
            }
        }
        // Queued at `timestamp`; when it began is told since Jenkins 1.5.
        startedAt = startedAt ?? timestamp
        commit = built?.commit ?? head.commit
        branch = head.branch ?? built?.branch
    }

    private static func isGitBuild(_ name: String?) -> Bool { name == "hudson.plugins.git.util.Build" || name == "lastBuild" }

    private static func time(_ text: String) -> Date? {
        Int64(text).flatMap { $0 > 0 ? Date(timeIntervalSince1970: Double($0) / 1000) : nil }
    }

    /// `detached` is what a checkout of a commit is called.
    private static func branch(_ name: String) -> String? {
        for prefix in ["refs/remotes/origin/", "refs/heads/", "remotes/origin/", "origin/"] where name.hasPrefix(prefix) {
            return String(name.dropFirst(prefix.count))
        }
        return name == "detached" ? nil : name
    }
}
