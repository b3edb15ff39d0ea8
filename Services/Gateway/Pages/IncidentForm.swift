import AnalyticsAPI
import Foundation
import Primitives
import ProjectsAPI
import SwiftProtobuf

/// The form with which a person says that it was the environment, whatever was found.
struct IncidentForm: Sendable {
    static let fields: Set<String> = ["kind", "place", "from", "to", "reason"]
    private static let kinds: [(word: String, label: String, kind: PBEnvironmentIncident.Kind)] = [
        ("HOST", "The host", .host), ("ZONE", "The zone", .zone), ("HOUR", "The hour from", .hour), ("RUN", "The run", .run),
    ]

    struct Choice: Sendable {
        let value: String
        let label: String
        let isChosen: Bool
    }

    let path: String
    let choices: [Choice]
    let place: String
    let from: String
    let to: String
    let reason: String
    let refusal: String?
    let placeError: String?
    let fromError: String?
    let toError: String?
    let reasonError: String?

    /// - Parameter written: what somebody has just sent, or what the page that led here knows.
    init(_ project: PBProject, written: [String: String], refusal fault: FormRefusal? = nil) {
        path = IncidentsPage.path(project)
        choices = Self.kinds.map { Choice(value: $0.word, label: $0.label, isChosen: $0.word == written["kind"]) }
        place = written["place"] ?? ""
        from = written["from"] ?? ""
        to = written["to"] ?? ""
        reason = written["reason"] ?? ""
        refusal = fault?.detail ?? fault?["kind"]
        placeError = fault?["place"]
        fromError = fault?["from"]
        toError = fault?["to"]
        reasonError = fault?["reason"]
    }

    /// Where the form is shown with a run in it.
    static func path(_ project: PBProject, run: String) -> String {
        PageAddress.of(IncidentsPage.path(project), [("kind", "RUN"), ("place", run)], fragment: "declare")
    }

    /// - Throws: `request.invalid` at `/from` or `/to`.
    static func request(_ fields: [String: String], of project: PBProject) throws(Fault) -> PBDeclareEnvironmentIncidentRequest {
        var request = PBDeclareEnvironmentIncidentRequest()
        request.project = project.id
        request.kind = kinds.first { $0.word == fields["kind"] }?.kind ?? .unspecified
        request.place = String((fields["place"] ?? "").trimmed)
        request.reason = String((fields["reason"] ?? "").trimmed)
        if let from = try time(fields, "from") { request.from = from }
        if let to = try time(fields, "to") { request.to = to }
        return request
    }

    private static func time(_ fields: [String: String], _ name: String) throws(Fault) -> Google_Protobuf_Timestamp? {
        let text = String((fields[name] ?? "").trimmed)
        guard !text.isEmpty else { return nil }
        // Browsers leave out seconds that are none.
        let whole = text.split(separator: ":").count == 2 ? text + ":00Z" : text + "Z"
        guard let time = try? Date(whole, strategy: .iso8601) else {
            throw .invalidField("/" + name, "invalid", "Write the time in UTC, as 2026-03-31T14:00.")
        }
        return Google_Protobuf_Timestamp(date: time)
    }
}
