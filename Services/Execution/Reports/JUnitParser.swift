import CReports
import Foundation
import Primitives

/// Reads JUnit XML as its bytes arrive, in any dialect; no schema of it exists (testmoapp/junitxml describes the common form).
///
/// libxml2's push parser calls back for every element, so a file is never held as a whole. There is no DTD, no entity but the five of XML, and no
/// access to files or the network. `JUnitParser+Elements.swift` gives the elements their meaning. Not thread-safe; one task feeds it.
final class JUnitParser {
    let file: String
    let limits: IngestLimits
    /// Timestamps of the report are held against it.
    let now: Date

    /// Cases that are complete; who feeds takes them out.
    var cases: [ReportedCase] = []
    var log = WarningLog()
    /// Test records that could not be taken.
    var rejected = 0

    // What the elements' handlers know.
    var nodes: [Node] = []
    var suites: [SuiteFrame] = []
    /// How many elements deep in something that is passed over; 0 outside.
    var quietDepth = 0
    var depth = 0
    var current = ReportedCase()
    var message = ""
    var type = ""
    var text: CapturedText
    var classNames = RepeatedText()
    var files = RepeatedText()
    var unknown: [String: Int] = [:]
    var suiteOutput = 0
    var sawRoot = false

    private(set) var names: JUnitNames
    private let context: xmlParserCtxtPtr
    private var head: [UInt8] = []
    private var stage = Stage.start
    private var lineOffset = 0
    private var refusal: (what: ReportRefusal, line: Int)?
    private var damage: Damage?
    private var isFinishing = false
    private var invalidCharacters = 0
    private var scratch: [UInt8] = []

    /// Where in the report the parser is.
    enum Node { case suites, suite, testcase, outcome(Outcome), systemOut, systemErr }

    struct SuiteFrame {
        let name: String
        let file: String
        let startedAt: Date?
    }

    private enum Stage { case start, feeding, over }

    private struct Damage {
        let line: Int
        let what: String
        /// Found when there were no more bytes: the file was cut off.
        let isAtEnd: Bool
    }

    private static let initialized: Void = xmlInitParser()

    init(file: String, limits: IngestLimits = .init(), now: Date) {
        _ = Self.initialized
        self.file = file
        self.limits = limits
        self.now = now
        text = CapturedText(limit: limits.textBytes)
        var sax = Self.handlers()
        // Out of memory is the only failure, and then nothing else works either.
        guard let context = xmlCreatePushParserCtxt(&sax, nil, nil, 0, nil) else { fatalError("libxml2 has no memory for a parser") }
        // Recovery means going on after a forbidden character; other damage ends the reading in `reading(_:)`.
        xmlCtxtUseOptions(context, Int32(XML_PARSE_NONET.rawValue | XML_PARSE_RECOVER.rawValue))
        self.context = context
        names = JUnitNames(dictionary: context.pointee.dict)
        context.pointee.userData = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        xmlFreeParserCtxt(context)
    }

    /// The line that is being read, from 1.
    var line: Int { lineOffset + (context.pointee.input.map { Int($0.pointee.line) } ?? 0) }

    /// Nothing that follows can change what was read. libxml2 may still call back until the end of the bytes it has.
    private(set) var isOver = false

    /// - Parameter bytes: decoded; any division of the file gives the same cases.
    /// - Throws: a `ReportRefusal`.
    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        switch stage {
        case .over: return
        case .feeding: if !isOver { try parse(bytes) }
        case .start:
            head.append(contentsOf: bytes)
            if head.count >= 4 { try start() }
        }
    }

    /// The file is at its end. Everything complete stays; what is missing is told as a warning.
    func finish() throws(Fault) -> ReportSummary {
        if stage == .start { try start() }
        isFinishing = true
        if stage == .feeding, !isOver { try parse(UnsafeBufferPointer(start: nil, count: 0)) }
        guard sawRoot else {
            log.add("report.not_junit", file: file, line: 0, "the file is not JUnit XML and was not taken")
            return ReportSummary(isReport: false, incomplete: true)
        }
        if invalidCharacters > 0 {
            log.add(
                "report.invalid_character", file: file, line: 0, "\(invalidCharacters) characters that XML does not allow were replaced or left out")
        }
        if suiteOutput > 0 {
            log.add("suite.output_ignored", file: file, line: 0, "output of \(suiteOutput) suites as a whole is kept in the raw report only")
        }
        for (name, count) in unknown.sorted(by: { $0.key < $1.key }) {
            log.add("report.unknown_element", file: file, line: 0, "<\(name)> is not known and was passed over, \(count) times")
        }
        if let damage {
            let code = nodes.isEmpty ? "report.trailing_content" : damage.isAtEnd ? "report.truncated" : "report.malformed"
            log.add(code, file: file, line: damage.line, "\(damage.what); what came before was taken")
            if nodes.contains(where: { if case .testcase = $0 { true } else { false } }) { rejected += 1 }
        }
        return ReportSummary(isReport: true, incomplete: damage != nil)
    }

    // MARK: - Feeding libxml2

    /// Looks at the first bytes: libxml2 would switch to UTF-16 by itself, and does not take white space before the declaration.
    private func start() throws(Fault) {
        let wide: [[UInt8]] = [[0xFE, 0xFF], [0xFF, 0xFE], [0x3C, 0x00], [0x00, 0x3C], [0x00, 0x00]]
        if wide.contains(where: head.starts) { throw .forbidden(.encoding, file: file, line: 1) }
        if head.starts(with: [0xEF, 0xBB, 0xBF]) { head.removeFirst(3) }
        let space = head.prefix { $0 == 0x20 || (0x09...0x0D).contains($0) }
        lineOffset += space.count { $0 == UInt8(ascii: "\n") }
        head.removeFirst(space.count)
        guard let first = head.first else { return }
        guard first == UInt8(ascii: "<") else {
            stage = .over
            return
        }
        stage = .feeding
        let bytes = head
        head = []
        try bytes.withUnsafeBufferPointer { buffer throws(Fault) in try parse(buffer) }
    }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        scrub(bytes)
        scratch.withUnsafeBytes { buffer in
            _ = xmlParseChunk(
                context, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), isFinishing ? 1 : 0)
        }
        if let refusal { throw .forbidden(refusal.what, file: file, line: refusal.line) }
    }

    /// Control characters are not allowed in XML, but tools let terminal colours through: they become question marks.
    private func scrub(_ bytes: UnsafeBufferPointer<UInt8>) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: bytes)
        var replaced = 0
        scratch.withUnsafeMutableBufferPointer { buffer in
            for index in buffer.indices where buffer[index] < 0x20 {
                let byte = buffer[index]
                if byte == 0x0A || byte == 0x0D || byte == 0x09 { continue }
                buffer[index] = UInt8(ascii: "?")
                replaced += 1
            }
        }
        invalidCharacters += replaced
    }

    // MARK: - From the handlers

    /// Ends the reading with a fault; the first one stands.
    func refuse(_ what: ReportRefusal) {
        note(what)
        xmlStopParser(context)
    }

    func stopAtWrongRoot() {
        isOver = true
        xmlStopParser(context)
    }

    private func note(_ what: ReportRefusal) {
        isOver = true
        if refusal == nil { refusal = (what, line) }
    }

    /// The declaration has been read. A declared encoding that is not one of these would be converted by libxml2, with all its tricks.
    fileprivate func checkEncoding() {
        let declared = context.pointee.encoding ?? context.pointee.input?.pointee.encoding
        guard let declared else { return }
        let known = ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252"]
        if !known.contains(String(cString: declared).lowercased()) { refuse(.encoding) }
    }

    /// - Parameter error: from libxml2; only fatal ones matter, and of these a forbidden character or an entity that nobody declared is passed over.
    fileprivate func reading(_ error: xmlError) {
        guard error.level == XML_ERR_FATAL, !isOver else { return }
        let what = error.message.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
        switch xmlParserErrors(UInt32(bitPattern: error.code)) {
        // Before 2.12 bytes that are not UTF-8 have the code of a forbidden character; then libxml2 goes on as if they were Latin-1.
        case XML_ERR_INVALID_CHAR where what.hasPrefix("Input is not proper UTF-8") || (0xD800...0xDFFF).contains(error.int1): note(.badUTF8)
        case XML_ERR_INVALID_CHAR, XML_ERR_INVALID_CHARREF, XML_ERR_UNDECLARED_ENTITY: invalidCharacters += 1
        case XML_ERR_INVALID_ENCODING: note(.badUTF8)
        case XML_ERR_UNKNOWN_ENCODING, XML_ERR_UNSUPPORTED_ENCODING: note(.encoding)
        default:
            damage = Damage(line: line, what: what.isEmpty ? "the XML ends too early" : String(what.prefix(300)), isAtEnd: isFinishing)
            isOver = true
        }
    }

    private static func handlers() -> xmlSAXHandler {
        var sax = xmlSAXHandler()
        sax.initialized = UInt32(XML_SAX2_MAGIC)
        sax.startDocument = { JUnitParser.of($0)?.checkEncoding() }
        sax.internalSubset = { user, _, _, _ in JUnitParser.of(user)?.refuse(.doctype) }
        sax.startElementNs = { user, name, _, _, _, _, count, _, attributes in
            guard let name else { return }
            JUnitParser.of(user)?.open(name, JUnitAttributes(pointers: attributes, count: Int(count)))
        }
        sax.endElementNs = { user, _, _, _ in JUnitParser.of(user)?.close() }
        sax.characters = { user, bytes, count in JUnitParser.of(user)?.characters(UnsafeBufferPointer(start: bytes, count: Int(count))) }
        sax.cdataBlock = sax.characters
        sax.serror = { user, error in
            guard let error else { return }
            JUnitParser.of(user)?.reading(error.pointee)
        }
        return sax
    }

    /// The parser outlives every call of `xmlParseChunk`, during which alone libxml2 calls back.
    private static func of(_ user: UnsafeMutableRawPointer?) -> JUnitParser? {
        user.map { Unmanaged<JUnitParser>.fromOpaque($0).takeUnretainedValue() }
    }
}

/// What is to be said of one file once it has been read.
struct ReportSummary: Equatable {
    let isReport: Bool
    /// Cut off, broken, or no report at all.
    let incomplete: Bool
}
