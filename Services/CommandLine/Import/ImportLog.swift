import Crypto
import Foundation

/// What has been imported from a place into a project, one mark a line: an import that was cut off goes on where it was. It only saves time; that nothing is
/// there twice is the server's to know.
struct ImportLog {
    private let file: URL
    private(set) var marks: Set<String>

    /// - Parameter place: of the history, as an absolute path.
    init(folder: URL, server: String, project: String, place: String) {
        let digest = SHA256.hash(data: Data([server, project, place].joined(separator: "\n").utf8))
        file = folder.appending(path: digest.prefix(16).map { String(format: "%02x", $0) }.joined())
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        marks = Set(text.split(separator: "\n").map(String.init))
    }

    /// - Throws: `local`.
    mutating func add(_ mark: String) throws {
        guard marks.insert(mark).inserted else { return }
        try PrivateFile.makeFolder(file.deletingLastPathComponent())
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ClientFailure.local("\(file.path) cannot be written: \(String(cString: strerror(errno)))") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data((mark + "\n").utf8))
        } catch {
            throw ClientFailure.local("\(file.path) cannot be written: \(error.localizedDescription)")
        }
    }

    mutating func forget() { marks = [] }
}
