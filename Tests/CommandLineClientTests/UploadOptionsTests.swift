import ArgumentParser
import Testing

@testable import CommandLineClient

@Suite struct UploadOptionsTests {
    @Test("what was said wins over the CI, and that over git; a tag given twice has its last value")
    func fields() throws {
        let options = try UploadOptions.parse(
            ["--branch", "said", "--tag", "a=1", "--tag", "a=2=3", "--run-env", "number=7", "--run-env", "url=", "--name", "Nightly"])
        let ci = CIBuild(name: "Jenkins", key: "k", number: "6", branch: "ci", url: "https://ci")
        let fields = Dictionary(options.fields(ci: ci, git: CIBuild(branch: "git", commit: "c0ffee")).map { ($0.name, $0.value) }) { _, last in last }
        #expect(
            fields == [
                "run_env[CI]": "Jenkins", "run_env[key]": "k", "run_env[number]": "7", "run_env[branch]": "said", "run_env[commit_sha]": "c0ffee",
                "run_env[url]": "",
                "tags[a]": "2=3", "name": "Nightly",
            ])
    }

    @Test("without a CI there is no key: an upload is a run of its own")
    func noCI() throws {
        let fields = try UploadOptions.parse([]).fields(ci: nil, git: CIBuild(branch: "main"))
        #expect(fields.map(\.name) == ["run_env[branch]"])
    }
}
