import Foundation
import Primitives

/// Where a Redis or Valkey server is: `redis://[[user]:password@]host[:port][/database]`.
package struct RedisConfiguration: Sendable, Equatable {
    package let host: String
    package let port: Int
    package let user: String?
    package let password: String?
    package let database: Int

    /// - Throws: `redis.invalid_url`. The URL may hold a password, so it is not repeated.
    package init(url text: String) throws(Fault) {
        guard let parts = URLComponents(string: text), parts.scheme == "redis", let host = parts.host, !host.isEmpty, parts.query == nil else {
            throw Fault(.invalid, "redis.invalid_url", "Expected redis://[[user]:password@]host[:port][/database].")
        }
        let path = parts.path.drop { $0 == "/" }
        guard let database = path.isEmpty ? 0 : Int(path), (0...1_000_000).contains(database) else {
            throw Fault(.invalid, "redis.invalid_url", "What follows the host must be the number of a database.")
        }
        self.host = host
        port = parts.port ?? 6379
        user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        password = parts.password
        self.database = database
    }
}

/// Why a call has no answer. Nobody knows whether it was carried out.
package enum RedisError: Error, Equatable, Sendable {
    /// There is no connection at the moment; the call was not sent.
    case down
    /// The answer did not come in time.
    case slow
    /// The connection broke while the call was under way.
    case broken
    /// The server refused, in its own words.
    case refused(String)
}

/// A Lua script that the server runs as one step. Loaded on every new connection, so that a call sends its digest only.
package struct RedisScript: Sendable, Hashable {
    let source: String

    package init(_ source: String) { self.source = source }
}
