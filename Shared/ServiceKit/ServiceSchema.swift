import Audit
import Jobs
import Postgres

/// The tables that every service has beside its own, in the service's schema.
package enum ServiceSchema {
    package static let components = [JobSchema.schema, AuditSchema.schema]
}
