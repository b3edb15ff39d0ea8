/// Why a failure counts for no test: an incident that stands, or a person who said of the failure itself that it was the environment.
struct EnvironmentExcuse: Sendable, Equatable {
    /// `nil` where there is but the person's word.
    let incident: EnvironmentIncident?

    /// For people, of the newest failure of a test that is put down to the environment.
    var reason: String { incident?.reason ?? "Of the newest a person said that it was the environment." }
}
