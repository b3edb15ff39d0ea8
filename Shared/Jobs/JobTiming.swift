/// The clocks of a `JobRunner`. The defaults are what runs in production; tests shorten them.
package struct JobTiming: Sendable {
    /// How long a claim holds unless it is renewed. After a crash its jobs wait this long, and at most `reap` more.
    package var lease: Duration = .seconds(30)
    /// A third of the lease: two renewals may fail before anything is lost.
    package var heartbeat: Duration = .seconds(10)
    package var reap: Duration = .seconds(5)
    /// Notifications are a hint and may be lost; this look at the table is what guarantees that a due job runs.
    package var poll: Duration = .seconds(1)
    package var measure: Duration = .seconds(5)
    /// How long jobs may go on after shutdown began; `farewell` more for those that were cancelled then.
    package var grace: Duration = .seconds(25)
    package var farewell: Duration = .seconds(2)

    package init() {}
}
