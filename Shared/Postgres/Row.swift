import CPostgres
import Primitives

/// One row of an answer. Values are decoded when they are asked for.
///
/// What a value is decoded by can be inlined, here and in the values themselves, so that it is compiled for the type that is asked for: where many rows
/// are read, finding out about types at run time was a third of all processor time (Analytics' intake, by `perf`).
@usableFromInline
package struct Row {
    let result: ResultSet
    let index: Int32

    /// - Throws: `DecodingFault` when there is no such column, its type is another one, or it is NULL and `T` is not optional.
    @inlinable
    package func value<T: PostgresValue>(_ column: String, as type: T.Type = T.self) throws -> T {
        let cell = try cell(column)
        guard let bytes = cell.bytes else {
            guard let null = T.null else { throw DecodingFault(description: "column \(column) is NULL, which \(T.self) cannot be") }
            return null
        }
        guard cell.type == T.postgresType || T.alsoReads.contains(cell.type) else {
            throw DecodingFault(description: "column \(column) has type \(cell.type.rawValue), which is not read as \(T.self)")
        }
        return try T(from: bytes)
    }

    /// `nil` bytes are NULL; others are good as long as the row is.
    @usableFromInline
    func cell(_ column: String) throws -> (type: PostgresType, bytes: UnsafeRawBufferPointer?) {
        // A dozen names, mostly short ones that compare as two words.
        guard let place = result.columns.firstIndex(of: column).map(Int32.init) else {
            throw DecodingFault(description: "the answer has no column \(column)")
        }
        let type = PostgresType(rawValue: PQftype(result.pointer, place))
        guard PQgetisnull(result.pointer, index, place) == 0 else { return (type, nil) }
        return (
            type, UnsafeRawBufferPointer(start: PQgetvalue(result.pointer, index, place), count: Int(PQgetlength(result.pointer, index, place)))
        )
    }
}

/// An answer of libpq, freed with its last row. libpq allows reading it from any thread.
final class ResultSet: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Names, in their order.
    let columns: [String]

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        columns = (0..<PQnfields(pointer)).map { String(cString: PQfname(pointer, $0)) }
    }

    deinit { PQclear(pointer) }

    var count: Int32 { PQntuples(pointer) }

    /// Rows that an insert, update or delete touched.
    var affected: Int {
        guard let text = PQcmdTuples(pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }
}
