/// Lines that a report writes about one test, up to a limit: a file may go on with them for ever.
struct KeptLines {
    private(set) var lines: [String] = []
    /// There was more than is kept.
    private(set) var isCut = false
    /// In bytes; a line's end counts too.
    private var room: Int

    init(limit: Int) {
        room = limit
    }

    mutating func append(_ line: String) {
        guard !isCut else { return }
        let count = line.utf8.count + 1
        isCut = count > room
        lines.append(isCut ? Excerpt.of(line, limit: room) : line)
        room -= min(count, room)
    }
}
