import ArgumentParser
import Foundation

/// What an upload says about itself, and how hard it is tried.
struct UploadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What kind of reports these are; found out from their content when not given.", valueName: "format"))
    var format: String?

    @Option(help: ArgumentHelp("What people call the run.", valueName: "text"))
    var name: String?

    @Option(help: ArgumentHelp("Where was tested: staging, android-14, …", valueName: "text"))
    var environment: String?

    @Option(help: ArgumentHelp("The branch; found out from CI or git when not given.", valueName: "text"))
    var branch: String?

    @Option(help: ArgumentHelp("The commit; found out from CI or git when not given.", valueName: "sha"))
    var commit: String?

    @Option(help: ArgumentHelp("Uploads with the same key join one run; in a CI that is one for the whole build.", valueName: "text"))
    var key: String?

    @Option(name: .customLong("tag"), help: ArgumentHelp("A tag of the run; can be given several times.", valueName: "key=value"))
    var tags: [KeyValue] = []

    @Option(
        name: .customLong("run-env"),
        help: ArgumentHelp(
            "Sets one of CI, key, number, branch, commit_sha, url, job_id, message by hand; can be given several times.", valueName: "key=value"))
    var runEnv: [KeyValue] = []

    @Option(
        help: ArgumentHelp(
            "Files of the run besides its reports: screenshots, logs, traces, recordings. Files, folders or patterns; can be given several times.",
            valueName: "files"))
    var artifacts: [String] = []

    @Option(
        help: ArgumentHelp(
            "The CODEOWNERS file by which owners of results are found; without it that of the repository, if there is one.", valueName: "file"),
        completion: .file())
    var owners: String?

    @Flag(help: "Send no CODEOWNERS file.")
    var noOwners = false

    @Flag(help: "No further upload comes for this run: close it.")
    var finish = false

    @Flag(help: "Wait until the run is finished, and exit with 1 when tests failed that are not quarantined.")
    var wait = false

    @OptionGroup var quarantine: QuarantineOptions

    @Option(help: ArgumentHelp("How long to wait with --wait: 90s, 10m, 2h.", valueName: "time"))
    var timeout: TimeLimit?

    @Flag(help: "Exit with an error when the upload does not succeed. Without it that is a warning, because a build must not break for it.")
    var strict = false

    @Option(help: ArgumentHelp("How long to try again while Assay is away or busy; then the upload is kept for the next time.", valueName: "time"))
    var retryFor = TimeLimit(seconds: 30)

    /// The fields of the upload: what was said wins over what the CI says, and that over what git says.
    func fields(ci: CIBuild?, git: CIBuild) -> [(name: String, value: String)] {
        var build = ci?.over(CIBuild(branch: git.branch, commit: git.commit)) ?? git
        build = CIBuild(key: key, branch: branch, commit: commit).over(build)
        var fields = build.fields
        for pair in runEnv {
            fields.removeAll { $0.name == "run_env[\(pair.key)]" }
            fields.append(("run_env[\(pair.key)]", pair.value))
        }
        for (name, value) in [("format", format), ("name", name), ("environment", environment)] { if let value { fields.append((name, value)) } }
        var seen: Set<String> = []
        for tag in tags.reversed() where seen.insert(tag.key).inserted { fields.append(("tags[\(tag.key)]", tag.value)) }
        return fields
    }
}
