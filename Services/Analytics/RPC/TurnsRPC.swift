import AnalyticsAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.Turns`: what other services ask.
struct TurnsRPC: PBTurns.SimpleServiceProtocol {
    let turns: TurnStore

    func listTurns(request: PBListTurnsRequest, context: ServerContext) async throws -> PBListTurnsResponse {
        let caller = Caller.current
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        guard request.tests.count <= Turn.mostTests else {
            throw Fault.invalidField("/tests", "too_many", "At most \(Turn.mostTests) tests are asked for at once.")
        }
        guard request.places.isEmpty || request.places.count == request.tests.count else {
            throw Fault.invalidField("/places", "count", "There is a place for each test, or none.")
        }
        var questions: [Turn.Question] = []
        for (index, text) in request.tests.enumerated() {
            let place = request.places.isEmpty ? PBTurnPlace(request) : request.places[index]
            questions.append(
                Turn.Question(
                    test: try ID(text, field: "/tests/\(index)"), branch: place.branch, environment: place.environment, until: place.until.date))
        }
        guard !questions.isEmpty else { return PBListTurnsResponse() }
        let found = try await turns.list(questions, project: project, tenant: caller.tenant)
        return .with { $0.data = found.map(PBTurn.init) }
    }
}

extension PBTurnPlace {
    /// Of a request whose tests all fail in one run.
    fileprivate init(_ request: PBListTurnsRequest) {
        self.init()
        branch = request.branch
        environment = request.environment
        until = request.until
    }
}

extension PBTurn {
    init(_ turn: Turn) {
        self.init()
        test = turn.test.description
        if let point = turn.lastPass { lastPass = PBTurnPoint(point) }
        if let point = turn.firstFailure { firstFailure = PBTurnPoint(point) }
    }
}

extension PBTurnPoint {
    fileprivate init(_ point: Turn.Point) {
        self.init()
        run = point.run.description
        commitSha = point.commit
        at = .init(milliseconds: point.at)
    }
}
