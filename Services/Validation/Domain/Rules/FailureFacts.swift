/// What is known of a failure besides its texts: type, status, code, outcome.
struct FailureFacts {
    /// The type in lower case, whole and without each of its qualifiers.
    private let types: Set<String>
    private let symptoms: Symptoms

    /// - Parameter knowsNestedTypes: what a type is nested in is one of its qualifiers, as Java writes it.
    init(_ symptoms: Symptoms, knowsNestedTypes: Bool) {
        self.symptoms = symptoms
        types = Self.types(symptoms.type.lowercased(), endsOfQualifiers: knowsNestedTypes ? [".", ":", "$"] : [".", ":"])
    }

    /// - Returns: `nil` also for signs that are texts.
    func evidence(of sign: Rule.Sign) -> String? {
        switch sign {
        case .text, .word:
            return nil
        case .type(let names):
            return names.contains { types.contains($0) } ? String(symptoms.type.prefix(ScannedTexts.maxEvidence)) : nil
        case .errorCode(let codes):
            return codes.contains(symptoms.errorCode) ? symptoms.errorCode : nil
        case .httpStatus(let range):
            return range.contains(symptoms.httpStatus) ? "status \(symptoms.httpStatus)" : nil
        case .outcome(let outcome):
            return symptoms.outcome == outcome ? outcome.rawValue : nil
        case .always:
            return ""
        }
    }

    /// Of `a.b::C` it is `a.b::c`, `b::c` and `c`. What has more than 20 qualifiers is no name of a type.
    private static func types(_ type: String, endsOfQualifiers ends: [Character]) -> Set<String> {
        var types: Set = [type]
        var rest = Substring(type)
        while types.count <= 20, let place = rest.firstIndex(where: ends.contains) {
            rest = rest[place...].drop(while: ends.contains)
            types.insert(String(rest))
        }
        return types
    }
}
