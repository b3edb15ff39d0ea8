/// Why a whole upload is refused because of one file: such a report is an attack or the work of a badly broken tool, not a test's output.
enum ReportRefusal: Sendable, CaseIterable {
    case doctype, depth, attributes, attributeBytes, badUTF8, encoding

    var code: String {
        switch self {
        case .doctype: "report.dtd_forbidden"
        case .depth: "report.too_deep"
        case .attributes: "report.too_many_attributes"
        case .attributeBytes: "report.attribute_too_long"
        case .badUTF8: "report.invalid_utf8"
        case .encoding: "report.encoding_unsupported"
        }
    }

    var detail: String {
        switch self {
        case .doctype: "a report must not have a DOCTYPE"
        case .depth: "the elements are nested too deeply"
        case .attributes: "an element has too many attributes"
        case .attributeBytes: "the value of an attribute is too long"
        case .badUTF8: "the text is not UTF-8"
        case .encoding: "the text must be UTF-8, US-ASCII, ISO-8859-1 or windows-1252"
        }
    }
}
