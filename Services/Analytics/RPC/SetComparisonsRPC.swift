import AnalyticsAPI
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.analytics.v1.SetComparisons`
struct SetComparisonsRPC: PBSetComparisons.SimpleServiceProtocol {
    let sheets: SheetStore
    let tests: TestStore
    let revisions: RevisionStore

    func compareSets(request: PBCompareSetsRequest, context: ServerContext) async throws -> PBCompareSetsResponse {
        let (project, tenant) = try TrendsRPC.project(request.project)
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let start = try RowStart(request.sort, page)
        let kinds = try request.kinds
        let sides = try request.sides(now: Date())
        let revision = try await revisions.current(project: project, tenant: tenant).number
        guard request.revision != revision else { return .with { $0.revision = revision } }
        async let base = sheets.sheet(of: sides.base, in: sides.baseWeeks, project: project, tenant: tenant)
        async let other = sheets.sheet(of: sides.set, in: sides.weeks, project: project, tenant: tenant)
        let comparison = try await SetComparison(base, other)
        let listed = comparison.page(kinds, from: start, limit: page.limit)
        let names = try await tests.find(listed.items.map(\.test), tenant: tenant)
        return .with {
            $0.data = listed.items.map { PBSetDifference($0, name: names[$0.test]) }
            $0.page = PBPage(listed)
            $0.revision = revision
            $0.summary = PBSetComparisonSummary(comparison, weeks: sides.weeks, baseWeeks: sides.baseWeeks)
            $0.edition = SetComparison.edition
            $0.inputHash = PBStabilityReceipt.text(comparison.inputHash)
        }
    }
}

extension RowStart {
    /// - Throws: `request.invalid` at `sort`; `page.invalid_cursor`, also for one of the other order.
    fileprivate init(_ sort: PBSetDifferenceSort.Value, _ page: PageRequest) throws(Fault) {
        switch sort {
        case .setDifferenceSortUnspecified, .sureness: self = .sureness(after: try RowKey(page.cursor))
        case .id: self = .id(after: try page.after(ID<Test>.self))
        case .UNRECOGNIZED: throw .invalidField("sort", "unknown", "sort must be SURENESS or ID.")
        }
    }
}

extension PBCompareSetsRequest {
    fileprivate struct Sides {
        let base: RunSet
        let set: RunSet
        let baseWeeks: WeekRange
        let weeks: WeekRange
    }

    /// - Throws: `request.invalid` for a side that names nothing, too many weeks, and runs that would be compared with themselves.
    fileprivate func sides(now: Date) throws(Fault) -> Sides {
        guard let set = RunSet(branch: branch, environment: environment) else {
            throw .invalidField("branch", "missing", "A branch, an environment or both are needed.")
        }
        guard let base = RunSet(branch: baseBranch, environment: baseEnvironment) else {
            throw .invalidField("base_branch", "missing", "A branch, an environment or both are needed for the base.")
        }
        guard (0...Int32(WeekRange.most)).contains(weeks) else {
            throw .invalidField("weeks", "out_of_range", "weeks must be between 1 and \(WeekRange.most).")
        }
        guard (0...Int32(WeekRange.mostAgo)).contains(baseWeeksAgo) else {
            throw .invalidField("base_weeks_ago", "out_of_range", "base_weeks_ago must be between 0 and \(WeekRange.mostAgo).")
        }
        let count = weeks == 0 ? 4 : Int(weeks)
        guard set != base || Int(baseWeeksAgo) >= count else {
            throw .invalidField("base_branch", "same", "Both sides have the same runs: name others, or a base_weeks_ago of \(count) at least.")
        }
        return Sides(base: base, set: set, baseWeeks: WeekRange(count, ago: Int(baseWeeksAgo), now: now), weeks: WeekRange(count, now: now))
    }

    /// - Throws: `request.invalid` for what this release does not know.
    fileprivate var kinds: Set<SetComparison.Kind> {
        get throws(Fault) {
            var kinds: Set<SetComparison.Kind> = []
            for kind in kind {
                switch kind {
                case .failsMore: kinds.insert(.failsMore)
                case .failsLess: kinds.insert(.failsLess)
                case .slower: kinds.insert(.slower)
                case .faster: kinds.insert(.faster)
                case .added: kinds.insert(.added)
                case .removed: kinds.insert(.removed)
                case .alike: kinds.insert(.alike)
                case .unspecified, .UNRECOGNIZED: throw .invalidField("kind", "unknown", "The kind is unknown.")
                }
            }
            return kinds.isEmpty ? Set(SetComparison.Kind.allCases).subtracting([.alike]) : kinds
        }
    }
}
