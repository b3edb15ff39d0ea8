import CReports
import Foundation

// What the elements mean. libxml2 calls these for each; they must not throw, and cost what parsing costs.
extension JUnitParser {
    func open(_ name: UnsafePointer<xmlChar>, _ attributes: JUnitAttributes) {
        guard !isOver else { return }
        depth += 1
        if depth > limits.depth { return refuse(.depth) }
        if attributes.count > limits.attributes { return refuse(.attributes) }
        if attributes.count > 0, attributes.longest > limits.attributeBytes { return refuse(.attributeBytes) }
        if quietDepth > 0 {
            quietDepth += 1
            return
        }
        let element = names.element(name)
        switch (nodes.last, element) {
        case (.suites, .testcase), (.suite, .testcase): openCase(attributes)
        case (nil, .testsuites):
            sawRoot = true
            nodes.append(.suites)
        case (nil, .testsuite), (.suites, .testsuite), (.suite, .testsuite):
            sawRoot = true
            openSuite(attributes)
        case (nil, _): stopAtWrongRoot()
        case (.testcase, .failure): openOutcome(.failed, attributes)
        case (.testcase, .error): openOutcome(.errored, attributes)
        case (.testcase, .skipped): openOutcome(.skipped, attributes)
        case (.testcase, .systemOut): nodes.append(.systemOut)
        case (.testcase, .systemErr): nodes.append(.systemErr)
        // Surefire: it failed and passed when it was tried again; that is a pass.
        case (.testcase, .flakyFailure), (.testcase, .flakyError): quietDepth = 1
        // Surefire: the tries after the first failure, which failed too. Their text stands beside the first one's.
        case (.testcase, .rerunFailure): openRerun(.failed, attributes)
        case (.testcase, .rerunError): openRerun(.errored, attributes)
        case (_, .properties): quietDepth = 1
        case (.suites, .systemOut), (.suites, .systemErr), (.suite, .systemOut), (.suite, .systemErr):
            suiteOutput += 1
            quietDepth = 1
        default:
            passOver(name)
        }
    }

    func close() {
        guard !isOver else { return }
        depth -= 1
        if quietDepth > 0 {
            quietDepth -= 1
            return
        }
        switch nodes.popLast() {
        case .testcase: closeCase()
        case .outcome(let outcome): closeOutcome(outcome)
        case .systemOut: closeOutput(\.systemOut)
        case .systemErr: closeOutput(\.systemErr)
        case .suite: suites.removeLast()
        case .suites, nil: break
        }
    }

    func characters(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard quietDepth == 0, !isOver else { return }
        switch nodes.last {
        case .outcome, .systemOut, .systemErr: text.append(bytes)
        case .suites, .suite, .testcase, nil: break
        }
    }

    // MARK: - Suites and cases

    private func openSuite(_ attributes: JUnitAttributes) {
        var name = ""
        var file = ""
        var startedAt: Date?
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            let value = attributes.value(index)
            switch attribute {
            case .name: name = self.name(value)
            case .file: file = self.name(value)
            case .timestamp: startedAt = timestamp(value)
            default: break
            }
        }
        let outer = suites.last
        suites.append(
            SuiteFrame(
                name: name.isEmpty ? outer?.name ?? "" : name, file: file.isEmpty ? outer?.file ?? "" : file,
                startedAt: startedAt ?? outer?.startedAt))
        nodes.append(.suite)
    }

    private func openCase(_ attributes: JUnitAttributes) {
        nodes.append(.testcase)
        current = ReportedCase()
        if let suite = suites.last {
            current.suiteName = suite.name
            current.file = suite.file
            current.startedAt = suite.startedAt
        }
        var isSkipped = false
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            let value = attributes.value(index)
            switch attribute {
            case .name: current.name = name(value)
            case .classname: current.className = classNames.string(value, make: name)
            case .class: if current.className.isEmpty { current.className = classNames.string(value, make: name) }
            case .time: current.microseconds = duration(value)
            case .file: current.file = files.string(value, make: name)
            case .line: current.line = Int32(String(decoding: value, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
            case .timestamp: if let time = timestamp(value) { current.startedAt = time }
            // GoogleTest and CTest say so in an attribute, without an element.
            case .status, .result: isSkipped = isSkipped || Self.skippedWords.contains(String(decoding: value.prefix(16), as: UTF8.self))
            case .message, .type: break
            }
        }
        if isSkipped { current.outcome = .skipped }
    }

    private static let skippedWords: Set<String> = ["notrun", "disabled", "suppressed", "skipped", "ignored"]

    private func closeCase() {
        if current.name.isEmpty { current.name = current.className }
        if current.name.isEmpty {
            current.name = "(no name)"
            log.add("case.name_missing", file: file, line: line, "a test case has neither a name nor a class name")
        }
        cases.append(current)
    }

    // MARK: - Outcomes and output

    private func openOutcome(_ outcome: Outcome, _ attributes: JUnitAttributes) {
        nodes.append(.outcome(outcome))
        message = ""
        type = ""
        for index in 0..<attributes.count {
            guard let pointer = attributes.name(index), let attribute = names.attribute(pointer) else { continue }
            switch attribute {
            case .message: message = string(attributes.value(index), limit: limits.textBytes, cut: "case.text_cut", "a message")
            case .type: type = name(attributes.value(index))
            default: break
            }
        }
    }

    private func openRerun(_ outcome: Outcome, _ attributes: JUnitAttributes) {
        openOutcome(outcome, attributes)
        nodes.removeLast()
        quietDepth = 1
        closeOutcome(outcome)
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
        var texts = current.texts ?? ResultTexts()
        texts[keyPath: field] = joined(texts[keyPath: field], [words])
        current.texts = texts
    }

    private func joined(_ text: String, _ more: [String]) -> String {
        let parts = ([text] + more).filter { !$0.isEmpty }
        guard parts.count > 1 else { return parts.first ?? "" }
        let whole = parts.joined(separator: "\n\n")
        guard whole.utf8.count > limits.textBytes else { return whole }
        logCut("the text of several failures")
        return Excerpt.of(whole, limit: limits.textBytes)
    }

    // MARK: - Values

    private func name(_ value: UnsafeBufferPointer<UInt8>) -> String {
        string(value, limit: limits.nameBytes, cut: "case.name_cut", "a name")
    }

    private func string(_ value: UnsafeBufferPointer<UInt8>, limit: Int, cut code: String, _ what: String) -> String {
        guard value.count <= limit || value.contains(UInt8(ascii: "&")) else {
            log.add(code, file: file, line: line, "\(what) of \(value.count) bytes was cut to \(limit)")
            return Excerpt.of(value, limit: limit)
        }
        guard let bytes = JUnitAttributes.decode(value) else { return String(decoding: value, as: UTF8.self) }
        if bytes.count > limit { log.add(code, file: file, line: line, "\(what) of \(bytes.count) bytes was cut to \(limit)") }
        return Excerpt.of(bytes, limit: limit)
    }

    private func duration(_ value: UnsafeBufferPointer<UInt8>) -> Int64? {
        switch ReportSeconds.read(value) {
        case .absent: return nil
        case .microseconds(let micros): return micros
        case .invalid:
            log.add("case.time_invalid", file: file, line: line, "the time \(Excerpt.of(value, limit: 40)) is not a duration; it was left out")
            return nil
        }
    }

    private func timestamp(_ value: UnsafeBufferPointer<UInt8>) -> Date? {
        guard !value.isEmpty else { return nil }
        guard let time = ReportTime.read(value) else {
            log.add(
                "suite.timestamp_invalid", file: file, line: line, "the timestamp \(Excerpt.of(value, limit: 40)) cannot be read; it was left out")
            return nil
        }
        let nearest = min(max(time, now - ReportTime.tolerance), now + ReportTime.tolerance)
        if nearest != time {
            log.add(
                "suite.timestamp_clamped", file: file, line: line,
                "the timestamp \(Excerpt.of(value, limit: 40)) is more than 24 hours away and was moved")
        }
        return nearest
    }

    private func logCut(_ what: String) {
        log.add("case.text_cut", file: file, line: line, "\(what) was cut to \(limits.textBytes) bytes; the raw report has all of it")
    }

    /// Counted by name, of which a hundred are told apart.
    private func passOver(_ name: UnsafePointer<xmlChar>) {
        quietDepth = 1
        let known = Excerpt.of(
            UnsafeBufferPointer(start: name, count: strlen(UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))), limit: 100)
        if unknown[known] != nil || unknown.count < 100 { unknown[known, default: 0] += 1 }
    }
}
