/// Results as JUnit XML, one at a time: a new suite begins where the suite's name changes. Numbers of tests are left to the reader, because
/// they are known only at the end.
struct JUnitText {
    private var suite: String?

    static let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"

    mutating func add(_ result: TestResult) -> String {
        var text = ""
        let name = result.suiteName ?? ""
        if suite != name {
            if suite != nil { text += "  </testsuite>\n" }
            text += "  <testsuite\(Self.attribute("name", name))>\n"
            suite = name
        }
        text += "    <testcase\(Self.attribute("name", result.name))"
        if let value = result.className, !value.isEmpty { text += Self.attribute("classname", value) }
        if let seconds = result.seconds { text += Self.attribute("time", Self.decimal(seconds)) }
        if let value = result.file, !value.isEmpty { text += Self.attribute("file", value) }
        if let value = result.line { text += Self.attribute("line", String(value)) }
        let element = ["FAILED": "failure", "ERRORED": "error", "SKIPPED": "skipped"][result.outcome]
        guard let element else { return text + "/>\n" }
        text += "><\(element)"
        if let message = result.message, !message.isEmpty { text += Self.attribute("message", message) }
        if let type = result.type, !type.isEmpty, element != "skipped" { text += Self.attribute("type", type) }
        return text + "/></testcase>\n"
    }

    func end() -> String { (suite == nil ? "" : "  </testsuite>\n") + "</testsuites>\n" }

    /// Up to microseconds, without an exponent.
    static func decimal(_ seconds: Double) -> String {
        let micros = Int64((seconds * 1_000_000).rounded())
        let fraction = String(micros % 1_000_000)
        return "\(micros / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }

    private static func attribute(_ name: String, _ value: String) -> String {
        var text = " \(name)=\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\n": text += "&#10;"
            case "\t": text += "&#9;"
            case "\r": text += "&#13;"
            // Other control characters cannot stand in XML 1.0 in any spelling.
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
