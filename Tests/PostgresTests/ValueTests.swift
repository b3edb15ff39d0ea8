import Foundation
import Postgres
import Primitives
import TestSupport
import Testing

@Suite(.database(Probe.schema))
struct ValueTests {
    @Test("every type comes back as it was sent", arguments: RoundTrip.all)
    func roundTrip(_ value: RoundTrip) async throws {
        try await value.check(Probe.database)
    }

    @Test(
        "a time from the database goes back unchanged, to the microsecond",
        arguments: [
            "2026-03-01 10:07:00.123456+00", "1970-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "2262-06-07 08:09:10.000001+00",
            "1815-12-10 00:00:00.000001+00",
        ])
    func times(_ text: String) async throws {
        let date = try await Probe.database.one(.system, "select \(text)::timestamptz as t") { try $0.value("t", as: Date.self) }
        let isSame = try await Probe.database.one(.system, "select \(date) = \(text)::timestamptz as same") { try $0.value("same", as: Bool.self) }
        #expect(isSame)
    }

    @Test("NULL reads as nil, and is an error where no nil can be")
    func null() async throws {
        let absent: String? = nil
        let read = try await Probe.database.one(.system, "select \(absent) as v, \(absent) is null as isnull") { row in
            #expect(throws: DecodingFault.self) { try row.value("v", as: String.self) }
            return try (row.value("v", as: String?.self), row.value("isnull", as: Bool.self))
        }
        #expect(read.0 == nil)
        #expect(read.1)
    }

    @Test("a column of another type, or none, is an error and not a guess")
    func wrongColumns() async throws {
        let sql: SQL = "select 1.5::numeric as n, 'x'::text as t, array[1, null]::int8[] as holes"
        try await Probe.database.one(.system, sql) { (row: Row) throws -> Void in
            #expect(throws: DecodingFault.self) { try row.value("n", as: Double.self) }
            #expect(throws: DecodingFault.self) { try row.value("t", as: Int.self) }
            #expect(throws: DecodingFault.self) { try row.value("holes", as: [Int].self) }
            #expect(throws: DecodingFault.self) { try row.value("missing", as: Int.self) }
            #expect(try row.value("holes", as: [Int?].self) == [1, nil])
        }
    }

    @Test("narrower integers read as wider ones")
    func widening() async throws {
        let sql: SQL = "select -2::int2 as small, -3::int4 as middle, count(*) as big from notes where false"
        try await Probe.database.one(.system, sql) { (row: Row) throws -> Void in
            #expect(try row.value("small", as: Int.self) == -2)
            #expect(try row.value("middle", as: Int64.self) == -3)
            #expect(try row.value("big", as: Int.self) == 0)
        }
    }

    @Test("a hundred thousand rows travel as one unnest with array parameters")
    func bulk() async throws {
        let database = try TestDatabase.current.pool(size: 1, statementTimeout: 60_000)
        defer { database.close() }
        let tenant = ID<Tenant>.new()
        let bodies = (0..<100_000).map { "line \($0)" }
        let inserted = try await database.execute(
            .tenant(tenant), "insert into notes (tenant_id, body) select \(tenant), b from unnest(\(bodies)) as b")
        #expect(inserted == bodies.count)
        #expect(Set(try await Probe.bodies(.tenant(tenant), in: database)) == Set(bodies))
    }
}

/// One value and the check that it survives the way to PostgreSQL and back, alone and beside others.
struct RoundTrip: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let check: @Sendable (Database) async throws -> Void

    private init<T: PostgresValue & Equatable>(_ value: T) {
        testDescription = "\(T.self): \(String(describing: value).prefix(40))"
        check = { database in
            try await database.one(.system, "select 'before' as a, \(value) as value, 'behind' as z") { (row: Row) throws -> Void in
                #expect(try row.value("value", as: T.self) == value)
                #expect(try row.value("a", as: String.self) + row.value("z", as: String.self) == "beforebehind")
            }
        }
    }

    static let all: [RoundTrip] = scalars + arrays

    private static let scalars: [RoundTrip] = [
        .init(true), .init(false), .init(Int16.min), .init(Int32.max), .init(Int64.min), .init(Int.max), .init(0),
        .init(Double.pi), .init(-Double.infinity), .init(Double.leastNonzeroMagnitude), .init(""), .init("Grüße, 世界 👩‍👩‍👧 '\"\\$1"),
        .init(String(repeating: "x", count: 1_000_000)), .init(UUID()), .init(ID<Tenant>.new()), .init(Data()), .init(Data([0, 255, 0, 39])),
        .init(Date(timeIntervalSince1970: 1_790_000_000.5)), .init(JSONText("{\"a\": [1, null]}")),
        .init(String?.none), .init(Int?.none), .init(UUID?.none), .init(Date?.none), .init(Data?.none), .init(Int?.some(7)),
    ]

    private static let arrays: [RoundTrip] = [
        .init([true, false]), .init([Int16(1), -1]), .init([Int32]()), .init([Int64.max, .min]), .init([1, 2, 3]), .init([0.5, -0.0]),
        .init(["", "a,b", "{\"", "NULL", "ß"]), .init([String]()), .init([UUID(), UUID()]), .init([ID<Tenant>.new()]), .init([Data(), Data([0])]),
        .init([Date(timeIntervalSince1970: 0)]), .init([JSONText("1"), JSONText("[]")]),
        .init(["a", nil, "b"]), .init([Int?.none]), .init([UUID?]()), .init([nil, 1.5]), .init([String]?.none), .init([true, nil]),
    ]
}
