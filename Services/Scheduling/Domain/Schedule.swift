import Foundation
import Primitives

/// When to run a suite.
struct Schedule: Identified, Sendable {
    static let idPrefix = "sch"

    let id: ID<Schedule>
    let project: ID<Project>
    let suite: ID<Suite>
    let name: String
    let cron: String
    let timeZone: String
    let enabled: Bool
    let variables: [String: String]
    let environment: String
    let nextAt: Date?
    let createdAt: Date
    /// Raised by every change, not by a firing.
    let version: Int64

    /// A stored schedule was checked when it was stored.
    func timetable() throws(Fault) -> Timetable {
        try Timetable(cron: cron, timeZone: timeZone)
    }
}

/// Projects owns projects and suites; their ids are all that is known here.
enum Project: Identified { static let idPrefix = "prj" }
enum Suite: Identified { static let idPrefix = "ste" }
enum Run: Identified { static let idPrefix = "run" }

extension Schedule {
    /// What CreateSchedule takes, checked.
    struct Draft: Sendable {
        let project: ID<Project>
        let suite: ID<Suite>
        let name: String
        let cron: String
        let timeZone: String
        let enabled: Bool
        let variables: [String: String]
        let environment: String
        let timetable: Timetable

        /// - Throws: `request.invalid`, `schedules.invalid_cron`, `schedules.invalid_time_zone`.
        init(
            project: ID<Project>, suite: ID<Suite>, name: String, cron: String, timeZone: String, enabled: Bool, variables: [String: String],
            environment: String
        ) throws(Fault) {
            self.project = project
            self.suite = suite
            self.name = try Self.checkedName(name)
            self.cron = cron
            self.timeZone = timeZone.isEmpty ? "UTC" : timeZone
            self.enabled = enabled
            guard variables.count <= 100, variables.allSatisfy({ $0.key.utf8.count <= 64 && $0.value.utf8.count <= 16 * 1024 }) else {
                throw .invalidField("/variables", "too_large", "At most 100 variables are allowed, with names of 64 bytes and values of 16 KiB.")
            }
            self.variables = variables
            self.environment = try Self.checkedEnvironment(environment)
            timetable = try Timetable(cron: cron, timeZone: self.timeZone)
        }

        static func checkedName(_ name: String) throws(Fault) -> String {
            guard (1...200).contains(name.count), !name.utf8.contains(0) else {
                throw .invalidField("/name", "length", "1–200 characters are needed.")
            }
            return name
        }

        static func checkedEnvironment(_ environment: String) throws(Fault) -> String {
            guard environment.count <= 100, !environment.utf8.contains(0) else {
                throw .invalidField("/environment", "length", "At most 100 characters are allowed.")
            }
            return environment
        }
    }

    /// What UpdateSchedule takes: `nil` leaves a field as it is.
    struct Change: Sendable {
        var name: String?
        var cron: String?
        var timeZone: String?
        var enabled: Bool?
        var environment: String?

        /// - Throws: as `Draft`.
        func applied(to old: Schedule, at now: Date) throws(Fault) -> Schedule {
            let cron = cron ?? old.cron
            let timeZone = timeZone ?? old.timeZone
            let enabled = enabled ?? old.enabled
            let next = try Timetable(cron: cron, timeZone: timeZone).firstTick(after: now)
            return Schedule(
                id: old.id, project: old.project, suite: old.suite, name: try Draft.checkedName(name ?? old.name), cron: cron, timeZone: timeZone,
                enabled: enabled, variables: old.variables, environment: try Draft.checkedEnvironment(environment ?? old.environment),
                nextAt: enabled ? next : nil, createdAt: old.createdAt, version: old.version)
        }
    }
}

extension Timetable {
    /// - Throws: `schedules.never` when there is no tick within the horizon.
    func firstTick(after now: Date) throws(Fault) -> Date {
        guard let tick = next(after: now) else { throw .neverFires() }
        return tick
    }
}
