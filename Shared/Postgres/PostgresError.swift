import CPostgres
import Primitives

/// What PostgreSQL said. Stores match on `constraint`; what nobody matches becomes a fault by its class.
package struct PostgresError: Error, CustomStringConvertible {
    /// Five characters (PostgreSQL manual, appendix A); empty when the connection itself failed.
    package let sqlState: String
    package let constraint: String?
    package let table: String?
    /// For logs only.
    package let message: String

    package init(sqlState: String, constraint: String? = nil, table: String? = nil, message: String) {
        self.sqlState = sqlState
        self.constraint = constraint
        self.table = table
        self.message = message
    }

    init(_ result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        sqlState = field("C") ?? ""
        constraint = field("n")
        table = field("t")
        message = field("M") ?? String(cString: PQresultErrorMessage(result)).trimmingSuffix()
    }

    package var description: String { "PostgreSQL \(sqlState.isEmpty ? "connection" : sqlState): \(message)" }

    /// Another try of the whole transaction may succeed: serialization failure, deadlock.
    var isRetryable: Bool { sqlState == "40001" || sqlState == "40P01" }

    /// A migration changed the shape of what a prepared statement returns.
    var isStalePlan: Bool { sqlState == "0A000" && message.contains("cached plan") }

    /// The connection is gone or going.
    var isConnectionLoss: Bool { sqlState.isEmpty || sqlState.hasPrefix("08") || sqlState.hasPrefix("57P") }

    /// What users are told when no store knows better.
    package var fault: Fault {
        switch sqlState {
        case "57014": .unavailable("database.query_too_expensive", "The query took too long.", retryAfter: .seconds(5))
        case "55P03", "40001", "40P01": .unavailable("database.busy", "Another writer is at work on the same rows; try again.")
        case "22P05", "22021": Fault(.invalid, "request.invalid_text", "Text must be valid UTF-8 without the character NUL.")
        case _ where isConnectionLoss || sqlState.hasPrefix("53"):
            .unavailable("database.unavailable", "The database is not available at the moment.")
        default: Fault(.internal, "internal", "Something went wrong on our side.")
        }
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
