import SwiftProtobuf
import ValidationAPI

/// The form of a rule, as it is saved or as somebody has just written it.
struct RuleForm: Sendable {
    let name: String
    let pattern: String
    let order: String
    let categories: [Option]
    let severities: [Option]
    let places: [Place]
    let isEnabled: Bool
    /// Of the rule that was shown; 0 for one that is new.
    let version: Int64
    /// What is wrong with it as a whole.
    let refusal: String?
    let nameError: String?
    let patternError: String?
    let orderError: String?
    let categoryError: String?
    let placesError: String?

    struct Option: Sendable {
        /// The number of the contract: a name would have to be translated twice.
        let value: String
        let label: String
        let isChosen: Bool
    }

    struct Place: Sendable {
        let field: String
        let label: String
        let isChosen: Bool
    }

    init(_ draft: PBRuleDraft, version: Int64, refusal fault: FormRefusal? = nil) {
        name = draft.name
        pattern = draft.pattern
        order = draft.order == 0 ? "" : draft.order == .max ? "?" : "\(draft.order)"
        categories = PBCategory.Value.allCases.filter { $0 != .categoryUnspecified && $0 != .unknown }
            .map { Option(value: "\($0.rawValue)", label: JudgementText.category($0), isChosen: $0 == draft.category) }
            .sorted { $0.label < $1.label }
        severities = PBSeverity.Value.allCases.filter { $0 != .severityUnspecified }.map {
            Option(value: "\($0.rawValue)", label: JudgementText.severity($0).label, isChosen: $0 == draft.severity)
        }
        places = RuleText.allPlaces.map { Place(field: Self.placeField + $0.name, label: $0.label, isChosen: draft.places.contains($0.place)) }
        isEnabled = draft.enabled
        self.version = version
        refusal = fault?.detail
        nameError = fault?["name"]
        patternError = fault?["pattern"]
        orderError = fault?["order"]
        categoryError = fault?["category"]
        placesError = fault?["places"]
    }

    static let fields: Set<String> = ["name", "pattern", "order", "category", "places"]
    private static let placeField = "place_"

    /// What a new rule begins with.
    static var blank: PBRuleDraft {
        .with {
            $0.category = .network
            $0.severity = .medium
            $0.order = 100
            $0.places = RuleText.allPlaces.map(\.place)
            $0.enabled = true
        }
    }

    static func draft(_ rule: PBProjectRule) -> PBRuleDraft {
        .with {
            $0.name = rule.name
            $0.category = rule.category
            $0.severity = rule.severity
            $0.order = rule.order
            $0.places = rule.places
            $0.pattern = rule.pattern
            $0.enabled = rule.enabled
        }
    }

    /// What was written; what cannot be right is refused by the service, in the words that everybody gets.
    static func draft(_ fields: [String: String]) -> PBRuleDraft {
        .with {
            $0.name = String((fields["name"] ?? "").trimmed)
            $0.category = PBCategory.Value(rawValue: fields["category"].flatMap { Int($0) } ?? 0) ?? .categoryUnspecified
            $0.severity = PBSeverity.Value(rawValue: fields["severity"].flatMap { Int($0) } ?? 0) ?? .severityUnspecified
            let order = (fields["order"] ?? "").trimmed
            $0.order = order.isEmpty ? 0 : Int32(order) ?? .max
            $0.places = RuleText.allPlaces.filter { fields[placeField + $0.name] != nil }.map(\.place)
            // Browsers send line ends of several lines as the standard of forms has them.
            $0.pattern = (fields["pattern"] ?? "").replacing("\r\n", with: "\n")
            $0.enabled = fields["enabled"] != nil
        }
    }
}
