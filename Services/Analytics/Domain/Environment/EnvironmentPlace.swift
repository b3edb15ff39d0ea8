import Foundation
import Primitives

/// A host, a zone, an hour or a run, as people and incidents name it.
enum EnvironmentPlace: Sendable, Equatable {
    case host(String)
    case zone(String)
    /// Its beginning.
    case hour(Date)
    case run(ID<Run>)

    /// Characters of the name of a host or zone: more than reports may give them.
    static let maxName = 1000

    /// - Throws: `request.invalid` at `/place`.
    init(_ kind: EnvironmentIncident.Kind, _ name: String) throws(Fault) {
        switch kind {
        case .host: self = try .host(Self.checked(name))
        case .zone: self = try .zone(Self.checked(name))
        case .hour:
            guard let hour = try? Date(name, strategy: .iso8601), hour.timeIntervalSince1970.truncatingRemainder(dividingBy: 3600) == 0 else {
                throw .invalidField("/place", "invalid", "It is the beginning of an hour in UTC: 2026-03-01T14:00:00Z.")
            }
            self = .hour(hour)
        case .run:
            guard let run = try? ID<Run>(name) else {
                throw .invalidField("/place", "invalid_id", "It is the id of a run: \(Run.idPrefix)_ followed by 26 characters.")
            }
            self = .run(run)
        }
    }

    private static func checked(_ name: String) throws(Fault) -> String {
        guard (1...maxName).contains(name.unicodeScalars.count), !name.utf8.contains(0) else {
            throw .invalidField("/place", "invalid", "A name has 1 to \(maxName) characters, and no NUL.")
        }
        return name
    }

    var kind: EnvironmentIncident.Kind {
        switch self {
        case .host: .host
        case .zone: .zone
        case .hour: .hour
        case .run: .run
        }
    }

    /// As `EnvironmentIncident.place`.
    var name: String {
        switch self {
        case .host(let name), .zone(let name): name
        case .hour(let hour): hour.formatted(.iso8601)
        case .run(let run): "\(run)"
        }
    }
}
