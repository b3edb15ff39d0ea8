// One function a CI: its own variables, as its vendor documents them, in the words of an upload.
extension CIBuild {
    /// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    ///
    /// For pull requests GITHUB_SHA is a merge commit that nobody made; what was pushed is only in the event.
    static func github(_ variables: CIVariables, _ event: GitHubEvent?) -> CIBuild {
        var url = variables.joined("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", separator: "/")
        if let run = variables["GITHUB_RUN_ID"] { url = url.map { "\($0)/actions/runs/\(run)" } }
        if let attempt = variables["GITHUB_RUN_ATTEMPT"] { url = url.map { "\($0)/attempts/\(attempt)" } }
        return CIBuild(
            name: "GitHub Actions",
            key: variables.joined("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT").map { "github-\($0)" },
            number: variables["GITHUB_RUN_NUMBER"],
            branch: variables["GITHUB_HEAD_REF"] ?? variables["GITHUB_REF_NAME"] ?? variables["GITHUB_REF"]?.withoutRef,
            commit: event?.pull_request?.head?.sha ?? variables["GITHUB_SHA"],
            url: url,
            jobID: variables["GITHUB_JOB"],
            message: event?.head_commit?.message ?? event?.pull_request?.title)
    }

    /// https://docs.gitlab.com/ci/variables/predefined_variables/
    ///
    /// In merged results pipelines CI_COMMIT_SHA is a merge commit, and only there the source's own commit is set.
    static func gitlab(_ variables: CIVariables) -> CIBuild {
        CIBuild(
            name: "GitLab CI",
            key: variables.joined("CI_PROJECT_PATH", "CI_PIPELINE_ID").map { "gitlab-\($0)" } ?? variables["CI_PIPELINE_ID"].map { "gitlab-\($0)" },
            number: variables["CI_PIPELINE_IID"] ?? variables["CI_PIPELINE_ID"],
            branch: variables["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"] ?? variables["CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"]
                ?? variables["CI_COMMIT_BRANCH"] ?? variables["CI_COMMIT_REF_NAME"],
            commit: variables["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] ?? variables["CI_COMMIT_SHA"],
            url: variables["CI_PIPELINE_URL"] ?? variables["CI_JOB_URL"],
            jobID: variables["CI_JOB_ID"],
            message: variables["CI_COMMIT_MESSAGE"])
    }

    /// The page /env-vars.html of every Jenkins. Which of them are set depends on the kind of project and its plugins.
    ///
    /// The Git plugin says `origin/main`, multibranch projects `main` or `PR-12`, and CHANGE_BRANCH where a change request comes from.
    static func jenkins(_ variables: CIVariables) -> CIBuild {
        var branch = variables["CHANGE_BRANCH"] ?? variables["BRANCH_NAME"]
        if branch == nil, let remote = variables["GIT_BRANCH"] {
            let local = remote.withoutRef
            branch = local.hasPrefix("origin/") ? String(local.dropFirst("origin/".count)) : local
        }
        return CIBuild(
            name: "Jenkins",
            key: variables["BUILD_URL"].map { "jenkins-\($0)" } ?? variables["BUILD_TAG"],
            number: variables["BUILD_NUMBER"],
            branch: branch,
            commit: variables["GIT_COMMIT"],
            url: variables["BUILD_URL"] ?? variables["RUN_DISPLAY_URL"],
            jobID: variables.joined("JOB_NAME", "STAGE_NAME", separator: " ") ?? variables["JOB_NAME"])
    }

    /// https://circleci.com/docs/reference/variables/
    ///
    /// Numbers are those of jobs: what all jobs of a build have in common is their workflow. Branches of forks are called `pull/12`.
    static func circle(_ variables: CIVariables) -> CIBuild {
        CIBuild(
            name: "CircleCI",
            key: variables["CIRCLE_WORKFLOW_ID"].map { "circleci-\($0)" },
            number: variables["CIRCLE_BUILD_NUM"],
            branch: variables["CIRCLE_BRANCH"] ?? variables["CIRCLE_TAG"],
            commit: variables["CIRCLE_SHA1"],
            url: variables["CIRCLE_BUILD_URL"],
            jobID: variables.joined("CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_NODE_INDEX", separator: ".") ?? variables["CIRCLE_WORKFLOW_JOB_ID"]
                ?? variables["CIRCLE_JOB"])
    }

    /// https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
    ///
    /// For pull requests BITBUCKET_BRANCH is the source branch.
    static func bitbucket(_ variables: CIVariables) -> CIBuild {
        let repository = variables["BITBUCKET_REPO_FULL_NAME"] ?? variables.joined("BITBUCKET_WORKSPACE", "BITBUCKET_REPO_SLUG", separator: "/")
        let number = variables["BITBUCKET_BUILD_NUMBER"]
        var url: String?
        if let repository, let number { url = "https://bitbucket.org/\(repository)/pipelines/results/\(number)" }
        return CIBuild(
            name: "Bitbucket Pipelines",
            key: (variables["BITBUCKET_PIPELINE_UUID"] ?? repository.flatMap { name in number.map { "\(name)-\($0)" } }).map { "bitbucket-\($0)" },
            number: number,
            branch: variables["BITBUCKET_BRANCH"] ?? variables["BITBUCKET_TAG"],
            commit: variables["BITBUCKET_COMMIT"],
            url: url,
            jobID: variables.joined("BITBUCKET_STEP_UUID", "BITBUCKET_PARALLEL_STEP", separator: ".") ?? variables["BITBUCKET_STEP_UUID"])
    }

    /// https://learn.microsoft.com/azure/devops/pipelines/build/variables
    ///
    /// BUILD_SOURCEBRANCHNAME is only the last part of a branch's name, so the full ref is cut down here.
    static func azure(_ variables: CIVariables) -> CIBuild {
        let server = variables["SYSTEM_COLLECTIONURI"] ?? variables["SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"]
        var url: String?
        if let server, let project = variables["SYSTEM_TEAMPROJECT"], let build = variables["BUILD_BUILDID"] {
            url = "\(server.hasSuffix("/") ? server : server + "/")\(project.percentEncoded)/_build/results?buildId=\(build)"
        }
        return CIBuild(
            name: "Azure Pipelines",
            key: variables["BUILD_BUILDID"].map { "azure-\(server.map { "\($0)-" } ?? "")\($0)" },
            number: variables["BUILD_BUILDNUMBER"] ?? variables["BUILD_BUILDID"],
            branch: (variables["SYSTEM_PULLREQUEST_SOURCEBRANCH"] ?? variables["BUILD_SOURCEBRANCH"])?.withoutRef,
            commit: variables["SYSTEM_PULLREQUEST_SOURCECOMMITID"] ?? variables["BUILD_SOURCEVERSION"],
            url: url,
            jobID: variables.joined("SYSTEM_JOBID", "SYSTEM_JOBATTEMPT", separator: ".") ?? variables["SYSTEM_JOBID"],
            message: variables["BUILD_SOURCEVERSIONMESSAGE"])
    }

    /// https://buildkite.com/docs/pipelines/configure/environment-variables
    ///
    /// A build that was started for a branch's newest commit says `HEAD` until the agent has checked it out: then git knows it.
    static func buildkite(_ variables: CIVariables) -> CIBuild {
        CIBuild(
            name: "Buildkite",
            key: variables["BUILDKITE_BUILD_ID"].map { "buildkite-\($0)" },
            number: variables["BUILDKITE_BUILD_NUMBER"],
            branch: variables["BUILDKITE_BRANCH"] ?? variables["BUILDKITE_TAG"],
            commit: variables["BUILDKITE_COMMIT"].flatMap { $0 == "HEAD" ? nil : $0 },
            url: variables["BUILDKITE_BUILD_URL"],
            jobID: variables["BUILDKITE_JOB_ID"],
            message: variables["BUILDKITE_MESSAGE"])
    }
}
