import Foundation
import Primitives

/// One event on its way to one channel.
struct Delivery: Identified, Sendable {
    static let idPrefix = "dlv"

    enum State: String, Sendable, CaseIterable { case pending, delivered, failed, blocked }

    let id: ID<Delivery>
    let channel: ID<Channel>
    let event: String
    let eventType: String
    let project: ID<Project>?
    let body: String
    let state: State
    let attempts: Int32
    let lastStatus: Int32
    let lastError: String
    let nextAttemptAt: Date?
    let createdAt: Date
    let deliveredAt: Date?
}

/// How one attempt went.
struct Attempt: Sendable {
    static let maxExcerptBytes = 4096

    let number: Int32
    let at: Date
    /// 0 without an answer.
    let status: Int32
    /// Empty when there was an answer.
    let error: String
    let milliseconds: Int64
    let excerpt: String
}
