/// What is known of the build that the client runs in, in the words of an upload (`run_env[…]`).
struct CIBuild: Equatable, Sendable {
    /// The CI's name.
    var name: String?
    /// The same for every job and shard of one build, another for every other build: uploads that share it join one run.
    var key: String?
    var number: String?
    /// The branch that the code came from, for pull requests the source's.
    var branch: String?
    var commit: String?
    /// Where people see the build, or the job.
    var url: String?
    /// One job or shard of the build.
    var jobID: String?
    /// The commit's.
    var message: String?

    /// `nil` when no CI that we know has set this environment. A pure function, so that it can be held against what vendors document.
    /// - Parameter event: GitHub's description of what happened (the file at `GITHUB_EVENT_PATH`).
    static func detect(_ environment: [String: String], event: GitHubEvent? = nil) -> CIBuild? {
        let variables = CIVariables(environment)
        // Jenkins last: agents of others inherit its variables more often than the other way round.
        if variables["GITHUB_ACTIONS"] == "true" { return github(variables, event) }
        if variables["GITLAB_CI"] != nil { return gitlab(variables) }
        if variables["CIRCLECI"] == "true" { return circle(variables) }
        if variables["BITBUCKET_BUILD_NUMBER"] != nil { return bitbucket(variables) }
        if variables["TF_BUILD"] != nil { return azure(variables) }
        if variables["BUILDKITE"] == "true" { return buildkite(variables) }
        if variables["JENKINS_URL"] != nil || variables["BUILD_TAG"]?.hasPrefix("jenkins-") == true { return jenkins(variables) }
        return nil
    }

    /// What is missing here is taken from `other`.
    func over(_ other: CIBuild) -> CIBuild {
        CIBuild(
            name: name ?? other.name, key: key ?? other.key, number: number ?? other.number, branch: branch ?? other.branch,
            commit: commit ?? other.commit, url: url ?? other.url, jobID: jobID ?? other.jobID, message: message ?? other.message)
    }

    /// As an upload's fields, cut to what the API takes.
    var fields: [(name: String, value: String)] {
        let all: [(String, String?, Int)] = [
            ("CI", name, 100), ("key", key, 255), ("number", number, 100), ("branch", branch, 255), ("commit_sha", commit, 64), ("url", url, 2_048),
            ("job_id", jobID, 255), ("message", message, 4_096),
        ]
        return all.compactMap { name, value, limit in value.map { ("run_env[\(name)]", $0.cut(toBytes: limit)) } }
    }
}

/// An environment in which an empty variable is none.
struct CIVariables {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    subscript(_ name: String) -> String? {
        guard let value = environment[name], !value.isEmpty else { return nil }
        return value
    }

    /// The parts with `separator` between them, `nil` when one is missing.
    func joined(_ names: String..., separator: String = "-") -> String? {
        let values = names.compactMap { self[$0] }
        return values.count == names.count ? values.joined(separator: separator) : nil
    }
}

extension String {
    /// At most so many bytes of UTF-8, without breaking a character.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = self[...]
        while text.utf8.count > limit { text.removeLast() }
        return String(text)
    }

    /// `refs/heads/a/b` → `a/b`.
    var withoutRef: String {
        for prefix in ["refs/heads/", "refs/tags/", "refs/remotes/origin/"] where hasPrefix(prefix) { return String(dropFirst(prefix.count)) }
        return self
    }
}
