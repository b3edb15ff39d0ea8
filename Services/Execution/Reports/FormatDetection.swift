import Primitives

/// Tells from the beginning of a file which format it is. Names of files are not asked: they are anybody's choice.
struct FormatDetection {
    /// What is looked at, in bytes.
    static let headSize = 64 << 10

    enum Answer: Equatable {
        case format(ReportFormat)
        /// Of no format that is read.
        case unknown
        case needsMore
    }

    /// - Parameter isWhole: there is no more of the file.
    static func detect(_ head: [UInt8], isWhole: Bool) -> Answer {
        var text = head[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        // UTF-16 is refused by the XML reader, which says so.
        let wide: [[UInt8]] = [[0xFE, 0xFF], [0xFF, 0xFE], [0x3C, 0x00], [0x00, 0x3C]]
        if wide.contains(where: head.starts) { return .format(.junit) }
        text = text.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let isLast = isWhole || head.count >= headSize
        guard let first = text.first else { return isLast ? .unknown : .needsMore }
        let answer =
            switch first {
            case UInt8(ascii: "<"): xml(text)
            case UInt8(ascii: "{"), UInt8(ascii: "["): json(text, isLast: isLast)
            default: lines(text, isLast: isLast)
            }
        return answer == .needsMore && isLast ? .unknown : answer
    }

    // MARK: - XML

    /// The root element says it.
    private static func xml(_ text: ArraySlice<UInt8>) -> Answer {
        var rest = text
        while true {
            rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
            guard rest.count >= 4 else { return .needsMore }
            guard rest.first == UInt8(ascii: "<") else { return .unknown }
            if rest.starts(with: "<?".utf8) {
                guard let end = find("?>", in: rest) else { return .needsMore }
                rest = rest[end...]
            } else if rest.starts(with: "<!--".utf8) {
                guard let end = find("-->", in: rest) else { return .needsMore }
                rest = rest[end...]
            } else if rest.starts(with: "<!".utf8) {
                // A DOCTYPE: the reader refuses it.
                return .format(.junit)
            } else {
                break
            }
        }
        let name = rest.dropFirst().prefix { !($0 == 0x20 || (0x09...0x0D).contains($0) || $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "/")) }
        guard name.endIndex < rest.endIndex else { return .needsMore }
        switch String(decoding: name.split(separator: UInt8(ascii: ":")).last ?? [], as: UTF8.self) {
        case "testsuites", "testsuite", "testrun": return .format(.junit)
        case "TestRun": return .format(.trx)
        case "test-run", "test-results", "test-suite": return .format(.nunit)
        case "assemblies", "assembly": return .format(.xunit)
        case "testResult": return .format(.jenkins)
        // Anybody's word, but what Jenkins writes behind it.
        case "result":
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return .needsMore }
            let next = rest[(end + 1)...].drop { $0 == 0x20 || (0x09...0x0D).contains($0) }.prefix("<suites".utf8.count)
            if next.elementsEqual("<suites".utf8) { return .format(.jenkins) }
            return "<suites".utf8.starts(with: next) ? .needsMore : .unknown
        default: return .unknown
        }
    }

    /// - Returns: what follows it.
    private static func find(_ mark: String, in text: ArraySlice<UInt8>) -> Int? {
        let mark = Array(mark.utf8)
        guard text.count >= mark.count else { return nil }
        for index in text.startIndex...(text.endIndex - mark.count) where text[index...].starts(with: mark) { return index + mark.count }
        return nil
    }

    // MARK: - JSON

    /// Formats of one object a line are told by their first lines, documents by the names of their first members.
    private static func json(_ text: ArraySlice<UInt8>, isLast: Bool) -> Answer {
        if let end = text.firstIndex(of: 0x0A) ?? (isLast ? text.endIndex : nil), let format = lineFormat(text[..<end]) { return .format(format) }
        var records = JSONRecords([], limits: IngestLimits())
        text.withUnsafeBufferPointer { _ = records.feed($0) }
        if records.topNames.contains("content"), records.elementNames.contains("launchId") { return .format(.reportportal) }
        if let format = documentFormat(records.topNames, isArray: text.first == UInt8(ascii: "[")) { return .format(format) }
        // An array of Flutter's own events may stand before the first line that counts.
        return text.first == UInt8(ascii: "[") ? lines(text, isLast: isLast) : .needsMore
    }

    private static func lineFormat(_ line: ArraySlice<UInt8>) -> ReportFormat? {
        guard line.first == UInt8(ascii: "{"), let record = try? JSONParser.parse(line) else { return nil }
        if record["Action"] != nil, ["Package", "ImportPath", "Test"].contains(where: { record[$0] != nil }) { return .gotest }
        if record["protocolVersion"] != nil || (record["type"] != nil && record["time"] != nil) { return .dart }
        return nil
    }

    /// - Parameter names: of the root's members, and with a slash before them those of their members, in the order of the text.
    private static func documentFormat(_ names: [String], isArray: Bool) -> ReportFormat? {
        func has(_ all: String...) -> Bool { all.allSatisfy(names.contains) }
        if isArray { return names.contains { ["/elements", "/keyword"].contains($0) } && has("/uri") || has("/elements") ? .cucumber : nil }
        if has("runs"), has("version") || has("$schema") { return .sarif }
        if has("results"), has("/tool") || has("/tests") || has("reportFormat") { return .ctrf }
        if has("stats"), has("tests") || has("passes") || has("failures") || has("pending") { return .mocha }
        if has("testResults"), has("knownTestCaseIds") || has("uuid") { return .allurehistory }
        if has("testResults") || has("numTotalTests") || has("numFailedTestSuites") { return .jest }
        if has("examples"), has("version") || has("summary_line") || has("summary") || has("seed") { return .rspec }
        if has("created", "exitcode") || has("exitcode", "tests") || has("created", "collectors") { return .pytest }
        if has("uuid") || has("historyId") || has("testCaseId"), has("status") || has("stage") || has("befores") || has("children") { return .allure }
        return nil
    }

    // MARK: - Lines

    /// TAP, or JSON lines behind something that the tool printed before them.
    private static func lines(_ text: ArraySlice<UInt8>, isLast: Bool) -> Answer {
        var rest = text
        while let end = rest.firstIndex(of: 0x0A) ?? (isLast && !rest.isEmpty ? rest.endIndex : nil) {
            let line = rest[..<end]
            if let format = lineFormat(line) { return .format(format) }
            if let statement = Statement(String(decoding: line.drop { $0 == 0x20 }.prefix { $0 != 0x0D }, as: UTF8.self)[...]) {
                switch statement {
                case .version, .plan, .bailOut: return .format(.tap)
                // `ok  ⇥example.com/shop⇥0.1s` is what Go prints for people.
                case .point where !line.contains(0x09): return .format(.tap)
                case .point, .pragma, .comment, .closeBuffered: break
                }
            }
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
        }
        return .needsMore
    }
}
