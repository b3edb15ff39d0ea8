import Foundation

/// The part that matters of the JSON file that GitHub Actions describes its event in.
struct GitHubEvent: Decodable, Equatable, Sendable {
    struct PullRequest: Decodable, Equatable, Sendable {
        struct Head: Decodable, Equatable, Sendable {
            let sha: String?
        }
        let title: String?
        let head: Head?
    }

    struct Commit: Decodable, Equatable, Sendable {
        let message: String?
    }

    // The names are GitHub's.
    let pull_request: PullRequest?
    let head_commit: Commit?

    /// `nil` when there is none that can be read: the variables alone are good enough.
    static func read(at path: String?) -> GitHubEvent? {
        guard let path, let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return try? JSONDecoder().decode(GitHubEvent.self, from: data)
    }
}
