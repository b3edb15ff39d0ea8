import ValidationAPI

extension TriagePage {
    /// What the list is narrowed to, as the page's address says. Without a state it shows what is open.
    struct Filter: Sendable {
        let state: String
        /// As the API names it; empty for any.
        let category: String
        let branch: String
        let owner: String
        let q: String
        /// The order is no part of what is selected: decisions about all ignore it.
        let isByFailures: Bool

        struct Option: Sendable {
            let value: String
            let label: String
            let isChosen: Bool
        }

        /// Of its parts, in addresses and forms.
        static let names = ["state", "category", "branch", "owner", "q", "sort"]
        private static let byFailures = "FAILURES"
        static let open: [PBFailureGroup.State] = [.new, .ongoing, .regressed]
        static let words: [(word: String, label: String, states: [PBFailureGroup.State])] = [
            ("", "Open", open), ("NEW", "New", [.new]), ("ONGOING", "Ongoing", [.ongoing]), ("REGRESSED", "Regressed", [.regressed]),
            ("RESOLVED", "Resolved", [.resolved]), ("ALL", "All", []),
        ]
        static let categories: [(word: String, value: PBCategory.Value)] = [
            ("ASSERTION", .assertion), ("TIMEOUT", .timeout), ("NETWORK", .network), ("AUTHENTICATION", .authentication),
            ("SERVER_ERROR", .serverError), ("ENVIRONMENT", .environment), ("SETUP", .setup), ("RESOURCE", .resource), ("CRASH", .crash),
            ("OUT_OF_MEMORY", .outOfMemory), ("TRUNCATED_REPORT", .truncatedReport), ("TLS", .tls), ("DNS", .dns),
            ("AUTHORIZATION", .authorization), ("DATA", .data), ("CONCURRENCY", .concurrency), ("UNKNOWN", .unknown),
        ]

        init(_ value: (String) -> String?) {
            let word = value("state") ?? ""
            state = Self.words.contains { $0.word == word } ? word : ""
            let named = value("category") ?? ""
            category = Self.categories.contains { $0.word == named } ? named : ""
            branch = (value("branch") ?? "").trimmed.shortened(to: 200)
            owner = (value("owner") ?? "").trimmed.shortened(to: 100)
            q = (value("q") ?? "").trimmed.shortened(to: 200)
            isByFailures = value("sort") == Self.byFailures
        }

        var states: [PBFailureGroup.State] { Self.words.first { $0.word == state }?.states ?? Self.open }
        /// None for any.
        var categories: [PBCategory.Value] { Self.categories.filter { $0.word == category }.map(\.value) }
        var isSet: Bool { !(state + category + branch + owner + q).isEmpty }
        var query: [(name: String, value: String)] {
            [
                ("state", state), ("category", category), ("branch", branch), ("owner", owner), ("q", q),
                ("sort", isByFailures ? Self.byFailures : ""),
            ]
        }

        /// The same in the words of the API, where a list without a state is one of all.
        var exported: [(name: String, value: String)] {
            let wanted = state.isEmpty ? ["NEW", "ONGOING", "REGRESSED"] : state == "ALL" ? [] : [state]
            return wanted.map { ("state", $0) } + query.dropFirst()
        }

        func choices(at path: String) -> [Choice] {
            Self.words.map { word, label, _ in
                let query = [(name: "state", value: word)] + self.query.dropFirst()
                return Choice(label: label, path: PageAddress.of(path, query), isChosen: word == state, count: nil)
            }
        }

        /// By their labels; what was not recognised comes last.
        var categoryOptions: [Option] {
            Self.categories
                .map { Option(value: $0.word, label: JudgementText.category($0.value), isChosen: $0.word == category) }
                .sorted { ($0.value == "UNKNOWN" ? 1 : 0, $0.label) < ($1.value == "UNKNOWN" ? 1 : 0, $1.label) }
        }
    }
}
