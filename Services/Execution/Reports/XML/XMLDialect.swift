import CReports
import Primitives

/// One of the XML formats whose reports are read element by element, by name. JUnit, of which there is most, is read by the address of its names.
protocol XMLDialect {
    static var format: ReportFormat { get }
    static var roots: Set<String> { get }
    /// Elements whose text `close` is given.
    static var texts: Set<String> { get }

    init(sink: ReportSink)

    /// - Returns: `false` for an element that is not known: it is listed, and passed over with all that is in it.
    mutating func open(_ element: XMLElement) -> Opening
    /// - Parameter text: of elements in `texts`, trimmed.
    mutating func close(_ name: String, text: String)
    /// The file is at its end; what was held back goes to the sink now.
    mutating func finish()
    /// The report ends inside of a case.
    var isInCase: Bool { get }
}

/// What a dialect makes of an element.
enum Opening {
    case taken
    /// Known, and of no interest.
    case skipped
    /// Listed in the warnings.
    case unknown
}

/// An element as it is opened.
struct XMLElement {
    let name: String
    /// Empty for the root.
    let parent: String
    let line: Int
    let attributes: [String: String]

    subscript(_ name: String) -> String { attributes[name] ?? "" }
}

/// Drives a dialect.
final class XMLDialectParser<Dialect: XMLDialect>: ReportParser, XMLElements {
    let sink: ReportSink
    private var dialect: Dialect
    private var reader: XMLReader?
    private var path: [String] = []
    private var names: [UnsafePointer<xmlChar>: String] = [:]
    private var text: CapturedText
    private var sawRoot = false

    init(sink: ReportSink) {
        self.sink = sink
        dialect = Dialect(sink: sink)
        text = CapturedText(limit: sink.limits.textBytes)
        reader = XMLReader(sink: sink, elements: self)
    }

    func feed(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
        try reader?.feed(bytes)
    }

    func finish() throws(Fault) -> ReportSummary {
        try reader?.finish()
        guard sawRoot else {
            sink.warn("report.unknown_format", "the file is not \(Dialect.format.title) and was not taken")
            return ReportSummary(isReport: false, incomplete: true)
        }
        let cutsCase = dialect.isInCase
        dialect.finish()
        sink.reportUnknown()
        guard let damage = reader?.damage else { return ReportSummary(isReport: true, incomplete: false) }
        let code = path.isEmpty ? "report.trailing_content" : damage.isAtEnd ? "report.truncated" : "report.malformed"
        if code == "report.truncated" { sink.cut = CutReport(within: cutsCase ? "a test" : "") }
        if cutsCase {
            sink.reject(code, line: damage.line, "\(damage.what); what came before was taken")
        } else {
            sink.warn(code, line: damage.line, "\(damage.what); what came before was taken")
        }
        return ReportSummary(isReport: true, incomplete: true)
    }

    // MARK: - From the reader

    func open(_ pointer: UnsafePointer<xmlChar>, _ attributes: XMLAttributes) {
        guard let reader else { return }
        let name = string(pointer)
        if path.isEmpty {
            guard Dialect.roots.contains(name) else { return reader.stop() }
            sawRoot = true
        }
        var values: [String: String] = [:]
        for index in 0..<attributes.count {
            guard let key = attributes.name(index) else { continue }
            let value = attributes.value(index)
            values[string(key)] = XMLAttributes.decode(value).map { String(decoding: $0, as: UTF8.self) } ?? String(decoding: value, as: UTF8.self)
        }
        switch dialect.open(XMLElement(name: name, parent: path.last ?? "", line: reader.line, attributes: values)) {
        case .taken:
            path.append(name)
            if Dialect.texts.contains(name) { _ = text.take() }
        case .skipped: reader.skip()
        case .unknown: reader.passOver(pointer)
        }
    }

    func close() {
        guard let name = path.popLast() else { return }
        var words = ""
        if Dialect.texts.contains(name) {
            if text.isCut {
                sink.warn("case.text_cut", line: reader?.line ?? 0, "a text was cut to \(sink.limits.textBytes) bytes; the raw report has all of it")
            }
            words = text.take()
        }
        dialect.close(name, text: words)
    }

    func characters(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let name = path.last, Dialect.texts.contains(name) { text.append(bytes) }
    }

    /// Names are few and libxml2 keeps each at one address.
    private func string(_ pointer: UnsafePointer<xmlChar>) -> String {
        if let known = names[pointer] { return known }
        let text = String(cString: pointer)
        if names.count < 10_000 { names[pointer] = text }
        return text
    }
}
