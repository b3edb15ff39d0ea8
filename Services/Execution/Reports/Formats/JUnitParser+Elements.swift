import CReports
import Foundation

// What the elements mean.
extension JUnitParser {
    func open(_ name: UnsafePointer<xmlChar>, _ attributes: XMLAttributes) {
        let element = names.element(name)
        switch (nodes.last, element) {
        case (.suites, .testcase), (.suite, .testcase): openCase(attributes)
        case (nil, .testsuites), (nil, .testrun):
            sawRoot = true
            suites.append(SuiteFrame())
            nodes.append(.suites)
        case (nil, .testsuite), (.suites, .testsuite), (.suite, .testsuite):
            sawRoot = true
            openSuite(attributes)
        case (nil, _): stop()
        case (.testcase, .failure): openOutcome(.failed, attributes)
        case (.testcase, .error): openOutcome(.errored, attributes)
        case (.testcase, .skipped): openOutcome(.skipped, attributes)
        case (.testcase, .systemOut): nodes.append(.systemOut)
        case (.testcase, .systemErr): nodes.append(.systemErr)
        case (.testcase, .properties): nodes.append(.properties)
        case (.properties, .property): openProperty(attributes)
        // Surefire: it failed and passed when it was tried again; that is a pass.
        case (.testcase, .flakyFailure): openAttempt(.failed, isRerun: false, attributes)
        case (.testcase, .flakyError): openAttempt(.errored, isRerun: false, attributes)
        // Surefire: the tries after the first failure, which failed too.
        case (.testcase, .rerunFailure): openAttempt(.failed, isRerun: true, attributes)
        case (.testcase, .rerunError): openAttempt(.errored, isRerun: true, attributes)
        case (.attempt, .stackTrace): nodes.append(.stackTrace)
        case (.attempt, .systemOut), (.attempt, .systemErr): skip()
        case (.suites, .properties), (.suite, .properties): nodes.append(.properties)
        case (.suites, .systemOut), (.suite, .systemOut): nodes.append(.systemOut)
        case (.suites, .systemErr), (.suite, .systemErr): nodes.append(.systemErr)
        default:
            passOver(name)
        }
    }

    func close() {
        switch nodes.popLast() {
        case .testcase: closeCase()
        case .outcome(let outcome): closeOutcome(outcome)
        case .attempt(let outcome, let isRerun): closeAttempt(outcome, isRerun: isRerun)
        case .systemOut: closeOutput(\.systemOut)
        case .systemErr: closeOutput(\.systemErr)
        case .property(let name, let value): closeProperty(name, value)
        case .suite, .suites: closeSuite()
        case .stackTrace, .properties, nil: break
        }
    }

    func characters(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch nodes.last {
        case .outcome, .attempt, .stackTrace, .systemOut, .systemErr, .property: text.append(bytes)
        case .suites, .suite, .testcase, .properties, nil: break
        }
    }

    // MARK: - Suites and cases

    private func openSuite(_ attributes: XMLAttributes) {
        var name = ""
        var file = ""
        var startedAt: Date?
        var host = ""
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            let value = attributes.value(index)
            switch attribute {
            case .name: name = self.name(value)
            case .file: file = self.name(value)
            case .timestamp: startedAt = sink.time(value, line: line)
            case .hostname: host = hosts.string(value, make: self.name)
            default: break
            }
        }
        let outer = suites.last
        suites.append(
            SuiteFrame(
                name: name.isEmpty ? outer?.name ?? "" : name, file: file.isEmpty ? outer?.file ?? "" : file,
                startedAt: startedAt ?? outer?.startedAt, host: host.isEmpty ? outer?.host ?? "" : host))
        nodes.append(.suite)
    }

    func closeSuite() {
        guard var frame = suites.popLast() else { return }
        frame.said.name = frame.name
        sink.add(frame.said, isCut: frame.isCut, line: line)
    }

    /// What is open is part of a case, not of a suite as a whole.
    private var isInCase: Bool { nodes.contains { if case .testcase = $0 { true } else { false } } }

    private func addToSuite(_ add: (inout ReportedSuite) -> Bool) {
        guard let index = suites.indices.last else { return }
        if !add(&suites[index].said) { suites[index].isCut = true }
    }

    private func openCase(_ attributes: XMLAttributes) {
        nodes.append(.testcase)
        current = ReportedCase()
        if let suite = suites.last {
            current.suiteName = suite.name
            current.file = suite.file
            current.startedAt = suite.startedAt
            current.host = suite.host
        }
        var isSkipped = false
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            let value = attributes.value(index)
            switch attribute {
            case .name: current.name = name(value)
            case .classname: current.className = classNames.string(value, make: name)
            case .class: if current.className.isEmpty { current.className = classNames.string(value, make: name) }
            case .time: current.microseconds = sink.microseconds(value, line: line)
            case .file: current.file = files.string(value, make: name)
            case .line: current.line = Int32(String(decoding: value, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
            case .timestamp: if let time = sink.time(value, line: line) { current.startedAt = time }
            // GoogleTest and CTest say so in an attribute, without an element.
            case .status, .result: isSkipped = isSkipped || Self.skippedWords.contains(String(decoding: value.prefix(16), as: UTF8.self))
            case .message, .type, .value, .hostname: break
            }
        }
        if isSkipped { current.outcome = .skipped }
    }

    private static let skippedWords: Set<String> = ["notrun", "disabled", "suppressed", "skipped", "ignored"]

    private func closeCase() {
        if current.name.isEmpty { current.name = current.className }
        if current.name.isEmpty {
            current.name = "(no name)"
            sink.warn("case.name_missing", line: line, "a test case has neither a name nor a class name")
        }
        sink.cases.append(current)
    }

    // MARK: - Outcomes and output

    private func openOutcome(_ outcome: Outcome, _ attributes: XMLAttributes) {
        nodes.append(.outcome(outcome))
        message = ""
        type = ""
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            switch attribute {
            case .message: message = string(attributes.value(index), limit: sink.limits.textBytes, cut: "case.text_cut", "a message")
            case .type: type = name(attributes.value(index))
            default: break
            }
        }
    }

    private func openAttempt(_ outcome: Outcome, isRerun: Bool, _ attributes: XMLAttributes) {
        openOutcome(outcome, attributes)
        nodes.removeLast()
        nodes.append(.attempt(outcome, isRerun: isRerun))
    }

    private func closeAttempt(_ outcome: Outcome, isRerun: Bool) {
        // A case that has nothing but reruns failed; the first of them stands.
        guard !isRerun || current.outcome.isTrouble else { return closeOutcome(outcome) }
        if text.isCut { logCut("a failure's text") }
        current.add(ResultExtras.Attempt(outcome: outcome, message: message, type: type, trace: text.take()), sink.limits)
    }

    private func openProperty(_ attributes: XMLAttributes) {
        var (property, value) = ("", "")
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            switch attribute {
            case .name: property = name(attributes.value(index))
            case .value: value = string(attributes.value(index), limit: sink.limits.nameBytes, cut: "case.text_cut", "a property")
            default: break
            }
        }
        nodes.append(.property(property, value))
    }

    private func closeProperty(_ name: String, _ value: String) {
        let words = text.take()
        let value = value.isEmpty ? words : value
        guard isInCase else { return addToSuite { $0.add(property: name, Excerpt.of(value, limit: sink.limits.nameBytes), sink.limits) } }
        if name == "attachment" { current.add(attachment: value, sink.limits) } else { current.add(property: name, value, sink.limits) }
    }

    /// Several outcomes of one case: the heaviest stands with its message, the words of the others join the trace.
    private func closeOutcome(_ outcome: Outcome) {
        if text.isCut { logCut("a failure's text") }
        let words = text.take()
        var texts = current.texts ?? ResultTexts()
        let isFirst = texts.message.isEmpty && texts.type.isEmpty && texts.trace.isEmpty
        if isFirst || outcome.weight > current.outcome.weight {
            texts.trace = joined(texts.trace, [isFirst ? "" : texts.message, words])
            texts.message = message
            texts.type = type
        } else {
            texts.trace = joined(texts.trace, [message, words])
        }
        if outcome.weight > current.outcome.weight { current.outcome = outcome }
        if !texts.isEmpty { current.texts = texts }
    }

    private func closeOutput(_ field: WritableKeyPath<ResultTexts, String>) {
        if text.isCut { logCut("output") }
        let words = text.take()
        guard !words.isEmpty else { return }
        guard isInCase else { return addToSuite { $0.add(output: words, to: field == \.systemOut ? \.systemOut : \.systemErr, sink.limits) } }
        var texts = current.texts ?? ResultTexts()
        texts[keyPath: field] = joined(texts[keyPath: field], [words])
        current.texts = texts
        if words.utf8.contains(UInt8(ascii: "[")) { readMarks(words) }
    }

    /// `[[PROPERTY|name=value]]` and `[[ATTACHMENT|path]]` in lines of their own, as Jenkins' attachments plug-in reads them. They stay in the output.
    private func readMarks(_ output: String) {
        for line in output.split(whereSeparator: \.isNewline) {
            let line = line.drop { $0 == " " || $0 == "\t" }
            guard line.hasPrefix("[["), let end = line.range(of: "]]") else { continue }
            let parts = line[line.index(line.startIndex, offsetBy: 2)..<end.lowerBound].split(separator: "|", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "ATTACHMENT": current.add(attachment: String(parts[1]), sink.limits)
            case "PROPERTY":
                let pair = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                current.add(property: String(pair[0]), pair.count > 1 ? String(pair[1]) : "", sink.limits)
            default: break
            }
        }
    }

    private func joined(_ text: String, _ more: [String]) -> String {
        let parts = ([text] + more).filter { !$0.isEmpty }
        guard parts.count > 1 else { return parts.first ?? "" }
        let whole = parts.joined(separator: "\n\n")
        guard whole.utf8.count > sink.limits.textBytes else { return whole }
        logCut("the text of several failures")
        return Excerpt.of(whole, limit: sink.limits.textBytes)
    }

    // MARK: - Values

    private func name(_ value: UnsafeBufferPointer<UInt8>) -> String {
        string(value, limit: sink.limits.nameBytes, cut: "case.name_cut", "a name")
    }

    private func string(_ value: UnsafeBufferPointer<UInt8>, limit: Int, cut code: String, _ what: String) -> String {
        guard value.count <= limit || value.contains(UInt8(ascii: "&")) else {
            sink.warn(code, line: line, "\(what) of \(value.count) bytes was cut to \(limit)")
            return Excerpt.of(value, limit: limit)
        }
        guard let bytes = XMLAttributes.decode(value) else { return String(decoding: value, as: UTF8.self) }
        if bytes.count > limit { sink.warn(code, line: line, "\(what) of \(bytes.count) bytes was cut to \(limit)") }
        return Excerpt.of(bytes, limit: limit)
    }

    private func logCut(_ what: String) {
        sink.warn("case.text_cut", line: line, "\(what) was cut to \(sink.limits.textBytes) bytes; the raw report has all of it")
    }
}
