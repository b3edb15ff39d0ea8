import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

@Suite struct OutboxTests {
    @Test("entries are listed oldest first; what is too old goes, then the oldest of what is too much")
    func bounds() throws {
        let program = try AssayProgram()
        defer { program.remove() }
        var outbox = Outbox(folder: program.folder.appending(path: "outbox"))
        let now = Date()
        var names: [Outbox.Name] = []
        for (index, age) in [8 * 86_400.0, 300, 200, 100].enumerated() {
            names.append(try Self.enter(Self.entry(bytes: 100, createdAt: now - age, key: "\(index)"), in: outbox, at: now - age))
        }
        #expect(outbox.list().map(\.entry.key) == ["0", "1", "2", "3"])
        #expect(outbox.prune(at: now).map(\.key) == ["0"])
        outbox.maxBytes = 250
        #expect(outbox.prune(at: now, keeping: names[1]).map(\.key) == ["2"])
        #expect(outbox.list().map(\.entry.key) == ["1", "3"])
        #expect(!FileManager.default.fileExists(atPath: outbox.body(names[2]).path))
    }

    @Test("a body that is being sent is not sent by another at the same time")
    func lock() throws {
        let program = try AssayProgram()
        defer { program.remove() }
        let outbox = Outbox(folder: program.folder)
        let name = try Self.enter(Self.entry(bytes: 1, createdAt: Date(), key: "k"), in: outbox, at: Date())
        var first = outbox.open(name)
        #expect(first != nil && outbox.open(name) == nil)
        first = nil
        #expect(outbox.open(name) != nil)
    }

    static func entry(bytes: Int64, createdAt: Date, key: String) -> OutboxEntry {
        OutboxEntry(
            url: "http://127.0.0.1:1", project: "shop", query: [:], boundary: "b", key: key, files: 1, bytes: bytes, finishes: false,
            createdAt: createdAt)
    }

    static func enter(_ entry: OutboxEntry, in outbox: Outbox, at time: Date) throws -> Outbox.Name {
        let name = try outbox.place(at: time)
        try Data("body".utf8).write(to: outbox.body(name))
        try outbox.enter(entry, as: name)
        return name
    }
}
