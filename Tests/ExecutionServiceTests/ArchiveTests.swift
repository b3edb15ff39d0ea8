import CZlib
import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite("archives and compression")
struct ArchiveTests {
    /// One entry of an archive that is put together by hand, so that it can be wrong.
    struct Entry {
        var name: String
        var body = Data("<testsuite><testcase name='a'/></testsuite>".utf8)
        var method: UInt16 = 0
        var flags: UInt16 = 0
        var checksum: UInt32?
        /// Of the directory.
        var listedName: String?
        var listedSize: UInt32?
        var mode: UInt32 = 0x81A4
    }

    private func zip(_ entries: [Entry]) -> Data {
        var file = Data()
        var directory = Data()
        for entry in entries {
            let checksum =
                entry.checksum ?? UInt32(truncatingIfNeeded: Array(entry.body).withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) })
            let size = UInt32(entry.body.count)
            let offset = UInt32(file.count)
            file += u32(0x0403_4B50) + u16(20) + u16(entry.flags) + u16(entry.method) + u32(0) + u32(checksum) + u32(size) + u32(size)
            file += u16(UInt16(entry.name.utf8.count)) + u16(0) + Data(entry.name.utf8) + entry.body
            let listed = entry.listedName ?? entry.name
            directory += u32(0x0201_4B50) + u16(0x0314) + u16(20) + u16(entry.flags) + u16(entry.method) + u32(0) + u32(checksum) + u32(size)
            directory += u32(entry.listedSize ?? size) + u16(UInt16(listed.utf8.count)) + u16(0) + u16(0) + u16(0) + u16(0) + u32(entry.mode << 16)
            directory += u32(offset) + Data(listed.utf8)
        }
        let count = UInt16(entries.count)
        return file + directory + u32(0x0605_4B50) + u16(0) + u16(0) + u16(count) + u16(count) + u32(UInt32(directory.count))
            + u32(UInt32(file.count)) + u16(0)
    }

    private func u16(_ value: UInt16) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
    private func u32(_ value: UInt32) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }

    private func read(_ data: Data, pieces: Int = 1 << 20, encoding: String = "", _ limits: IngestLimits = .init()) throws -> UploadReader {
        let reader = UploadReader(project: .new(), limits: limits, now: ReportFormatTests.now)
        try reader.take(.file(name: "results", encoding: encoding))
        var rest = data
        while !rest.isEmpty {
            try reader.take(.data(rest.prefix(pieces)))
            rest = rest.dropFirst(pieces)
            while try reader.step() {}
        }
        try reader.take(.end)
        try reader.finish()
        return reader
    }

    private func code(_ data: Data, _ limits: IngestLimits = .init()) -> String? {
        Report.fault { _ = try read(data, limits) }?.code
    }

    @Test("a folder of Allure results in one archive, however it is cut", arguments: [1, 1000, 1 << 20])
    func allure(pieces: Int) throws {
        let reader = try read(Report.fixture("allure-results.zip"), pieces: pieces)
        #expect(reader.accepted == 7)
        #expect(reader.delta.counts == Counts(passed: 3, failed: 1, errored: 1, skipped: 2, pending: 0))
        #expect(!reader.delta.incomplete)
        #expect(reader.files.count { $0.format == .allure } == reader.files.count - 2)
        #expect(reader.log.warnings.map(\.code) == ["upload.entries_passed_over"])
        #expect(reader.files.allSatisfy { $0.name.hasPrefix("results!/") })
    }

    @Test("reports of several formats in one archive")
    func mixed() throws {
        let reader = try read(
            zip([
                Entry(name: "a/junit.xml"), Entry(name: "a/", body: Data()), Entry(name: "b/run.tap", body: Data("1..1\nok 1 - b\n".utf8)),
                Entry(name: "log.txt", body: Data("hello".utf8)), Entry(name: "inner.zip", body: zip([Entry(name: "c.xml")])),
            ]))
        #expect(reader.accepted == 2)
        #expect(reader.files.map(\.format) == [.junit, .tap, nil, nil])
        #expect(!reader.delta.incomplete)
    }

    @Test("what every entry holds is kept")
    func raw() throws {
        let reader = try read(zip([Entry(name: "a.xml"), Entry(name: "b.txt", body: Data("hello".utf8))]))
        #expect(Set(reader.batch.raw.map(\.file)) == [0, 1])
    }

    @Test("archives that lie or lead elsewhere are refused")
    func forbidden() {
        for name in ["../a.xml", "/a.xml", "a/../../b.xml", "C:\\a.xml", "\\a.xml", "a\u{01}.xml", ""] {
            #expect(code(zip([Entry(name: name)])) == "upload.zip_forbidden", "\(name)")
        }
        #expect(code(zip([Entry(name: "a.xml"), Entry(name: "a.xml")])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", mode: 0xA1FF)])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", mode: 0x2000)])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", listedName: "b.xml")])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", listedSize: 7)])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", flags: 1)])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", method: 12)])) == "upload.zip_forbidden")
        #expect(code(zip([Entry(name: "a.xml", flags: 8)])) == "upload.zip_forbidden")
    }

    @Test("damaged archives are refused, and so are halves")
    func damaged() throws {
        #expect(code(zip([Entry(name: "a.xml", checksum: 4711)])) == "upload.zip_corrupt")
        let whole = try Report.fixture("allure-results.zip")
        for end in stride(from: 200, to: whole.count / 2, by: 97) { #expect(code(whole.prefix(end)) == "upload.zip_corrupt", "cut at \(end)") }
    }

    @Test("bombs and masses of entries are refused before they cost anything")
    func bombs() {
        let many = zip((0..<20).map { Entry(name: "\($0).xml") })
        #expect(code(many, IngestLimits(entries: 19)) == "upload.too_large")
        var folded = Report.gzip(Data(repeating: 0x20, count: 8 << 20))
        // The deflate stream without gzip's header and trailer.
        folded = folded.dropFirst(10).dropLast(8)
        #expect(code(zip([Entry(name: "a.xml", body: Data(folded), method: 8)])) == "upload.compression_ratio")
        #expect(code(many, IngestLimits(decodedBytes: 100)) == "upload.too_large")
    }

    @Test("zstd, told or not", arguments: ["", "zstd"], [1, 1 << 20])
    func zstd(encoding: String, pieces: Int) throws {
        let folded = try Report.fixture("pytest.xml.zst")
        let plain = try read(Report.fixture("pytest.xml"))
        let reader = try read(folded, pieces: pieces, encoding: encoding)
        #expect(reader.batch.results.names == plain.batch.results.names)
        #expect(reader.files.map(\.sha256) == plain.files.map(\.sha256))
    }

    @Test("zstd that is damaged is refused, that is cut keeps what there is")
    func damagedZstd() throws {
        var folded = try Report.fixture("pytest.xml.zst")
        let cut = Report.fault { _ = try read(folded.prefix(folded.count / 2)) }
        #expect(cut == nil || cut?.code == "report.unknown_format")
        folded[folded.count / 2] ^= 0xFF
        folded[folded.count / 2 + 1] ^= 0xFF
        #expect(["upload.zstd_corrupt", "report.invalid_utf8", nil].contains(code(folded)))
        #expect(Report.fault { _ = try read(Data("<testsuite/>".utf8), encoding: "zstd") }?.code == "upload.zstd_corrupt")
    }
}
