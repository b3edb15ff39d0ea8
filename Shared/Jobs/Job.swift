import Foundation
import Primitives

/// One claimed job, as its handler sees it.
package struct Job: Identified, Sendable, Equatable {
    package static let idPrefix = "job"

    package let id: ID<Job>
    package let tenant: ID<Tenant>
    package let kind: String
    package let key: String?
    /// Counts from 1; raised by every claim, so that a try that crashed the process counts too.
    package let attempt: Int
    /// Raised by every claim. A handler that can pass it on to the outside (as an attempt id, a conditional write) keeps a late twin from doing harm.
    package let epoch: Int64
    package let enqueuedAt: Date

    /// The queue makes these; a handler's test may too.
    package init(
        id: ID<Job> = .new(), tenant: ID<Tenant>, kind: String, key: String? = nil, attempt: Int = 1, epoch: Int64 = 1, enqueuedAt: Date = Date()
    ) {
        self.id = id
        self.tenant = tenant
        self.kind = kind
        self.key = key
        self.attempt = attempt
        self.epoch = epoch
        self.enqueuedAt = enqueuedAt
    }

    var lease: JobLease { JobLease(tenant: tenant, id: id, epoch: epoch) }
}

/// The right to write about one job, from its claim until somebody else claims it. Every write names it; one that changes no row was refused.
struct JobLease: Hashable, Sendable {
    let tenant: ID<Tenant>
    let id: ID<Job>
    let epoch: Int64
}
