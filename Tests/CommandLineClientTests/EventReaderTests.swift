import Testing

@testable import CommandLineClient

@Suite struct EventReaderTests {
    private static let stream =
        "retry: 1000\n\nid: 3\nevent: updated\ndata: {\"a\":\ndata: 1}\n\n:\n\nevent: finished\r\nid: 4\r\ndata:x\r\n\r\nid: 5\ndata: cut"

    @Test("events are read whatever pieces they come in", arguments: [1, 2, 3, 7, 1_000])
    func pieces(size: Int) throws {
        var reader = EventReader()
        var events: [EventReader.Event] = []
        let bytes = Array(Self.stream.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) { events += try reader.take(bytes[start..<min(start + size, bytes.count)]) }
        #expect(events == [.init(id: "3", type: "updated", data: "{\"a\":\n1}"), .init(id: "4", type: "finished", data: "x")])
    }

    @Test("a line without end is no event stream")
    func endless() {
        #expect(throws: ClientFailure.self) {
            var reader = EventReader(); _ = try reader.take(repeatElement(0x61, count: 2 << 20))
        }
    }
}
