import Foundation
import Primitives

/// Where events go.
struct Channel: Identified, Sendable {
    static let idPrefix = "chn"
    static let maxEvents = 50

    let id: ID<Channel>
    let name: String
    let url: String
    /// Types of events that it wants; empty for all.
    let events: [String]
    /// Only events of this project; `nil` for all.
    let project: ID<Project>?
    let enabled: Bool
    let disabledReason: String
    let createdAt: Date
    /// Raised by every change.
    let version: Int64
}

enum Project: Identified { static let idPrefix = "prj" }

extension Channel {
    /// What UpdateChannel takes, checked but for the URL; `nil` leaves a field as it is.
    struct Change: Sendable {
        let name: String?
        let url: String?
        let enabled: Bool?

        /// - Throws: `request.invalid` naming the field.
        init(name: String?, url: String?, enabled: Bool?) throws(Fault) {
            self.name = if let name { try Draft.checkedName(name) } else { nil }
            self.url = url
            self.enabled = enabled
        }
    }

    /// What CreateChannel takes, checked but for the URL, which only the outbound component can judge.
    struct Draft: Sendable {
        let name: String
        let url: String
        let events: [String]
        let project: ID<Project>?

        /// - Throws: `request.invalid` naming the field.
        init(name: String, url: String, events: [String], project: String) throws(Fault) {
            self.name = try Self.checkedName(name)
            self.url = url
            guard events.count <= Channel.maxEvents else {
                throw .invalidField("/events", "too_many", "At most \(Channel.maxEvents) events are allowed.")
            }
            for (index, event) in events.enumerated() where !Event.isType(event) {
                throw .invalidField("/events/\(index)", "invalid_event", "An event's type looks like run.finished.")
            }
            self.events = events
            self.project = project.isEmpty ? nil : try ID(project, field: "/project")
        }

        static func checkedName(_ name: String) throws(Fault) -> String {
            guard (1...100).contains(name.count), !name.utf8.contains(0) else {
                throw .invalidField("/name", "length", "1–100 characters are needed.")
            }
            return name
        }
    }
}
