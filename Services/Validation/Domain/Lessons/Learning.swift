/// Whether a project's failures that no rule knows are judged after what people filed. Each change is an edition of the project's rules.
struct Learning: Sendable, Equatable {
    var isOn = true
    /// 1 before anybody has said anything.
    var version: Int64 = 1
    /// Edition of the project's lessons; 0 before the first.
    var lessons: Int64 = 0
}
