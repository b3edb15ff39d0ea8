import ExecutionAPI
import Foundation
import NIOCore
import Primitives
import Testing

@testable import GatewayService

@Suite("Multipart")
struct MultipartTests {
    /// Parts as they come out, whatever the pieces were.
    struct Part: Equatable {
        let name: String
        let filename: String?
        var content: String
    }

    private func parse(_ body: [UInt8], boundary: String, pieces: [Int]) throws -> [Part] {
        var parser = MultipartParser(boundary: boundary)
        var parts: [Part] = []
        var ended = 0
        var offset = 0
        var sizes = pieces
        while offset < body.count {
            let size = max(1, min(sizes.isEmpty ? body.count : sizes.removeFirst(), body.count - offset))
            parser.append(ByteBuffer(bytes: body[offset..<offset + size]))
            offset += size
            while let event = try parser.next() {
                switch event {
                case .part(let headers): parts.append(Part(name: headers.name, filename: headers.filename, content: ""))
                case .data(let bytes): parts[parts.count - 1].content += String(buffer: bytes)
                case .endOfPart: ended += 1
                case .end: break
                }
            }
        }
        try parser.finish()
        #expect(ended == parts.count)
        return parts
    }

    private let body = Array(
        ("preamble\r\n--B-1\r\nContent-Disposition: form-data; name=\"data\"; filename=\"a.xml\"\r\nContent-Type: application/xml\r\n\r\n"
            + "<a>\r\n--B\r\n-\r\r\n--B-</a>\r\n--B-1 \t\r\nContent-Disposition: form-data; name=\"format\"\r\n\r\njunit\r\n--B-1\r\n"
            + "content-disposition:form-data;name=empty\r\n\r\n\r\n--B-1--\r\nepilogue").utf8)
    private let expected = [
        Part(name: "data", filename: "a.xml", content: "<a>\r\n--B\r\n-\r\r\n--B-</a>"), Part(name: "format", filename: nil, content: "junit"),
        Part(name: "empty", filename: nil, content: ""),
    ]

    @Test("the parts are the same wherever the body is split")
    func everySplit() throws {
        #expect(try parse(body, boundary: "B-1", pieces: []) == expected)
        for first in 1..<body.count { #expect(try parse(body, boundary: "B-1", pieces: [first]) == expected, "\(first)") }
        #expect(try parse(body, boundary: "B-1", pieces: Array(repeating: 1, count: body.count)) == expected)
        for first in stride(from: 1, to: body.count, by: 7) {
            for second in 1...12 { #expect(try parse(body, boundary: "B-1", pieces: [first, second]) == expected) }
        }
    }

    @Test("random bytes between delimiters come through unchanged")
    func randomContent() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let alphabet: [UInt8] = [13, 10, 45, 66, 97, 0, 255]
            let content = (0..<Int.random(in: 0...300, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            let text = Array("\r\n--BaB".utf8)
            guard !(content + [13]).indices.contains(where: { content[$0...].starts(with: text) }) else { continue }
            var parser = MultipartParser(boundary: "BaB")
            var found: [UInt8] = []
            let whole = Array("--BaB\r\nContent-Disposition: form-data; name=f\r\n\r\n".utf8) + content + Array("\r\n--BaB--".utf8)
            var offset = 0
            while offset < whole.count {
                let size = min(Int.random(in: 1...40, using: &random), whole.count - offset)
                parser.append(ByteBuffer(bytes: whole[offset..<offset + size]))
                offset += size
                while let event = try parser.next() { if case .data(let bytes) = event { found += Array(bytes.readableBytesView) } }
            }
            try parser.finish()
            #expect(found == content)
        }
    }

    @Test(
        "a body that is not multipart is refused",
        arguments: [
            "", "nothing", "--B\r\n", "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
            "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--B",
            "--B\r\n\r\nx\r\n--B--", "--B\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--B--", "--Bx\r\n",
            "--B\r\nno colon\r\n\r\n\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--B--",
        ])
    func refused(text: String) {
        #expect(throws: Fault.self) { try parse(Array(text.utf8), boundary: "B", pieces: []) }
    }

    @Test("headers, preamble and the number of parts are bounded")
    func bounds() {
        let long = "--B\r\nX: " + String(repeating: "x", count: 9_000)
        #expect(throws: Fault.self) { try parse(Array(long.utf8), boundary: "B", pieces: []) }
        let preamble = String(repeating: "p", count: 9_000)
        #expect(throws: Fault.self) { try parse(Array(preamble.utf8), boundary: "B", pieces: []) }
        let part = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"
        let many = String(repeating: part, count: 1_001) + "--B--"
        #expect(throws: Fault(.invalid, "upload.too_many_parts", "A multipart body can have at most 1000 parts.")) {
            try parse(Array(many.utf8), boundary: "B", pieces: [])
        }
    }

    @Test(
        "header parameters are read as browsers write them",
        arguments: [
            (#"form-data; name="a b"; filename="C:\dir\x.xml""#, "a b", #"C:\dir\x.xml"#),
            (#"form-data; name="q\"q"; filename=plain"#, #"q"q"#, "plain"),
            (#"FORM-DATA ; NAME=x ; filename="""#, "x", ""), (#"form-data; name="ä;b""#, "ä;b", nil),
        ] as [(String, String, String?)])
    func parameters(text: String, name: String, filename: String?) {
        let parameters = HeaderParameters(text)
        #expect(parameters?.value == "form-data")
        #expect(parameters?["name"] == name)
        #expect(parameters?["filename"] == filename)
    }
}

@Suite("Upload fields")
struct UploadFieldsTests {
    @Test("Buildkite's names and ours are understood")
    func names() throws {
        var fields = UploadFields()
        for (name, value) in [
            ("format", "junit"), ("run_env[CI]", "buildkite"), ("run_env[key]", "k1"), ("run_env[number]", "42"), ("run_env[branch]", "main"),
            ("run_env[commit_sha]", "abc"), ("run_env[url]", "https://x"), ("run_env[job_id]", "j"), ("run_env[message]", "m"),
            ("run_env[collector]", "rspec"),
            ("tags[team]", "core"), ("name", "nightly"), ("environment", "staging"),
        ] { try fields.set(name, to: value) }
        let start = fields.start(project: "prj_x", storageExhausted: false)
        #expect(start.ci.name == "buildkite" && start.ci.key == "k1" && start.ci.number == "42" && start.ci.jobID == "j" && start.ci.message == "m")
        #expect(start.branch == "main" && start.commitSha == "abc" && start.tags == ["team": "core"] && start.name == "nightly")
        #expect(start.environment == "staging" && start.format == "junit" && start.project == "prj_x")
        #expect(UploadFields().start(project: "p", storageExhausted: false).format == "auto")
    }

    @Test(
        "other names, repetitions and wrong values are refused",
        arguments: [
            ("nonsense", "x", "request.unknown_parameter"), ("tags[]", "x", "request.invalid"), ("tag[a]", "x", "request.unknown_parameter"),
            ("run_env", "x", "request.unknown_parameter"), ("name", "a\u{0}", "request.invalid"),
            ("name", String(repeating: "x", count: 4_097), "request.invalid"),
        ])
    func refused(name: String, value: String, code: String) throws {
        var fields = UploadFields()
        let fault = #expect(throws: Fault.self) { try fields.set(name, to: value) }
        #expect(fault?.code == code)
        var twice = UploadFields()
        try twice.set("name", to: "a")
        #expect(throws: Fault.duplicateParameter("name")) { try twice.set("name", to: "a") }
    }
}
