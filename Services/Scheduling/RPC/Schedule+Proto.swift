import Foundation
import Primitives
import SchedulingAPI
import ServiceKit
import SwiftProtobuf

extension Schedule.Draft {
    init(_ request: PBCreateScheduleRequest) throws(Fault) {
        try self.init(
            project: ID(request.project, field: "project"), suite: ID(request.suite, field: "/suite"), name: request.name, cron: request.cron,
            timeZone: request.timeZone, enabled: request.hasEnabled ? request.enabled : true, variables: request.variables,
            environment: request.environment)
    }
}

extension Schedule.Change {
    init(_ request: PBUpdateScheduleRequest) {
        name = request.hasName ? request.name : nil
        cron = request.hasCron ? request.cron : nil
        timeZone = request.hasTimeZone ? request.timeZone : nil
        enabled = request.hasEnabled ? request.enabled : nil
        environment = request.hasEnvironment ? request.environment : nil
    }
}

extension PBSchedule {
    init(_ schedule: Schedule, upcoming ticks: [Date] = []) {
        self.init()
        id = schedule.id.description
        project = schedule.project.description
        suite = schedule.suite.description
        name = schedule.name
        cron = schedule.cron
        timeZone = schedule.timeZone
        enabled = schedule.enabled
        variables = schedule.variables
        environment = schedule.environment
        if let next = schedule.nextAt { nextAt = .init(milliseconds: next) }
        createdAt = .init(milliseconds: schedule.createdAt)
        version = schedule.version
        upcoming = ticks.map { .init(milliseconds: $0) }
    }
}

extension PBFiring {
    init(_ firing: Firing) {
        self.init()
        id = firing.id.description
        schedule = firing.schedule.description
        tickAt = .init(milliseconds: firing.tickAt)
        firedAt = .init(milliseconds: firing.firedAt)
        state =
            switch firing.state {
            case .pending: .pending
            case .started: .started
            case .failed: .failed
            case .skipped: .skipped
            }
        run = firing.run?.description ?? ""
        reason = firing.reason
    }
}
