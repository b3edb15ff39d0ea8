import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct ListenerTests {
    /// Notifications of one channel, collected until it goes.
    private final class Ear: Sendable {
        private let texts = Mutex<[String]>([])
        private let task = Mutex<Task<Void, Never>?>(nil)

        init(_ listener: Listener, _ channel: String) {
            let notifications = listener.notifications(on: channel)
            task.withLock { $0 = Task { [weak self] in for await text in notifications { self?.texts.withLock { $0.append(text) } } } }
        }

        deinit { task.withLock { $0?.cancel() } }

        var heard: [String] { texts.withLock { $0 } }
    }

    private func listener(named name: String = "listener") throws -> Listener {
        let current = TestDatabase.current
        let configuration = try DatabaseConfiguration(url: current.appURL, applicationName: name, searchPath: current.schema)
        let listener = Listener(configuration, logger: .silent)
        listener.start()
        return listener
    }

    private func notify(_ channel: String, _ text: String) async throws {
        try await Probe.database.execute(.system, "select pg_notify(\(channel), \(text))")
    }

    /// Notifies until it is heard: what is sent before LISTEN is carried out is lost, which is why every user of a listener polls as well.
    private func expectHearing(_ ear: Ear, _ channel: String, _ text: String) async throws {
        try await eventually("\(text) on \(channel)") {
            try await notify(channel, text)
            return ear.heard.contains(text)
        }
    }

    @Test("notifications of a channel arrive with their payload, in order, and others do not")
    func notifications() async throws {
        let listener = try listener()
        defer { listener.stop() }
        let (ear, other) = (Ear(listener, "Odd \"channel\""), Ear(listener, "other"))
        try await expectHearing(ear, "Odd \"channel\"", "ready")
        try await expectHearing(other, "other", "ready too")
        for number in 1...50 { try await notify("Odd \"channel\"", "\(number)") }
        try await eventually("all are heard") { ear.heard.contains("50") }
        #expect(ear.heard.filter { $0 != "ready" } == (1...50).map(String.init))
        #expect(Set(other.heard) == ["ready too"])
    }

    @Test("a channel is heard by all who ask, also those who ask later")
    func severalSubscribers() async throws {
        let listener = try listener()
        defer { listener.stop() }
        let first = Ear(listener, "shared")
        try await expectHearing(first, "shared", "a")
        let second = Ear(listener, "shared")
        try await expectHearing(second, "shared", "b")
        try await eventually("the first hears it too") { first.heard.contains("b") }
    }

    @Test("a notification of a transaction that rolls back is not sent")
    func rolledBack() async throws {
        struct Undo: Error {}
        let listener = try listener()
        defer { listener.stop() }
        let ear = Ear(listener, "undone")
        try await expectHearing(ear, "undone", "ready")
        await #expect(throws: Undo.self) {
            try await Probe.database.transaction(.system) { tx in
                try await tx.execute("select pg_notify('undone', 'never')")
                throw Undo()
            }
        }
        try await expectHearing(ear, "undone", "after")
        #expect(!ear.heard.contains("never"))
    }

    @Test("a listener whose backend is terminated comes back with all its channels")
    func terminated() async throws {
        let name = "listener-\(UUID().uuidString.prefix(8))"
        let listener = try listener(named: name)
        defer { listener.stop() }
        let ears = ["one": Ear(listener, "one"), "two": Ear(listener, "two")]
        for (channel, ear) in ears { try await expectHearing(ear, channel, "before") }
        for round in 1...3 {
            let terminated = try await TestDatabase.current.administer { admin in
                try await admin.execute(.system, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = \(name)")
            }
            #expect(terminated == 1)
            for (channel, ear) in ears { try await expectHearing(ear, channel, "after \(round)") }
        }
    }

    @Test("streams end when the listener stops, and one asked for later is empty")
    func stopping() async throws {
        let listener = try listener()
        let notifications = listener.notifications(on: "ending")
        listener.stop()
        for await _ in notifications { Issue.record("nothing was sent") }
        for await _ in listener.notifications(on: "late") { Issue.record("nothing was sent") }
    }
}
