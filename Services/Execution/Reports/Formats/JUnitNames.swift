import CReports

/// What an element is to us.
enum JUnitElement: CaseIterable {
    case testsuites, testsuite, testcase, failure, error, skipped, systemOut, systemErr, properties, property, stackTrace
    /// Eclipse's root.
    case testrun
    case flakyFailure, flakyError, rerunFailure, rerunError

    var name: String {
        switch self {
        case .testsuites: "testsuites"
        case .testsuite: "testsuite"
        case .testcase: "testcase"
        case .failure: "failure"
        case .error: "error"
        case .skipped: "skipped"
        case .systemOut: "system-out"
        case .systemErr: "system-err"
        case .properties: "properties"
        case .property: "property"
        case .stackTrace: "stackTrace"
        case .testrun: "testrun"
        case .flakyFailure: "flakyFailure"
        case .flakyError: "flakyError"
        case .rerunFailure: "rerunFailure"
        case .rerunError: "rerunError"
        }
    }
}

/// The attributes that we read.
enum JUnitAttribute: String, CaseIterable {
    case name, classname, time, file, line, timestamp, message, type, status, result, value, hostname
    /// PHPUnit's and NUnit's converters write it where others write `classname`.
    case `class`
}

/// libxml2 keeps one copy of every name in the parser's dictionary, so names are told apart by their address.
struct JUnitNames {
    private let elements: [(UnsafePointer<xmlChar>, JUnitElement)]
    private let attributes: [(UnsafePointer<xmlChar>, JUnitAttribute)]

    /// Good as long as the parser lives.
    init(dictionary: xmlDictPtr?) {
        // `testcase` comes first: it is most of what is asked for.
        let order = [JUnitElement.testcase] + JUnitElement.allCases.filter { $0 != .testcase }
        elements = order.compactMap { element in xmlDictLookup(dictionary, element.name, -1).map { ($0, element) } }
        attributes = JUnitAttribute.allCases.compactMap { attribute in xmlDictLookup(dictionary, attribute.rawValue, -1).map { ($0, attribute) } }
    }

    func element(_ name: UnsafePointer<xmlChar>) -> JUnitElement? {
        for (known, element) in elements where known == name { return element }
        return nil
    }

    func attribute(_ name: UnsafePointer<xmlChar>) -> JUnitAttribute? {
        for (known, attribute) in attributes where known == name { return attribute }
        return nil
    }
}
