import Primitives

extension Fault {
    static func invalidCron(_ detail: String) -> Fault {
        Fault(.invalid, "schedules.invalid_cron", detail, fields: [.init("/cron", "invalid_cron", detail)])
    }

    static func invalidTimeZone(_ name: String) -> Fault {
        let detail = "\"\(name.prefix(64))\" is not an IANA time zone such as Europe/Berlin."
        return Fault(.invalid, "schedules.invalid_time_zone", detail, fields: [.init("/time_zone", "invalid_time_zone", detail)])
    }

    static func neverFires() -> Fault {
        let detail = "This expression has no tick in the next five years."
        return Fault(.invalid, "schedules.never", detail, fields: [.init("/cron", "never", detail)])
    }
}
