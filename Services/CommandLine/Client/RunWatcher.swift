import AsyncHTTPClient
import Foundation
import NIOCore

/// Follows a run to its end: by its event stream, going on where a broken one ended; where streams do not get through, by asking again and again;
/// with a key that may not read runs, as a CI's, by asking for its state alone.
struct RunWatcher: Sendable {
    /// Streams that broke off without a word before we stop believing in them: proxies that collect answers look like this.
    private static let maxSilentStreams = 3
    /// How long the server may be away in between.
    private static let maxOutage = Duration.seconds(120)
    /// Seconds that one question waits for the run's end.
    private static let wait = 20

    let connection: APIConnection
    let run: String

    /// - Returns: the finished run.
    /// - Throws: `timedOut` after `limit`; `refused`, `unreachable`.
    func finished(within limit: TimeLimit?, onUpdate: @escaping @Sendable (Run) -> Void) async throws -> Run {
        guard let limit else { return try await follow(onUpdate) }
        return try await withThrowingTaskGroup(of: Run.self) { group in
            group.addTask { try await follow(onUpdate) }
            group.addTask {
                try await Task.sleep(for: .seconds(limit.seconds))
                throw ClientFailure.timedOut("run \(run) is not finished after \(limit.seconds) s")
            }
            defer { group.cancelAll() }
            guard let run = try await group.next() else { throw CancellationError() }
            return run
        }
    }

    private func follow(_ onUpdate: @Sendable (Run) -> Void) async throws -> Run {
        var lastID: String?
        var silent = 0
        var mayRead = !connection.isOfBuild
        var attempt = 1
        var reached = ContinuousClock.now
        while true {
            do {
                if !mayRead {
                    let run = Run(id: self.run, state: try await connection.state(of: self.run, wait: Self.wait))
                    if run.isFinished { return run }
                    onUpdate(run)
                } else if silent < Self.maxSilentStreams {
                    let (id, run) = try await stream(after: lastID, onUpdate)
                    if let run { return run }
                    silent = id == lastID ? silent + 1 : 0
                    lastID = id
                } else {
                    let run = try await poll()
                    if run.isFinished { return run }
                    onUpdate(run)
                }
                attempt = 1
                reached = .now
            } catch ClientFailure.refused(let problem) where problem.status == 403 && mayRead {
                mayRead = false
                continue
            } catch let failure as ClientFailure {
                guard failure.exitStatus == .unreachable, ContinuousClock.now - reached < Self.maxOutage else { throw failure }
                silent = min(silent + 1, Self.maxSilentStreams)
                attempt += 1
            }
            let pause = RetryPolicy(patience: .seconds(3_600)).delay(attempt: attempt, elapsed: .zero, retryAfter: nil, chance: .random(in: 0...1))
            try await Task.sleep(for: pause ?? RetryPolicy.longest)
        }
    }

    private struct RunEvent: Decodable {
        let run: Run?
    }

    /// - Returns: the id of the last event, and the run when it is finished.
    private func stream(after lastID: String?, _ onUpdate: (Run) -> Void) async throws -> (String?, Run?) {
        let body = try await connection.events("\(Run.path(run))/events", lastID: lastID)
        var reader = EventReader()
        do {
            for try await piece in body {
                for event in try reader.take(piece.readableBytesView) {
                    guard let run = try APIConnection.decode(RunEvent.self, Data(event.data.utf8)).run else { continue }
                    if run.isFinished { return (reader.lastID, run) }
                    onUpdate(run)
                }
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            // What came before it broke counts: the next stream goes on there.
            if reader.lastID == nil { throw connection.unreachable(error) }
        }
        return (reader.lastID ?? lastID, nil)
    }

    private func poll() async throws -> Run {
        try await connection.get(Run.self, Run.path(run), query: [("wait", "\(Self.wait)")], patience: .seconds(60))
    }
}
