import CPostgres
import Primitives

/// One row of an answer. Values are decoded when they are asked for.
package struct Row {
    let result: ResultSet
    let index: Int32

    /// - Throws: `DecodingFault` when there is no such column, its type is another one, or it is NULL and `T` is not optional.
    package func value<T: PostgresValue>(_ column: String, as type: T.Type = T.self) throws -> T {
        guard let place = result.columns[column] else { throw DecodingFault(description: "the answer has no column \(column)") }
        if PQgetisnull(result.pointer, index, place) != 0 {
            guard let null = T.null else { throw DecodingFault(description: "column \(column) is NULL, which \(T.self) cannot be") }
            return null
        }
        let found = PostgresType(rawValue: PQftype(result.pointer, place))
        guard found == T.postgresType || T.alsoReads.contains(found) else {
            throw DecodingFault(description: "column \(column) has type \(found.rawValue), which is not read as \(T.self)")
        }
        let bytes = UnsafeRawBufferPointer(start: PQgetvalue(result.pointer, index, place), count: Int(PQgetlength(result.pointer, index, place)))
        return try T(from: bytes)
    }
}

/// An answer of libpq, freed with its last row. libpq allows reading it from any thread.
final class ResultSet: @unchecked Sendable {
    let pointer: OpaquePointer
    let columns: [String: Int32]

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        var columns: [String: Int32] = [:]
        for index in 0..<PQnfields(pointer) { columns[String(cString: PQfname(pointer, index))] = index }
        self.columns = columns
    }

    deinit { PQclear(pointer) }

    var count: Int32 { PQntuples(pointer) }

    /// Rows that an insert, update or delete touched.
    var affected: Int {
        guard let text = PQcmdTuples(pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }
}
