import Foundation
import Primitives
import Testing

@testable import ExecutionService

@Suite("reading uploads")
struct UploadReaderTests {
    @Test("plain and gzip files give the same results and the same hash, however they are cut")
    func gzip() throws {
        let xml = Report.generated(500)
        let plain = try read([("a.xml", "", xml)])
        for encoding in ["", "gzip"] {
            for size in [1, 100, 65_536] {
                let folded = try read([("a.xml", encoding, Report.gzip(xml))], pieces: size)
                #expect(folded.batch.results.names == plain.batch.results.names)
                #expect(folded.files.map(\.sha256) == plain.files.map(\.sha256))
                #expect(folded.delta == plain.delta)
            }
        }
        #expect(plain.delta.counts == Counts(passed: 490, failed: 5, errored: 0, skipped: 5, pending: 0))
        #expect(plain.files[0].decodedBytes == Int64(xml.count))
    }

    @Test("what is kept of a file unfolds to what came", arguments: [false, true])
    func raw(isFolded: Bool) throws {
        let xml = Report.generated(30_000)
        let reader = try read([("a.xml", "", isFolded ? Report.gzip(xml) : xml)], limits: IngestLimits(batchRows: .max, batchBytes: .max))
        let chunks = reader.batch.raw
        #expect(chunks.map(\.part) == Array(chunks.indices))
        #expect(chunks.allSatisfy { $0.bytes.count <= RawChunk.size })
        #expect(unfold(chunks.reduce(Data()) { $0 + $1.bytes }) == xml)
    }

    @Test("several gzip members in a row are one file")
    func members() throws {
        let xml = Array(Report.generated(100))
        let folded = Report.gzip(Data(xml[..<1000])) + Report.gzip(Data(xml[1000...]))
        #expect(try read([("a.xml", "", folded)]).accepted == 100)
    }

    @Test("gzip that ends too early keeps what there is and is incomplete")
    func cutGzip() throws {
        let folded = Report.gzip(Report.generated(1000))
        let reader = try read([("a.xml", "gzip", folded.prefix(folded.count / 2))])
        #expect(reader.accepted > 100 && reader.accepted < 1000)
        #expect(reader.delta.incomplete)
        #expect(reader.log.warnings.map(\.code) == ["report.truncated"])
        let trailerless = try read([("a.xml", "gzip", folded.dropLast(4))])
        #expect(trailerless.accepted == 1001 && trailerless.delta.counts.errored == 1)
        #expect(trailerless.files[0].accepted == 1000)
        #expect(trailerless.delta.incomplete)
    }

    @Test("damaged and unknown encodings are refused")
    func encodings() {
        var folded = Report.gzip(Report.generated(1000))
        folded[folded.count / 2] ^= 0xFF
        folded[folded.count / 2 + 1] ^= 0xFF
        #expect(["upload.gzip_corrupt", "report.invalid_utf8"].contains(code([("a.xml", "gzip", folded)])))
        #expect(code([("a.xml", "gzip", Report.generated(10))]) == "upload.gzip_corrupt")
        #expect(code([("a.xml", "br", Report.generated(10))]) == "upload.encoding_unsupported")
        #expect(code([("a.xml", "gzip, gzip", Report.generated(10))]) == "upload.encoding_unsupported")
        #expect(code([("a.xml", "gzip", Report.gzip(Report.gzip(Report.generated(10))))]) == "report.unknown_format")
    }

    @Test("a bomb is refused by its ratio before it has unfolded")
    func bomb() throws {
        // 400 MiB of spaces fold to 0.4 MiB; the reading must stop near the limit.
        let deflater = GzipDeflater()
        var folded = Data()
        let zeros = [UInt8](repeating: 0x20, count: 1 << 20)
        for index in 0..<400 { zeros.withUnsafeBufferPointer { deflater.deflate($0, isLast: index == 399) { folded.append(contentsOf: $0) } } }
        let bomb = Report.gzip(Data("<testsuite>".utf8)) + folded
        let file = try WireFile(name: "bomb", encoding: "gzip", format: nil, limits: .init(), now: Report.now) { 0 }
        file.push(bomb)
        let fault = Report.fault { while case .read = try file.step() {} }
        #expect(fault?.code == "upload.compression_ratio")
        #expect(file.decodedBytes <= Int64(bomb.count) * 100 + Int64(WireFile.stepSize))
        #expect(file.report?.raw.byteCount ?? .max <= bomb.count)
    }

    @Test("limits of size and number hold over all files of an upload")
    func limits() {
        let xml = Report.generated(100)
        let files = [("a.xml", "", xml), ("b.xml", "", xml)]
        #expect(code(files, IngestLimits(wireBytes: Int64(xml.count) + 1)) == "upload.too_large")
        #expect(code(files, IngestLimits(decodedBytes: Int64(xml.count) + 1)) == "upload.too_large")
        #expect(code(files, IngestLimits(cases: 199)) == "upload.too_large")
        #expect(code(files, IngestLimits(files: 1)) == "upload.too_large")
        #expect(code(files, IngestLimits(wireBytes: 2 * Int64(xml.count), decodedBytes: 2 * Int64(xml.count), files: 2, cases: 200)) == nil)
    }

    @Test("a file that is no report is told; when there is no other, the upload is refused")
    func notReports() throws {
        let reader = try read([("notes.txt", "", Data("hello".utf8)), ("a.xml", "", Report.generated(10))])
        #expect(reader.accepted == 10)
        #expect(reader.delta.incomplete)
        #expect(reader.log.warnings.map(\.file) == ["notes.txt"])
        #expect(code([("notes.txt", "", Data("hello".utf8))]) == "report.unknown_format")
        #expect(code([]) == "upload.empty")
    }

    @Test("parts must come in order")
    func order() {
        let orders: [[UploadInput]] = [
            [.data(Data())], [.end], [.file(name: "a", encoding: ""), .file(name: "b", encoding: "")],
            [.file(name: "a", encoding: ""), .end, .end], [.file(name: "a", encoding: "")],
        ]
        for order in orders {
            let reader = UploadReader(project: .new(), now: Report.now)
            let fault = Report.fault {
                for input in order { try reader.take(input) }
                try reader.finish()
            }
            #expect(fault?.code == "upload.parts_out_of_order")
        }
    }

    @Test("batches end near their limit, however much one part unfolds to")
    func batches() throws {
        let reader = UploadReader(project: .new(), limits: IngestLimits(batchRows: 1000), now: Report.now)
        try reader.take(.file(name: "a.xml", encoding: ""))
        try reader.take(.data(Report.gzip(Report.generated(20_000))))
        var sizes: [Int] = []
        while try reader.step() {
            if reader.isFull { sizes.append(reader.takeBatch().results.count) }
        }
        try reader.take(.end)
        sizes.append(reader.takeBatch().results.count)
        #expect(sizes.reduce(0, +) == 20_000)
        #expect(sizes.allSatisfy { $0 < 5000 })
        #expect(sizes.count > 5)
    }

    // MARK: -

    private func read(_ files: [(String, String, Data)], pieces: Int = 256 << 10, limits: IngestLimits = .init()) throws -> UploadReader {
        let reader = UploadReader(project: .new(), limits: limits, now: Report.now)
        for (name, encoding, data) in files {
            try reader.take(.file(name: name, encoding: encoding))
            for piece in stride(from: 0, to: data.count, by: pieces) {
                try reader.take(.data(Data(data.dropFirst(piece).prefix(pieces))))
                while try reader.step() {}
            }
            try reader.take(.end)
        }
        try reader.finish()
        return reader
    }

    private func code(_ files: [(String, String, Data)], _ limits: IngestLimits = .init()) -> String? {
        Report.fault { _ = try read(files, limits: limits) }?.code
    }

    private func unfold(_ data: Data) -> Data {
        let inflater = GzipInflater(file: "")
        var unfolded = Data()
        var rest = Array(data)[...]
        let output = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 65_536)
        defer { output.deallocate() }
        while true {
            guard let step = rest.withUnsafeBufferPointer({ try? inflater.inflate($0, into: output) }), step.consumed + step.produced > 0 else {
                break
            }
            unfolded.append(contentsOf: output[..<step.produced])
            rest = rest.dropFirst(step.consumed)
        }
        return unfolded
    }
}
