import ArgumentParser
import Foundation

/// The lines of a file, read in pieces: an export may be larger than memory.
struct Lines {
    private static let piece = 1 << 20
    private let handle: FileHandle
    private let longest: Int

    /// - Parameters:
    ///   - path: `-` for standard input.
    ///   - longest: bytes of a line; of ours none comes near. A file without newlines must not fill the memory.
    init(_ path: String, longest: Int = 1 << 20) throws {
        self.longest = longest
        if path == "-" {
            handle = .standardInput
        } else {
            guard let handle = FileHandle(forReadingAtPath: path) else { throw ValidationError("\(path) cannot be read") }
            self.handle = handle
        }
    }

    /// Empty lines are left out.
    func forEach(_ body: (Data) throws -> Void) throws {
        var rest = Data()
        while let piece = try handle.read(upToCount: Self.piece), !piece.isEmpty {
            rest.append(piece)
            var start = rest.startIndex
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if end > start { try body(Data(rest[start..<end])) }
                start = end + 1
            }
            rest = Data(rest[start...])
            guard rest.count <= longest else { throw ValidationError("this is no export: a line is longer than \(longest) bytes") }
        }
        if !rest.isEmpty { try body(rest) }
    }
}
