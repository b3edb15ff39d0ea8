import Primitives

/// Why a form was not taken: beside the fields that are to blame, and above it whatever no field of it is to blame for.
struct FormRefusal: Sendable {
    /// `nil` when all of it stands beside fields.
    let detail: String?
    private let byField: [String: String]

    /// - Parameter fields: those that the form shows, by their names in the contract.
    init(_ fault: Fault, fields: Set<String>) {
        var known: [String: String] = [:]
        for field in fault.fields {
            // `/draft/places/1` is about `places`: a form has one message, whatever it is wrapped in.
            let steps = field.pointer.split(separator: "/").map(String.init)
            guard let name = steps.first(where: { fields.contains($0) }), known[name] == nil else { continue }
            known[name] = field.detail.shortened(to: 500)
        }
        byField = known
        detail =
            fault == .versionStale
            ? "Somebody else has changed this since you opened the page. How it is now stands above; save what you wrote once more if it is still right."
            : known.isEmpty ? fault.pageDetail : nil
    }

    subscript(field: String) -> String? { byField[field] }
}

extension Fault {
    /// Whether it is for whoever filled the form in: they are shown it again with what they wrote. Everything else is a page of its own.
    var isRefusal: Bool { [.invalid, .forbidden, .conflict, .precondition, .exhausted].contains(kind) }
}
