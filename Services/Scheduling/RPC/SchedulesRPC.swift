import CommonAPI
import Foundation
import GRPCCore
import Primitives
import SchedulingAPI
import ServiceKit
import SwiftProtobuf

/// `assay.scheduling.v1.Schedules`
struct SchedulesRPC: PBSchedules.SimpleServiceProtocol {
    let schedules: ScheduleStore
    let firings: FiringStore

    func createSchedule(request: PBCreateScheduleRequest, context: ServerContext) async throws -> PBSchedule {
        let caller = Caller.current
        let now = Date()
        let draft = try Schedule.Draft(request)
        try caller.require(project: draft.project)
        let next = try draft.timetable.firstTick(after: now)
        let schedule = try await schedules.insert(draft, nextAt: next, key: caller.idempotencyKey, tenant: caller.tenant)
        return PBSchedule(schedule, upcoming: draft.timetable.upcoming(10, after: now))
    }

    func getSchedule(request: PBGetScheduleRequest, context: ServerContext) async throws -> PBSchedule {
        let schedule = try await find(request.schedule)
        return try PBSchedule(schedule, upcoming: schedule.enabled ? schedule.timetable().upcoming(10, after: Date()) : [])
    }

    func listSchedules(request: PBListSchedulesRequest, context: ServerContext) async throws -> PBListSchedulesResponse {
        let caller = Caller.current
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let project = try ID<Project>(request.project, field: "project")
        try caller.require(project: project)
        let listed = try await schedules.list(page, project: project, tenant: caller.tenant)
        return .with {
            $0.data = listed.items.map { PBSchedule($0) }
            $0.page = PBPage(listed)
        }
    }

    func updateSchedule(request: PBUpdateScheduleRequest, context: ServerContext) async throws -> PBSchedule {
        let id = try await find(request.schedule).id
        let change = Schedule.Change(request)
        let now = Date()
        let caller = Caller.current
        let updated = try await schedules.update(id, version: request.version, key: caller.idempotencyKey, tenant: caller.tenant) {
            try change.applied(to: $0, at: now)
        }
        return PBSchedule(updated)
    }

    func deleteSchedule(request: PBDeleteScheduleRequest, context: ServerContext) async throws -> PBEmpty {
        try await schedules.delete(find(request.schedule).id, version: request.version, tenant: Caller.current.tenant)
        return PBEmpty()
    }

    func listFirings(request: PBListFiringsRequest, context: ServerContext) async throws -> PBListFiringsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await firings.list(page, schedule: find(request.schedule).id, tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBFiring.init)
            $0.page = PBPage(listed)
        }
    }

    private func find(_ text: String) async throws -> Schedule {
        let caller = Caller.current
        let schedule = try await schedules.get(ID(text, field: "schedule"), tenant: caller.tenant)
        try caller.require(project: schedule.project)
        return schedule
    }
}
