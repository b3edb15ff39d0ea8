/// One figure with its name.
struct StatFigure: Sendable {
    let label: String
    let value: String
    let unit: String?

    init(_ label: String, _ value: String, unit: String? = nil) {
        self.label = label
        self.value = value
        self.unit = unit
    }
}

/// One of several filters to choose from.
struct Choice: Sendable {
    let label: String
    let path: String
    let isChosen: Bool
    /// How many there are, where that is known.
    let count: String?
}
