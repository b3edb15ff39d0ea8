import Foundation

/// Branch and commit of the folder that we run in, for who is in no CI. Read from git's own files, because starting `git` takes longer than all
/// the rest; what these do not say (worktrees of old versions, reftable) is left out.
enum GitCheckout {
    static func read(from folder: URL) -> CIBuild {
        guard let repository = repository(above: folder), let head = text(repository.own.appending(path: "HEAD")) else { return CIBuild() }
        guard head.hasPrefix("ref: ") else { return CIBuild(commit: isCommit(head) ? head : nil) }
        let ref = String(head.dropFirst("ref: ".count))
        return CIBuild(branch: ref.withoutRef, commit: commit(of: ref, in: repository))
    }

    private struct Repository {
        /// Of this worktree.
        let own: URL
        /// Of all worktrees: branches are here.
        let shared: URL
        /// The folder that is checked out.
        let root: URL
    }

    /// The folder of the repository that `folder` is in.
    static func root(above folder: URL) -> URL? { repository(above: folder)?.root }

    private static func repository(above folder: URL) -> Repository? {
        var folder = folder.standardizedFileURL
        for _ in 0..<64 {
            let place = folder.appending(path: ".git")
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) {
                var own = place
                if !isFolder.boolValue {
                    guard let line = text(place), line.hasPrefix("gitdir: ") else { return nil }
                    own = path(String(line.dropFirst("gitdir: ".count)), from: folder)
                }
                let shared = text(own.appending(path: "commondir")).map { path($0, from: own) }
                return Repository(own: own, shared: shared ?? own, root: folder)
            }
            guard folder.path != "/" else { return nil }
            folder.deleteLastPathComponent()
        }
        return nil
    }

    private static func commit(of ref: String, in repository: Repository) -> String? {
        for folder in [repository.own, repository.shared] {
            if let commit = text(folder.appending(path: ref)), isCommit(commit) { return commit }
        }
        guard let packed = text(repository.shared.appending(path: "packed-refs")) else { return nil }
        let line = packed.split(separator: "\n").first { $0.hasSuffix(" \(ref)") }
        return line.map { String($0.prefix { $0 != " " }) }.flatMap { isCommit($0) ? $0 : nil }
    }

    private static func path(_ text: String, from folder: URL) -> URL {
        text.hasPrefix("/") ? URL(filePath: text) : folder.appending(path: text).standardizedFileURL
    }

    private static func isCommit(_ text: String) -> Bool { (40...64).contains(text.count) && text.allSatisfy(\.isHexDigit) }

    private static func text(_ url: URL) -> String? {
        guard let data = try? Data(contentsOf: url) else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
