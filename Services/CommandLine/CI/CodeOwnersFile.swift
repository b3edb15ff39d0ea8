import Foundation

/// A repository's CODEOWNERS, with the commit and branch that it is of: sent before results, so that theirs are found by the file of their own commit.
struct CodeOwnersFile: Codable, Equatable, Sendable {
    /// Where GitHub and GitLab look, in GitHub's order and then GitLab's own place.
    static let places = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"]
    /// What the server takes has 900,000 characters, of up to four bytes.
    static let mostBytes = 3_600_000

    let content: String
    let commit: String
    let branch: String
    /// Named by who uploads, and so to be complained about; what was found by itself is left out where it is not wanted.
    let isNamed: Bool

    /// The file that was named, or the one of the working tree.
    /// - Parameters:
    ///   - fields: of the upload; its branch and commit are the file's.
    ///   - folder: in which the client runs.
    /// - Returns: `nil` when there is none, or nobody knows which branch it would be of: without one it would hold for all.
    /// - Throws: `local` for one that was named and cannot be read.
    static func find(named path: String?, fields: [(name: String, value: String)], from folder: URL) throws -> CodeOwnersFile? {
        let value = { (name: String) in fields.last { $0.name == "run_env[\(name)]" }?.value ?? "" }
        let (commit, branch) = (value("commit_sha"), value("branch"))
        if let path {
            let content = try read(path.hasPrefix("/") ? URL(filePath: path) : folder.appending(path: path))
            return CodeOwnersFile(content: content, commit: commit, branch: branch, isNamed: true)
        }
        guard !branch.isEmpty else { return nil }
        let root = GitCheckout.root(above: folder) ?? folder
        guard let found = places.lazy.map({ root.appending(path: $0) }).first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
            return nil
        }
        return (try? read(found)).map { CodeOwnersFile(content: $0, commit: commit, branch: branch, isNamed: false) }
    }

    private static func read(_ file: URL) throws -> String {
        guard let handle = FileHandle(forReadingAtPath: file.path), let data = try? handle.read(upToCount: mostBytes + 1) else {
            throw ClientFailure.local("\(file.path) cannot be read")
        }
        guard data.count <= mostBytes else { throw ClientFailure.local("\(file.path) is too large for a CODEOWNERS file") }
        guard let content = String(validating: data, as: UTF8.self) else { throw ClientFailure.local("\(file.path) is not UTF-8") }
        return content
    }

    /// The body of the request.
    var json: Data? { try? JSONEncoder().encode(["content": content, "commit_sha": commit, "branch": branch]) }
}
