import Foundation
import Logging
import Metrics
import Primitives
import Synchronization

/// The keys of providers of ID tokens, as far as they have been asked for them. Only issuers that some trust policy names are ever asked, and each by
/// one request at a time, however many wait.
///
/// Inventing key ids makes nobody ask more often than once a minute (T45), and a provider that does not answer is left alone for ten seconds.
final class ProviderKeys: Sendable {
    /// Seconds between two looks for a key that is not among those of an issuer.
    static let pause: TimeInterval = 60
    /// Between two tries to reach an issuer that has never answered.
    static let pauseAfterFailure: TimeInterval = 10
    /// Then they are asked for again: what a provider has withdrawn must not be good for longer.
    static let life: TimeInterval = 600
    /// So long keys are gone by when their issuer cannot be reached.
    static let lifeWithoutIssuer: TimeInterval = 3_600
    static let maxIssuers = 500

    /// - Throws: whatever keeps the keys from being read; it is logged.
    typealias Fetch = @Sendable (_ issuer: String) async throws -> ProviderKeySet

    private let fetch: Fetch
    private let logger: Logger
    private let issuers = Mutex<[String: Issuer]>([:])
    private let fetches = Counter(label: "oidc_key_fetches")

    private struct Issuer {
        var keys: [String: ProviderKey] = [:]
        var fetchedAt: Date?
        var triedAt = Date.distantPast
        /// At the last try: a key that is not known may be a new one.
        var hasFailed = false
        var fetching: Task<Void, Never>?
    }

    private enum Step {
        case known(ProviderKey)
        case unknown
        case unreachable
        case wait(Task<Void, Never>)
    }

    init(logger: Logger, fetch: @escaping Fetch) {
        self.logger = logger
        self.fetch = fetch
    }

    /// - Returns: `nil` when the issuer has no such key.
    /// - Throws: `idp_unreachable`.
    func key(_ id: String, of issuer: String, now: Date) async throws -> ProviderKey? {
        var step = issuers.withLock { begin(id, issuer, &$0, now) }
        if case .wait(let task) = step {
            await task.value
            step = issuers.withLock { Self.look(id, $0[issuer] ?? Issuer(), now) }
        }
        switch step {
        case .known(let key): return key
        case .unknown: return nil
        case .unreachable, .wait: throw Fault.providerUnreachable
        }
    }

    /// What is known without asking, when it is new enough; else a question that is under way, or is put now if it may be.
    private func begin(_ id: String, _ name: String, _ issuers: inout [String: Issuer], _ now: Date) -> Step {
        let issuer = issuers[name] ?? Issuer()
        if let key = issuer.keys[id], let fetchedAt = issuer.fetchedAt, now.timeIntervalSince(fetchedAt) < Self.life { return .known(key) }
        if let task = issuer.fetching { return .wait(task) }
        let pause = issuer.fetchedAt == nil ? Self.pauseAfterFailure : Self.pause
        guard now.timeIntervalSince(issuer.triedAt) >= pause else { return Self.look(id, issuer, now) }
        if issuers[name] == nil, issuers.count >= Self.maxIssuers { Self.makeRoom(&issuers) }
        let task = Task { await ask(name, now) }
        issuers[name, default: Issuer()].triedAt = now
        issuers[name]?.fetching = task
        return .wait(task)
    }

    /// What there is, whether or not it is new.
    private static func look(_ id: String, _ issuer: Issuer, _ now: Date) -> Step {
        guard let fetchedAt = issuer.fetchedAt, now.timeIntervalSince(fetchedAt) < lifeWithoutIssuer else { return .unreachable }
        if let key = issuer.keys[id] { return .known(key) }
        return issuer.hasFailed ? .unreachable : .unknown
    }

    private func ask(_ name: String, _ now: Date) async {
        fetches.increment()
        do {
            let found = try await fetch(name)
            issuers.withLock { issuers in
                issuers[name]?.keys = found.keys
                issuers[name]?.fetchedAt = now
                issuers[name]?.hasFailed = false
                issuers[name]?.fetching = nil
            }
        } catch {
            logger.warning("the keys of an issuer could not be read", metadata: ["issuer": "\(name)", "cause": "\(error)"])
            issuers.withLock { issuers in
                issuers[name]?.hasFailed = true
                issuers[name]?.fetching = nil
            }
        }
    }

    /// Forgets those that were asked longest ago.
    private static func makeRoom(_ issuers: inout [String: Issuer]) {
        let idle = issuers.filter { $0.value.fetching == nil }.sorted { $0.value.triedAt < $1.value.triedAt }
        for (name, _) in idle.prefix(max(1, maxIssuers / 10)) { issuers[name] = nil }
    }
}
