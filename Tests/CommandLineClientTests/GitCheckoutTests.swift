import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

@Suite struct GitCheckoutTests {
    private static let commit = String(repeating: "ab", count: 20)

    @Test("branch and commit are found from any folder below, also when branches are packed")
    func branch() throws {
        let program = try AssayProgram()
        defer { program.remove() }
        try program.write("ref: refs/heads/feature/cart\n", to: ".git/HEAD")
        try program.write("\(Self.commit)\n", to: ".git/refs/heads/feature/cart")
        try program.write("x", to: "a/b/c")
        #expect(GitCheckout.read(from: program.folder.appending(path: "a/b")) == CIBuild(branch: "feature/cart", commit: Self.commit))
        try FileManager.default.removeItem(at: program.folder.appending(path: ".git/refs"))
        try program.write("# pack-refs with: peeled\n\(Self.commit) refs/heads/feature/cart\n", to: ".git/packed-refs")
        #expect(GitCheckout.read(from: program.folder) == CIBuild(branch: "feature/cart", commit: Self.commit))
    }

    @Test("a detached checkout has a commit and no branch")
    func detached() throws {
        let program = try AssayProgram()
        defer { program.remove() }
        try program.write("\(Self.commit)\n", to: ".git/HEAD")
        #expect(GitCheckout.read(from: program.folder) == CIBuild(commit: Self.commit))
    }

    @Test("a worktree has its own branch, and the commits of its repository")
    func worktree() throws {
        let program = try AssayProgram()
        defer { program.remove() }
        try program.write("ref: refs/heads/side\n", to: "main/.git/worktrees/side/HEAD")
        try program.write("../..\n", to: "main/.git/worktrees/side/commondir")
        try program.write("\(Self.commit)\n", to: "main/.git/refs/heads/side")
        try program.write("gitdir: \(program.folder.path)/main/.git/worktrees/side\n", to: "side/.git")
        #expect(GitCheckout.read(from: program.folder.appending(path: "side")) == CIBuild(branch: "side", commit: Self.commit))
    }

    @Test("outside of any checkout there is nothing to say")
    func outside() { #expect(GitCheckout.read(from: URL(filePath: "/proc")) == CIBuild()) }
}
