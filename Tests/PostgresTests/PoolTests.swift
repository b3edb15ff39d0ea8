import Postgres
import Primitives
import TestSupport
import Testing

/// Serialized: some of these tests hang up every connection of the database.
@Suite(.serialized, .database(Probe.schema))
struct PoolTests {
    @Test("cancelling the task cancels its statement at the server")
    func cancellation() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let task = Task { try await database.execute(.system, "select pg_sleep(60), 'cancelled on its own'") }
        try await eventually("the statement runs") { try await Probe.database.running("cancelled on its own") == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await eventually("the statement is gone") { try await Probe.database.running("cancelled on its own") == 0 }
        #expect(try await database.one(.system, "select 1 as one") { try $0.value("one", as: Int32.self) } == 1)
    }

    @Test("cancelling the task inside a transaction rolls it back")
    func cancelledTransaction() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        let tenant = ID<Tenant>.new()
        let task = Task {
            try await database.transaction(.tenant(tenant)) { tx in
                try await tx.execute("insert into notes (tenant_id, body) values (\(tenant), 'lost')")
                try await tx.execute("select pg_sleep(60), 'cancelled in a transaction'")
            }
        }
        try await eventually("the statement runs") { try await Probe.database.running("cancelled in a transaction") == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await Probe.bodies(.tenant(tenant), in: database) == [])
    }

    @Test("a cancellation that comes late never hits the next statement")
    func lateCancellation() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        defer { database.close() }
        for turn in 0..<300 {
            let task = Task { try await database.execute(.system, "select pg_sleep(\(Double(turn % 4) / 2000))") }
            for _ in 0..<(turn % 50) { await Task.yield() }
            task.cancel()
            _ = try? await task.value
            #expect(try await database.one(.system, "select 1 as one") { try $0.value("one", as: Int32.self) } == 1)
        }
    }

    @Test("a task that was cancelled before does not reach the database")
    func cancelledBefore() async throws {
        let tenant = ID<Tenant>.new()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await Probe.insert("never", tenant: tenant)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await Probe.bodies(.tenant(tenant)) == [])
    }

    @Test("a pool whose backends were all terminated recovers")
    func terminated() async throws {
        let database = try TestDatabase.current.pool(size: 4)
        defer { database.close() }
        for _ in 0..<5 {
            #expect(try await Self.useAll(4, of: database))
            let victim = Task { try await database.execute(.system, "select pg_sleep(60), 'to be terminated'") }
            try await eventually("the statement runs") { try await Probe.database.running("to be terminated") == 1 }
            try await Self.terminateAll()
            let error = await #expect(throws: PostgresError.self) { try await victim.value }
            #expect(["", "57P01"].contains(error?.sqlState))
            try await eventually("the pool works again") { try await Self.useAll(4, of: database) }
        }
    }

    private static func useAll(_ count: Int, of database: Database) async throws -> Bool {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count { group.addTask { try await database.execute(.system, "select pg_sleep(0.01)") } }
            try await group.waitForAll()
            return true
        }
    }

    private static func terminateAll() async throws {
        try await TestDatabase.current.administer { admin in
            try await admin.execute(
                .system, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tests'")
        }
    }

    @Test("a transaction whose backend is terminated fails as a whole, and the next one works")
    func terminatedTransaction() async throws {
        let tenant = ID<Tenant>.new()
        await #expect(throws: PostgresError.self) {
            try await Probe.database.transaction(.tenant(tenant)) { tx in
                try await tx.execute("insert into notes (tenant_id, body) values (\(tenant), 'gone')")
                try await Self.terminateAll()
                try await tx.execute("insert into notes (tenant_id, body) values (\(tenant), 'gone too')")
            }
        }
        try await eventually("the pool works again") { try await Probe.bodies(.tenant(tenant)) == [] }
    }

    @Test("a full queue answers at once that the database is busy, and empties")
    func exhaustion() async throws {
        let database = try TestDatabase.current.pool(size: 1, statementTimeout: 60_000)
        defer { database.close() }
        let holder = Task { try await database.execute(.system, "select pg_sleep(60), 'holds the only connection'") }
        try await eventually("the connection is taken") { try await Probe.database.running("holds the only connection") == 1 }
        var waiting: [Task<String, Never>] = []
        for _ in 0..<4500 {
            waiting.append(
                Task {
                    do {
                        try await database.execute(.system, "select 1")
                        return "served"
                    } catch {
                        return (error as? Fault)?.code ?? "\(error)"
                    }
                })
        }
        // The last ones are refused while the connection is still held, so this ends before the holder does.
        #expect(await waiting[4499].value == "database.busy")
        holder.cancel()
        var answers: [String: Int] = [:]
        for task in waiting { answers[await task.value, default: 0] += 1 }
        #expect(answers == ["served": 4096, "database.busy": 404])
    }

    @Test("a statement over its time ends as too expensive")
    func timeout() async throws {
        let database = try TestDatabase.current.pool(size: 1, statementTimeout: 50)
        defer { database.close() }
        let error = await #expect(throws: PostgresError.self) { try await database.execute(.system, "select pg_sleep(60)") }
        #expect(error?.sqlState == "57014")
        #expect(try await database.one(.system, "select 1 as one") { try $0.value("one", as: Int32.self) } == 1)
    }

    @Test("a server that is not there fails calls instead of holding them")
    func unreachable() async throws {
        let database = Database(try DatabaseConfiguration(url: "postgres://app@127.0.0.1:1/nothing", poolSize: 2), logger: .silent)
        defer { database.close() }
        for _ in 0..<20 {
            let error = await #expect(throws: PostgresError.self) { try await database.execute(.system, "select 1") }
            #expect(error?.sqlState == "")
        }
    }

    @Test("a closed pool serves what waits and refuses the rest")
    func closing() async throws {
        let database = try TestDatabase.current.pool(size: 1)
        let running = Task {
            try await database.one(.system, "select 1 as one, pg_sleep(0.2), 'last statement'") { try $0.value("one", as: Int32.self) }
        }
        try await eventually("the statement runs") { try await Probe.database.running("last statement") == 1 }
        database.close()
        let fault = await #expect(throws: Fault.self) { try await database.execute(.system, "select 1") }
        #expect(fault?.code == "database.closed")
        #expect(try await running.value == 1)
    }

    @Test(
        "a URL that cannot be used is refused with a reason and without the password",
        arguments: [
            ("", "form"), ("http://u:secret@h/db", "form"), ("postgres://:secret@h/db", "user"), ("postgres://u:secret@h/db?typo=1", "typo"),
        ])
    func wrongURLs(_ url: String, _ reason: String) {
        let fault = #expect(throws: Fault.self) { try DatabaseConfiguration(url: url) }
        #expect(fault?.code == "config.database_url")
        #expect(fault?.detail.contains(reason) == true)
        #expect(fault?.detail.contains("secret") == false)
    }
}
