import Foundation
import Primitives

/// A project's CODEOWNERS file as it was in one commit.
struct CodeOwnersVersion: Identified, Equatable, Sendable {
    static let idPrefix = "cov"
    /// Of a project, newest first; behind them only the file that holds where no other does is kept. A busy repository builds some hundred commits a day.
    static let most = 2_000
    /// Different files of a project: versions of those that have not been there for longest go first.
    static let mostFiles = 50
    /// Unicode scalars of a file. GitHub reads 3 MB, of which none in use has a tenth.
    static let contentLimit = 900_000

    let id: ID<CodeOwnersVersion>
    /// Of the content, 32 bytes.
    let sha256: Data
    let bytes: Int64
    /// Empty where it was not said.
    let commit: String
    let branch: String
    let createdAt: Date
}

extension CodeOwnersVersion {
    /// What a result's owners are looked up for: the commit and branch of its run, each of which may be empty.
    struct Place: Equatable, Sendable {
        static let commitLimit = 64
        static let branchLimit = 255

        let commit: String
        let branch: String

        /// - Throws: `request.invalid` naming the field.
        init(commit: String, branch: String, at fields: (commit: String, branch: String) = ("commit", "branch")) throws(Fault) {
            for (field, text, limit) in [(fields.commit, commit, Self.commitLimit), (fields.branch, branch, Self.branchLimit)] {
                guard text.unicodeScalars.count <= limit, !text.utf8.contains(0) else {
                    throw .invalidField(field, "invalid", "It may have \(limit) characters, none of them NUL.")
                }
            }
            self.init(unchecked: commit, branch)
        }

        init(unchecked commit: String, _ branch: String) {
            self.commit = commit
            self.branch = branch
        }

        var isNowhere: Bool { commit.isEmpty && branch.isEmpty }
    }

    /// Why a version holds for a place; the raw values are the order in which they are tried.
    enum Match: Int32, Sendable {
        /// It is of exactly the commit.
        case commit = 1
        /// The newest of the branch.
        case branch = 2
        /// The newest of no branch.
        case other = 3
    }
}
