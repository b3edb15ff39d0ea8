import AnalyticsAPI
import CommonAPI
import GRPCCore
import ProjectsAPI
import SwiftProtobuf

/// How many tests leave quarantine soon: whoever looks after them is to hear of it before their failures break builds again.
struct QuarantineEnding: Sendable {
    static let days: Int32 = 7
    /// Of those that are counted: each comes whole, and beyond so many the exact number tells nobody more.
    static let limit: Int32 = 20

    let text: String
    let path: String

    /// - Returns: `nil` where none does.
    init?(_ soon: PBListQuarantinesResponse, of project: PBProject) {
        let count = soon.data.count
        guard count > 0 else { return nil }
        let number = NumberText.counted(Int64(count), "quarantine")
        let verb = count == 1 ? "expires" : "expire"
        text = "\(soon.page.hasMore_p ? "More than " : "")\(number) \(verb) within \(Self.days) days"
        path = QuarantinePage.path(project, expiringWithin: Self.days)
    }

    /// `nil` also where it cannot be found out: the page is about something else.
    /// - Parameter isWanted: whether the page would say it; nothing is asked otherwise.
    static func find(_ visit: Visit, in project: PBProject, isWanted: Bool = true) async -> QuarantineEnding? {
        guard isWanted else { return nil }
        let soon = await Panel.load("Tests in quarantine") {
            try await PBQuarantines.Client(wrapping: visit.upstream("analytics")).listQuarantines(
                .with {
                    $0.project = project.id
                    $0.limit = limit
                    $0.expiresWithinDays = days
                })
        }
        return soon.content.flatMap { QuarantineEnding($0, of: project) }
    }
}
