import Foundation
import Primitives

/// Where events go.
struct Channel: Identified, Sendable {
    static let idPrefix = "chn"
    static let maxEvents = 50
    static let githubURL = "https://api.github.com"

    enum Kind: String, Sendable { case webhook, github }

    let id: ID<Channel>
    let name: String
    let kind: Kind
    let url: String
    /// `owner/name`; empty for webhooks.
    let repository: String
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
        let token: Secret<String>?

        /// - Throws: `request.invalid` naming the field.
        init(_ kind: Kind, name: String?, url: String?, enabled: Bool?, token: String?) throws(Fault) {
            guard token == nil || kind == .github else { throw .invalidField("/token", "unknown", "A webhook has no token.") }
            self.token = if let token { try Draft.checkedToken(token) } else { nil }
            self.name = if let name { try Draft.checkedName(name) } else { nil }
            self.url = url
            self.enabled = enabled
        }
    }

    /// What CreateChannel takes, checked but for the URL, which only the outbound component can judge.
    struct Draft: Sendable {
        let name: String
        let kind: Kind
        let url: String
        let events: [String]
        let project: ID<Project>?
        let repository: String
        /// Of GitHub; a webhook's secret is made for it.
        let token: Secret<String>?

        /// - Throws: `request.invalid` naming the field.
        init(
            _ kind: Kind = .webhook, name: String, url: String, events: [String], project: String, repository: String = "", token: String = ""
        ) throws(Fault) {
            self.name = try Self.checkedName(name)
            self.kind = kind
            switch kind {
            case .webhook:
                guard !url.isEmpty else { throw .invalidField("/url", "required", "A webhook needs an address.") }
                guard repository.isEmpty else { throw .invalidField("/repository", "unknown", "A webhook has no repository.") }
                guard token.isEmpty else { throw .invalidField("/token", "unknown", "A webhook has no token.") }
                self.token = nil
            case .github:
                guard Self.isRepository(repository) else { throw .invalidField("/repository", "invalid", "A repository is owner/name.") }
                self.token = try Self.checkedToken(token)
            }
            self.url = url.isEmpty ? Channel.githubURL : url
            self.repository = repository
            guard events.count <= Channel.maxEvents else {
                throw .invalidField("/events", "too_many", "At most \(Channel.maxEvents) events are allowed.")
            }
            for (index, event) in events.enumerated() where !Event.isType(event) {
                throw .invalidField("/events/\(index)", "invalid_event", "An event's type looks like run.finished.")
            }
            self.events = events
            self.project = project.isEmpty ? nil : try ID(project, field: "/project")
        }

        /// It becomes a header.
        static func checkedToken(_ token: String) throws(Fault) -> Secret<String> {
            guard (1...500).contains(token.utf8.count), token.utf8.allSatisfy({ (33...126).contains($0) }) else {
                throw .invalidField("/token", "invalid", "A token is 1–500 printable characters.")
            }
            return Secret(token)
        }

        /// Names as GitHub allows them; they become a path.
        private static func isRepository(_ text: String) -> Bool {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == 2 && text.utf8.count <= 200
                && parts.allSatisfy { part in
                    !part.isEmpty && part != "." && part != ".."
                        && part.utf8.allSatisfy {
                            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-._".utf8.contains($0)
                        }
                }
        }

        static func checkedName(_ name: String) throws(Fault) -> String {
            guard (1...100).contains(name.count), !name.utf8.contains(0) else {
                throw .invalidField("/name", "length", "1–100 characters are needed.")
            }
            return name
        }
    }
}
