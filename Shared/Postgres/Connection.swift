import CPostgres
import Foundation
import Primitives

/// One libpq connection. It blocks, so it belongs to one thread, which alone may touch it (but for `cancelRunning`).
///
/// It stays in pipeline mode: the statements of a round trip are sent together and end with one Sync. Without an explicit `begin` they form one
/// transaction that the Sync commits, or rolls back when one of them failed (PostgreSQL manual, 34.5 and 55.2.3), which is how a call that is
/// one statement sets its tenant, runs and commits in a single round trip and two commands.
final class Connection {
    /// More distinct statements than any service has; reaching it means that somebody builds SQL from values.
    static let maxPrepared = 256

    private static let setScope = SQLText(
        text: "select set_config('assay.tenant', $1, true), set_config('assay.scope', $2, true)",
        types: [PostgresType.text.rawValue, PostgresType.text.rawValue])

    private let connection: OpaquePointer
    private let cancel: OpaquePointer?
    /// Names of what this connection has prepared.
    private var prepared: [SQLText: String] = [:]
    private var preparedCount = 0

    /// - Throws: `PostgresError` without a state when there is no connection to be had within 5 seconds.
    init(_ configuration: DatabaseConfiguration) throws {
        connection = try Self.open(configuration)
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        PQenterPipelineMode(connection)
        cancel = PQgetCancel(connection)
    }

    static func open(_ configuration: DatabaseConfiguration) throws -> OpaquePointer {
        let parameters = configuration.connectionParameters
        let keys = parameters.map { UnsafePointer(strdup($0.0)) } + [nil]
        let values = parameters.map { UnsafePointer(strdup($0.1)) } + [nil]
        defer { (keys + values).forEach { free(UnsafeMutablePointer(mutating: $0)) } }
        guard let opened = PQconnectdbParams(keys, values, 0) else { throw PostgresError(sqlState: "", message: "out of memory") }
        guard PQstatus(opened) == CONNECTION_OK else {
            defer { PQfinish(opened) }
            throw PostgresError(sqlState: "", message: String(cString: PQerrorMessage(opened)))
        }
        return opened
    }

    deinit {
        PQfreeCancel(cancel)
        PQfinish(connection)
    }

    var isBroken: Bool { PQstatus(connection) != CONNECTION_OK }

    /// Notices that the server has hung up while the connection was idle, so that the next statement is not the one to find out.
    func noticeHangUp() -> Bool {
        PQconsumeInput(connection) == 0 || isBroken
    }

    /// Asks the server to give up what runs. Called from any thread; the owner must be inside `roundTrip`.
    func cancelRunning() {
        var message = [CChar](repeating: 0, count: 256)
        _ = PQcancel(cancel, &message, Int32(message.count))
    }

    // MARK: - Round trips

    /// Has what the server is about to send acknowledged as it is read, not with the next request, which only comes when all of it is here. On connections
    /// that had carried much, long answers were seen to wait 10 to 40 ms although the server was done; a full congestion window whose acknowledgements are
    /// delayed is taken for the cause, which is not proved. Holds until something is sent again (tcp(7), TCP_QUICKACK); does nothing for other sockets.
    private func acknowledgeAtOnce() {
        #if os(Linux)
        var isOn: Int32 = 1
        setsockopt(PQsocket(connection), Int32(IPPROTO_TCP), TCP_QUICKACK, &isOn, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    /// Sends the commands together and collects their answers.
    /// - Returns: the answers to `statements` only, in order.
    /// - Throws: the first failure; commands behind it were not carried out.
    func roundTrip(scope: Scope? = nil, begin: Bool = false, _ statements: [SQL], commit: Bool = false) throws -> [ResultSet] {
        var sent: [Sent] = []
        if begin { try send(SQLText(text: "begin", types: []), [], to: &sent, keeps: false) }
        if let scope { try send(scope, to: &sent) }
        for statement in statements { try send(statement, to: &sent) }
        if commit { try send(SQLText(text: "commit", types: []), [], to: &sent, keeps: false) }
        guard PQpipelineSync(connection) == 1 else { throw lost() }
        acknowledgeAtOnce()
        return try collect(sent)
    }

    /// Sends statements of several scopes together, as one transaction.
    /// - Returns: the answer to each, in order.
    /// - Throws: the first failure, which is all that is known of the others then.
    func roundTrip(_ statements: [(scope: Scope, statement: SQL)]) throws -> [ResultSet] {
        var sent: [Sent] = []
        var current: Scope?
        for (scope, statement) in statements {
            if scope != current { try send(scope, to: &sent) }
            current = scope
            try send(statement, to: &sent)
        }
        guard PQpipelineSync(connection) == 1 else { throw lost() }
        acknowledgeAtOnce()
        return try collect(sent)
    }

    /// The last answer of statements in a transaction of their own, once more when a migration has changed what one of them returns.
    func answer(_ scope: Scope, _ statements: [SQL]) throws -> ResultSet {
        do {
            return try roundTrip(scope: scope, statements)[statements.count - 1]
        } catch let error as PostgresError where error.isStalePlan {
            try forgetPrepared()
            return try roundTrip(scope: scope, statements)[statements.count - 1]
        }
    }

    /// Several statements as text, outside of any pipeline: migrations, and what cannot run inside a transaction.
    func script(_ text: String) throws {
        guard PQexitPipelineMode(connection) == 1 else { throw lost() }
        defer { PQenterPipelineMode(connection) }
        guard let result = PQexec(connection, text) else { throw lost() }
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY else { throw PostgresError(result) }
    }

    /// Ends an open transaction without a trace.
    func rollback() throws {
        try command("rollback")
    }

    /// Forgets every prepared statement: too many of them, or a migration changed what one returns.
    func forgetPrepared() throws {
        prepared = [:]
        try command("deallocate all")
    }

    var hasTooManyPrepared: Bool { prepared.count >= Self.maxPrepared }

    private func command(_ text: String) throws {
        guard PQsendQueryParams(connection, text, 0, nil, nil, nil, nil, 1) == 1, PQpipelineSync(connection) == 1 else { throw lost() }
        _ = try collect([.command(keeps: false)])
    }

    private enum Sent {
        case preparation(of: SQLText)
        case command(keeps: Bool)
    }

    /// One text can be prepared for values of several types, and means something else with each.
    private struct SQLText: Hashable {
        let text: String
        let types: [UInt32]
    }

    private func send(_ scope: Scope, to sent: inout [Sent]) throws {
        try send(Self.setScope, [Parameter(scope.tenantText), Parameter(scope.name)], to: &sent, keeps: false)
    }

    private func send(_ statement: SQL, to sent: inout [Sent]) throws {
        try send(SQLText(text: statement.text, types: statement.values.map(\.type)), statement.values, to: &sent, keeps: true)
    }

    private func send(_ statement: SQLText, _ values: [Parameter], to sent: inout [Sent], keeps: Bool) throws {
        let name: String
        if let known = prepared[statement] {
            name = known
        } else {
            preparedCount += 1
            name = "s\(preparedCount)"
            // The name is taken at once, so that the same statement twice in a round trip is prepared once; `collect` takes it back on failure.
            prepared[statement] = name
            guard PQsendPrepare(connection, name, statement.text, Int32(statement.types.count), statement.types) == 1 else { throw lost() }
            sent.append(.preparation(of: statement))
        }
        let done = Self.withPointers(to: values) { pointers, lengths, formats in
            PQsendQueryPrepared(connection, name, Int32(values.count), pointers, lengths, formats, 1)
        }
        guard done == 1 else { throw lost() }
        sent.append(.command(keeps: keeps))
    }

    private func collect(_ sent: [Sent]) throws -> [ResultSet] {
        var kept: [ResultSet] = []
        var failure: PostgresError?
        for command in sent {
            guard let result = PQgetResult(connection) else { throw failure ?? lost() }
            let set = ResultSet(result)
            while let further = PQgetResult(connection) { PQclear(further) }
            let status = PQresultStatus(result)
            let isGood = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
            if status == PGRES_FATAL_ERROR, failure == nil { failure = PostgresError(result) }
            if isBroken { throw failure ?? lost() }
            switch command {
            case .preparation(let statement): if !isGood { prepared[statement] = nil }
            case .command(let keeps): if keeps { kept.append(set) }
            }
        }
        // The Sync's own answer.
        if let sync = PQgetResult(connection) { PQclear(sync) }
        if isBroken { throw failure ?? lost() }
        if let failure { throw failure }
        return kept
    }

    private func lost() -> PostgresError {
        PostgresError(sqlState: "", message: String(cString: PQerrorMessage(connection)))
    }

    /// The values where libpq wants them: a pointer, a length and a format each, copied by nobody.
    private static func withPointers(
        to values: [Parameter],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Int32
    ) -> Int32 {
        var pointers = [UnsafePointer<CChar>?](repeating: nil, count: values.count)
        let lengths = values.map { Int32($0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: values.count)
        func bind(_ index: Int) -> Int32 {
            guard index < values.count else { return body(pointers, lengths, formats) }
            guard let bytes = values[index].bytes else { return bind(index + 1) }
            return bytes.withUnsafeBytes { buffer in
                // An empty value is not NULL, so it needs an address all the same.
                pointers[index] = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) ?? Self.empty
                return bind(index + 1)
            }
        }
        return bind(0)
    }

    nonisolated(unsafe) private static let empty: UnsafePointer<CChar> = {
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        pointer.pointee = 0
        return UnsafePointer(pointer)
    }()
}
