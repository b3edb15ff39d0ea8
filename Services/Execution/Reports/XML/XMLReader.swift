import CReports
import Foundation
import Primitives

/// What the elements of a file mean, to whom `XMLReader` tells them. Called for each element, so they cost what parsing costs.
protocol XMLElements: AnyObject {
    /// What is in the attributes is good during the call only.
    func open(_ name: UnsafePointer<xmlChar>, _ attributes: XMLAttributes)
    func close()
    func characters(_ bytes: UnsafeBufferPointer<UInt8>)
}

/// Reads XML from a stranger as its bytes arrive.
///
/// libxml2's push parser calls back for every element, so a file is never held as a whole. There is no DTD, no entity but the five of XML, and no
/// access to files or the network; depth and attributes have bounds. Not thread-safe; one task feeds it.
final class XMLReader {
    private let sink: ReportSink
    private unowned let elements: any XMLElements
    private let context: xmlParserCtxtPtr
    private var head: [UInt8] = []
    private var stage = Stage.start
    private var lineOffset = 0
    private var depth = 0
    /// How many elements deep in something that is passed over; 0 outside.
    private var quietDepth = 0
    private var refusal: (what: ReportRefusal, line: Int)?
    private var isFinishing = false
    private var invalidCharacters = 0
    private var scratch: [UInt8] = []
    /// The beginning of a character whose end has not arrived; libxml2 would take it for damage, or not, by what else it holds.
    private var tail: [UInt8] = []
    /// Of one byte a character, when the declaration says so; then there is nothing to check.
    private var isUTF8 = true
    /// What libxml2 has now ends where something is no UTF-8: that it ends there is no damage of its own.
    private var isBeforeBad = false

    /// Nothing that follows can change what was read. libxml2 may still call back until the end of the bytes it has.
    private(set) var isOver = false
    /// Why the reading ended before the file did.
    private(set) var damage: Damage?

    private enum Stage { case start, feeding, over }

    struct Damage {
        let line: Int
        let what: String
        /// No markup ends after it: the file was cut off. (When libxml2 says so depends on how the file was cut into pieces.)
        fileprivate(set) var isAtEnd: Bool
    }

    private static let initialized: Void = xmlInitParser()

    /// - Parameter elements: must outlive the reader.
    init(sink: ReportSink, elements: any XMLElements) {
        _ = Self.initialized
        self.sink = sink
        self.elements = elements
        var sax = Self.handlers()
        // Out of memory is the only failure, and then nothing else works either.
        guard let context = xmlCreatePushParserCtxt(&sax, nil, nil, 0, nil) else { fatalError("libxml2 has no memory for a parser") }
        // Recovery means going on after a forbidden character; other damage ends the reading in `reading(_:)`.
        xmlCtxtUseOptions(context, Int32(XML_PARSE_NONET.rawValue | XML_PARSE_RECOVER.rawValue))
        self.context = context
        context.pointee.userData = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        xmlFreeParserCtxt(context)
    }

    /// Holds one copy of every name, so that names can be told apart by their address as long as the reader lives.
    var dictionary: xmlDictPtr? { context.pointee.dict }

    /// The line that is being read, from 1.
    var line: Int { lineOffset + (context.pointee.input.map { Int($0.pointee.line) } ?? 0) }

    /// - Throws: a `ReportRefusal`.
    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        switch stage {
        case .over: return
        case .feeding: try parse(bytes)
        case .start:
            head.append(contentsOf: bytes)
            if head.count >= 4, head.count >= Self.longestDeclaration || Self.declarationEnd(head) != nil { try start() }
        }
    }

    /// - Throws: a `ReportRefusal`.
    func finish() throws(Fault) {
        if stage == .start { try start() }
        isFinishing = true
        if stage == .feeding { try parse(UnsafeBufferPointer(start: nil, count: 0)) }
        if invalidCharacters > 0 {
            sink.warn("report.invalid_character", "\(invalidCharacters) characters that XML does not allow were replaced or left out")
        }
    }

    // MARK: - From the elements' handlers

    /// The element that is being opened, and all in it, are passed over.
    func skip() { quietDepth = 1 }

    /// The same, and it is listed as unknown.
    func passOver(_ name: UnsafePointer<xmlChar>) {
        skip()
        sink.passOver("<\(String(cString: name))>")
    }

    /// The file is something else.
    func stop() {
        isOver = true
        xmlStopParser(context)
    }

    /// Ends the reading with a fault; the first one stands.
    private func refuse(_ what: ReportRefusal) {
        note(what)
        xmlStopParser(context)
    }

    private func note(_ what: ReportRefusal) {
        isOver = true
        if refusal == nil { refusal = (what, line) }
    }

    // MARK: - Feeding libxml2

    /// Looks at the first bytes: libxml2 would switch to UTF-16 by itself, and does not take white space before the declaration.
    private func start() throws(Fault) {
        let wide: [[UInt8]] = [[0xFE, 0xFF], [0xFF, 0xFE], [0x3C, 0x00], [0x00, 0x3C], [0x00, 0x00]]
        if wide.contains(where: head.starts) { throw .forbidden(.encoding, file: sink.file, line: 1) }
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
        // The declaration by itself: what follows is read by the encoding that it names.
        let end = Self.declarationEnd(bytes) ?? 0
        try bytes.withUnsafeBufferPointer { buffer throws(Fault) in
            if end > 0 { try parse(UnsafeBufferPointer(rebasing: buffer[..<end])) }
            if end < buffer.count { try parse(UnsafeBufferPointer(rebasing: buffer[end...])) }
        }
    }

    private static let longestDeclaration = 1 << 10

    /// - Returns: where what follows the XML declaration begins, 0 when there is none, `nil` when more must be seen.
    private static func declarationEnd(_ head: [UInt8]) -> Int? {
        let start = head.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let text = head[start...].drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard text.starts(with: "<?xml".utf8) else { return "<?xml".utf8.starts(with: text) ? nil : 0 }
        guard let end = zip(text.indices, text.indices.dropFirst()).first(where: { text[$0] == UInt8(ascii: "?") && text[$1] == UInt8(ascii: ">") })
        else { return nil }
        return end.1 + 1
    }

    private func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        scrub(bytes)
        // What follows the end of the reading was looked at like everything before it, so that the account is the same however the file is cut.
        guard !isOver else {
            noteMarkup(in: bytes)
            return tail = []
        }
        let checked = isUTF8 ? UTF8Check.wholeCharacters(scratch) : (count: scratch.count, isBad: false)
        // The file is at its end: libxml2 says what it thinks of half a character.
        let count = isFinishing && !checked.isBad ? scratch.count : checked.count
        // libxml2 may hold back what it has until more comes; everything before what is no UTF-8 comes first.
        isBeforeBad = checked.isBad
        scratch.withUnsafeBytes { buffer in
            _ = xmlParseChunk(
                context, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(count), isFinishing || checked.isBad ? 1 : 0)
        }
        tail = Array(scratch[count...])
        tail.withUnsafeBufferPointer { noteMarkup(in: $0) }
        if checked.isBad, !isOver { note(.badUTF8) }
        if let refusal { throw .forbidden(refusal.what, file: sink.file, line: refusal.line) }
    }

    /// Control characters are not allowed in XML, but tools let terminal colours through: they become question marks.
    private func scrub(_ bytes: UnsafeBufferPointer<UInt8>) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: tail)
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

    // MARK: - From libxml2

    private func open(_ name: UnsafePointer<xmlChar>, _ attributes: XMLAttributes) {
        guard !isOver else { return }
        depth += 1
        if depth > sink.limits.depth { return refuse(.depth) }
        if attributes.count > sink.limits.attributes { return refuse(.attributes) }
        if attributes.count > 0, attributes.longest > sink.limits.attributeBytes { return refuse(.attributeBytes) }
        if quietDepth > 0 { quietDepth += 1 } else { elements.open(name, attributes) }
    }

    private func close() {
        guard !isOver else { return }
        depth -= 1
        if quietDepth > 0 { quietDepth -= 1 } else { elements.close() }
    }

    private func characters(_ bytes: UnsafeBufferPointer<UInt8>) {
        if quietDepth == 0, !isOver { elements.characters(bytes) }
    }

    /// The declaration has been read. A declared encoding that is not one of these would be converted by libxml2, with all its tricks.
    private func checkEncoding() {
        let declared = context.pointee.encoding ?? context.pointee.input?.pointee.encoding
        guard let declared = declared.map({ String(cString: $0).lowercased() }) else { return }
        isUTF8 = ["utf-8", "utf8", "us-ascii", "ascii"].contains(declared)
        if !isUTF8, !["iso-8859-1", "latin1", "windows-1252", "cp1252"].contains(declared) { refuse(.encoding) }
    }

    /// - Parameter error: from libxml2; only fatal ones matter, and of these a forbidden character or an entity that nobody declared is passed over.
    private func reading(_ error: xmlError) {
        guard error.level == XML_ERR_FATAL, !isOver else { return }
        // But a wrong end tag is read to its last byte before it is found wrong, whatever follows.
        if isBeforeBad, error.code != Int32(XML_ERR_TAG_NAME_MISMATCH.rawValue), let input = context.pointee.input,
            input.pointee.cur >= input.pointee.end
        {
            return note(.badUTF8)
        }
        let what = error.message.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
        switch xmlParserErrors(UInt32(bitPattern: error.code)) {
        // Before 2.12 bytes that are not UTF-8 have the code of a forbidden character; then libxml2 goes on as if they were Latin-1.
        case XML_ERR_INVALID_CHAR where what.hasPrefix("Input is not proper UTF-8") || (0xD800...0xDFFF).contains(error.int1): note(.badUTF8)
        case XML_ERR_INVALID_CHAR, XML_ERR_INVALID_CHARREF, XML_ERR_UNDECLARED_ENTITY: invalidCharacters += 1
        case XML_ERR_INVALID_ENCODING: note(.badUTF8)
        case XML_ERR_UNKNOWN_ENCODING, XML_ERR_UNSUPPORTED_ENCODING: note(.encoding)
        default:
            damage = Damage(line: line, what: what.isEmpty ? "the XML ends too early" : String(what.prefix(300)), isAtEnd: !isMarkupLeft)
            isOver = true
        }
    }

    /// Of what follows the bytes that libxml2 has.
    private func noteMarkup(in bytes: UnsafeBufferPointer<UInt8>) {
        if damage?.isAtEnd == true, bytes.contains(UInt8(ascii: ">")) { damage?.isAtEnd = false }
    }

    /// Whether markup ends in what libxml2 has and has not read.
    private var isMarkupLeft: Bool {
        guard let input = context.pointee.input?.pointee, let current = input.cur, let end = input.end, current < end else { return false }
        return UnsafeBufferPointer(start: current, count: end - current).contains(UInt8(ascii: ">"))
    }

    private static func handlers() -> xmlSAXHandler {
        var sax = xmlSAXHandler()
        sax.initialized = UInt32(XML_SAX2_MAGIC)
        sax.startDocument = { XMLReader.of($0)?.checkEncoding() }
        sax.internalSubset = { user, _, _, _ in XMLReader.of(user)?.refuse(.doctype) }
        sax.startElementNs = { user, name, _, _, _, _, count, _, attributes in
            guard let name else { return }
            XMLReader.of(user)?.open(name, XMLAttributes(pointers: attributes, count: Int(count)))
        }
        sax.endElementNs = { user, _, _, _ in XMLReader.of(user)?.close() }
        sax.characters = { user, bytes, count in XMLReader.of(user)?.characters(UnsafeBufferPointer(start: bytes, count: Int(count))) }
        sax.cdataBlock = sax.characters
        sax.serror = { user, error in
            guard let error else { return }
            XMLReader.of(user)?.reading(error.pointee)
        }
        return sax
    }

    /// The reader outlives every call of `xmlParseChunk`, during which alone libxml2 calls back.
    private static func of(_ user: UnsafeMutableRawPointer?) -> XMLReader? {
        user.map { Unmanaged<XMLReader>.fromOpaque($0).takeUnretainedValue() }
    }
}
