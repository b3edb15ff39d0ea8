import Foundation

/// The repository as these tests see it: its source files with their lines, generated code left out.
struct SourceTree {
    struct File {
        /// From the repository's root: `Services/Execution/RPC/RunsRPC.swift`.
        let path: String
        let lines: [Substring]
        var name: String { String(path.split(separator: "/").last!) }
        /// Without comments, for rules about code.
        var code: [Substring] { lines.filter { !$0.drop(while: \.isWhitespace).hasPrefix("//") } }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Files below `folder` whose name ends in `suffix`.
    static func files(_ folder: String, _ suffix: String = ".swift") -> [File] {
        let start = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else { return [] }
        return walk.compactMap { $0 as? URL }
            .filter { $0.lastPathComponent.hasSuffix(suffix) && !$0.path.contains("/Generated/") && !$0.path.contains("/.build") }
            .compactMap { url in
                guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
                return File(
                    path: String(url.path.dropFirst(root.path.count + 1)), lines: text.split(separator: "\n", omittingEmptySubsequences: false))
            }
            .sorted { $0.path < $1.path }
    }

    static var sources: [File] { ["Shared", "Services", "Proto", "Tests"].flatMap { files($0) } }
}
