import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineClient

@Suite(.timeLimit(.minutes(2))) struct CodeOwnersFileTests {
    private static let commit = String(repeating: "ab", count: 20)

    /// A repository with a report, on branch `main`.
    private func repository(_ stub: ServerStub?, _ files: [String: String] = [:]) throws -> AssayProgram {
        let program = try AssayProgram(environment: stub?.environment ?? [:])
        try program.write("ref: refs/heads/main\n", to: ".git/HEAD")
        try program.write("\(Self.commit)\n", to: ".git/refs/heads/main")
        try program.write("<testsuite/>", to: "a.xml")
        for (path, text) in files { try program.write(text, to: path) }
        return program
    }

    @Test(
        "the file of the working tree is found where GitHub and GitLab look, from any folder of it",
        arguments: [
            ([".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"], ".github/CODEOWNERS"),
            (["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"], "CODEOWNERS"), (["docs/CODEOWNERS"], "docs/CODEOWNERS"),
            ([".gitlab/CODEOWNERS"], ".gitlab/CODEOWNERS"), (["sub/CODEOWNERS"], nil),
        ] as [([String], String?)])
    func places(files: [String], expected: String?) throws {
        let program = try repository(nil, Dictionary(uniqueKeysWithValues: files.map { ($0, $0) }))
        defer { program.remove() }
        try program.write("x", to: "sub/deep/x")
        let fields = [(name: "run_env[branch]", value: "main"), (name: "run_env[commit_sha]", value: "c1")]
        let found = try CodeOwnersFile.find(named: nil, fields: fields, from: program.folder.appending(path: "sub/deep"))
        #expect(found == expected.map { CodeOwnersFile(content: $0, commit: "c1", branch: "main", isNamed: false) })
        // Of which branch, nobody knows: it would hold for all.
        #expect(try CodeOwnersFile.find(named: nil, fields: [], from: program.folder) == nil)
    }

    @Test("what cannot be read is left out when it was found, and an error when it was named")
    func unreadable() throws {
        let program = try repository(nil, ["CODEOWNERS": String(repeating: "a", count: CodeOwnersFile.mostBytes + 1)])
        defer { program.remove() }
        let fields = [(name: "run_env[branch]", value: "main")]
        #expect(try CodeOwnersFile.find(named: nil, fields: fields, from: program.folder) == nil)
        for path in ["CODEOWNERS", "nowhere"] {
            #expect(throws: ClientFailure.self) { try CodeOwnersFile.find(named: path, fields: fields, from: program.folder) }
        }
    }

    @Test("the file goes before the results, with their branch and commit; --no-owners and --owners say otherwise")
    func sent() async throws {
        let stub = try await ServerStub.start { $0.target.hasSuffix("/code-owners") ? .json("{}") : nil }
        defer { stub.server.stop() }
        let program = try repository(stub, ["CODEOWNERS": "* @found\n", "other": "* @named\n"])
        defer { program.remove() }
        #expect(try await program("upload", "a.xml", "--branch", "topic").status == 0)
        #expect(try await program("upload", "a.xml", "--no-owners").status == 0)
        #expect(try await program("upload", "a.xml", "--owners", "other").status == 0)
        let missing = try await program("upload", "a.xml", "--owners", "nowhere")
        #expect(missing.status == 0 && missing.error.contains("nowhere cannot be read"), "\(missing.error)")
        #expect(try await program("upload", "--strict", "a.xml", "--owners", "nowhere").status != 0)
        let asked = stub.server.requests.filter { $0.method == "PUT" || $0.method == "POST" }
        #expect(asked.map(\.method) == ["PUT", "POST", "POST", "PUT", "POST", "POST"])
        let bodies = try asked.filter { $0.method == "PUT" }.map { try JSONDecoder().decode([String: String].self, from: $0.body) }
        #expect(
            bodies == [
                ["content": "* @found\n", "commit_sha": Self.commit, "branch": "topic"],
                ["content": "* @named\n", "commit_sha": Self.commit, "branch": "main"],
            ])
        #expect(asked[0].header("if-match") == "*" && asked[0].target == "/api/v1/projects/shop/code-owners")
    }

    @Test("whatever becomes of the file, the results are sent; it is named only when it should have been taken")
    func trouble() async throws {
        let status = Mutex(403)
        let stub = try await ServerStub.start { request in
            let code = status.withLock { $0 }
            return request.target.hasSuffix("/code-owners") ? .json(#"{"status":\#(code),"code":"x.y","detail":"no"}"#, status: code) : nil
        }
        defer { stub.server.stop() }
        let program = try repository(stub, ["CODEOWNERS": "* @found"])
        defer { program.remove() }
        for (code, arguments, isTold) in [
            (403, [], false), (404, [], false), (503, [], false), (422, [], true), (403, ["--owners", "CODEOWNERS"], true),
        ] as [(Int, [String], Bool)] {
            status.withLock { $0 = code }
            let answer = try await program.shell((["assay upload --strict a.xml"] + arguments).joined(separator: " "))
            #expect(answer.status == 0 && answer.error.contains("code owners") == isTold, "\(code): \(answer.error)")
        }
        #expect(stub.uploads.count == 5)
    }

    @Test("a file waits in the outbox with its upload")
    func outbox() async throws {
        let stub = try await ServerStub.start { request in request.target.hasSuffix("/code-owners") ? .json("{}") : nil }
        var program = try repository(nil, ["CODEOWNERS": "* @found"])
        defer { program.remove() }
        let port = FreePort.next()
        for (name, value) in ["ASSAY_URL": "http://127.0.0.1:\(port)", "ASSAY_API_KEY": "k", "ASSAY_PROJECT": "shop"] {
            program.environment[name] = value
        }
        #expect(try await program("upload", "--retry-for", "1s", "a.xml").status == 0)
        let folder = "home/.local/state/assay/outbox/"
        let entry = try #require(
            try FileManager.default.contentsOfDirectory(atPath: program.folder.path + "/" + folder).first { $0.hasSuffix(".json") })
        try program.write(program.read(folder + entry).replacing("http://127.0.0.1:\(port)", with: stub.server.url), to: folder + entry)
        program.environment["ASSAY_URL"] = stub.server.url
        #expect(try await program("flush").output == "1 sent, 0 waiting, 0 refused.\n")
        #expect(stub.server.requests.filter { $0.method != "GET" }.map(\.method) == ["PUT", "POST"])
        stub.server.stop()
    }
}
