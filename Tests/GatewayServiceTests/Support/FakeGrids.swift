import AnalyticsAPI
import CommonAPI
import GRPCCore
import SwiftProtobuf

/// Two pages of tests, of which the second one's runs are others. Whoever searches for anything but `pays` finds none.
struct FakeGrids: PBTestGrids.SimpleServiceProtocol {
    let revision: FakeRevision

    func getTestGrid(request: PBGetTestGridRequest, context: ServerContext) async throws -> PBTestGrid {
        revision.answer(known: request.revision, \.revision, empty: PBTestGrid()) { page(of: request) }
    }

    private func page(of request: PBGetTestGridRequest) -> PBTestGrid {
        guard ["", "pays"].contains(request.q) else { return PBTestGrid() }
        let runs = request.cursor.isEmpty ? [2, 1] : [3]
        return .with {
            $0.runs = runs.map { number in .with { ($0.run, $0.commitSha) = ("run_\(number)", "c\(number)") } }
            $0.data = [
                .with {
                    $0.test.id = request.cursor.isEmpty ? "tst_1" : "tst_2"
                    $0.cells = runs.indices.map { index in .with { ($0.run, $0.result, $0.outcome) = (Int32(index), "res_\(runs[index])", .passed) } }
                }
            ]
            $0.page = .with { ($0.hasMore_p, $0.nextCursor) = (request.cursor.isEmpty, request.cursor.isEmpty ? "tst_1" : "") }
        }
    }
}
