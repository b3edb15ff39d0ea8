import Foundation

/// One line of what a bench says: name, value, unit, goal, separated by tabs.
struct Figure {
    let name: String
    let value: Double
    let unit: String
    let goal: String

    init(_ name: String, _ value: Double, _ unit: String, goal: String) {
        self.name = name
        self.value = value
        self.unit = unit
        self.goal = goal
    }

    func print() {
        let text = value >= 1000 ? String(format: "%.0f", value) : String(format: "%.3g", value)
        Swift.print("\(name)\t\(text)\t\(unit)\t\(goal)")
    }
}
