import Foundation
import Testing

@testable import ExecutionService

@Suite("code owners")
struct CodeOwnersTests {
    /// The examples of GitHub's documentation.
    private static let github = CodeOwners(
        """
        # This is a comment.
        *       @global-owner1 @global-owner2
        *.js    @js-owner #This is an inline comment.
        *.go docs@example.com
        *.txt @octo-org/octocats
        /build/logs/ @doctocat
        docs/* docs@example.com
        apps/ @octocat
        /docs/ @doctocat
        /scripts/ @doctocat @octocat
        **/logs @octocat
        /apps/github
        """)

    @Test(
        "the last line that matches holds",
        arguments: [
            ("README", ["@global-owner1", "@global-owner2"]), ("web/app.js", ["@js-owner"]), ("main.go", ["docs@example.com"]),
            ("a/b/c.txt", ["@octo-org/octocats"]), ("build/logs/a/b.js", ["@octocat"]), ("build/log.js", ["@js-owner"]),
            ("docs/getting-started.md", ["@doctocat"]), ("src/docs/a.md", ["@global-owner1", "@global-owner2"]), ("x/apps/y/z.js", ["@octocat"]),
            ("scripts/run", ["@doctocat", "@octocat"]), ("deeply/nested/logs/x.txt", ["@octocat"]), ("apps/github/x.js", []),
            ("apps/githubx/x.js", ["@octocat"]),
        ])
    func last(path: String, owners: [String]) {
        #expect(Self.github.owners(of: path).owners == owners)
    }

    @Test("what GitHub says of docs/*: the files of the folder, not those below it")
    func direct() {
        let owners = CodeOwners("docs/* @a")
        #expect(owners.owners(of: "docs/getting-started.md").owners == ["@a"])
        #expect(owners.owners(of: "docs/build-app/troubleshooting.md").owners.isEmpty)
    }

    @Test("GitLab's sections each have their own say, and lines of theirs without owners take the section's")
    func sections() {
        let owners = CodeOwners(
            """
            * @all
            [Documentation team][2] @docs @writers
            docs/
            *.md @editors
            ^[Database]
            model/db/ @dba
            """)
        #expect(owners.owners(of: "docs/a.txt").owners == ["@all", "@docs", "@writers"])
        #expect(owners.owners(of: "docs/a.md").owners == ["@all", "@editors"])
        #expect(owners.owners(of: "model/db/x.sql").owners == ["@all", "@dba"] && owners.owners(of: "model/db/x.sql").lines == [1, 6])
        #expect(owners.problems.isEmpty && owners.ruleCount == 4)
    }

    @Test(
        "paths as CIs write them are those of the repository",
        arguments: [
            "/home/runner/work/shop/shop/web/app.js", "/builds/acme/shop/web/app.js", "/github/workspace/web/app.js", "./web/app.js", #"web\app.js"#,
            "/home/circleci/project/web/app.js", "web//app.js",
        ])
    func workspaces(path: String) {
        #expect(CodeOwners("/web/app.js @web").owners(of: path).owners == ["@web"])
    }

    @Test("spaces and # can be part of a pattern; what is not understood is listed and passed over")
    func lines() {
        let owners = CodeOwners("a\\ file.txt @a\n\\#notes @b\n!not.js @c\nrange[0-9].js @d\n\n  # nothing\nx.js someone\n*.a @e nobody\n/ @root")
        #expect(owners.owners(of: "a file.txt").owners == ["@root"] && owners.owners(of: "a file.txt").lines == [9])
        #expect(owners.problems.map(\.line) == [3, 4, 7, 8])
        #expect(CodeOwners("a\\ file.txt @a").owners(of: "a file.txt").owners == ["@a"])
        #expect(CodeOwners("\\#notes @b").owners(of: "x/#notes").owners == ["@b"])
        #expect(CodeOwners("*.a @e nobody").owners(of: "x.a").owners == ["@e"])
        #expect(CodeOwners("").owners(of: "x").owners.isEmpty && CodeOwners("* @a").owners(of: "").owners.isEmpty)
    }

    @Test("wildcards stay within a folder, two of them go through")
    func wildcards() {
        #expect(CodeOwners("/a/**/z @x").owners(of: "a/z").owners == ["@x"])
        #expect(CodeOwners("/a/**/z @x").owners(of: "a/b/c/z").owners == ["@x"])
        #expect(CodeOwners("/a/** @x").owners(of: "a/b/c").owners == ["@x"] && CodeOwners("/a/** @x").owners(of: "a").owners.isEmpty)
        #expect(CodeOwners("/a/*/z @x").owners(of: "a/b/c/z").owners.isEmpty)
        #expect(CodeOwners("/a/?.js @x").owners(of: "a/b.js").owners == ["@x"] && CodeOwners("/a/?.js @x").owners(of: "a/bb.js").owners.isEmpty)
        #expect(CodeOwners("**/**/**/**/**/a @x").problems.count == 1)
    }

    @Test("a file of many lines and a path of many parts take no time to speak of")
    func bounds() {
        let owners = CodeOwners(String(repeating: "**/a*a*a*b/**/c/** @x\n", count: 30_000))
        #expect(owners.ruleCount == CodeOwners.mostRules && owners.problems.count == 1)
        let few = CodeOwners(String(repeating: "**/a*a*b/**/c/** @x\n", count: 20))
        let time = ContinuousClock().measure { #expect(few.owners(of: String(repeating: "aaaaaaaa/", count: 99) + "x").owners.isEmpty) }
        #expect(time < .seconds(5))
        #expect(few.owners(of: String(repeating: "a/", count: 200)).owners.isEmpty)
    }
}
