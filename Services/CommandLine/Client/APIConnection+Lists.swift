import Foundation

extension APIConnection {
    /// Goes through a list page by page.
    /// - Parameter take: gets each page as it came; `false` ends.
    func pages(_ path: String, query: [(String, String)] = [], _ take: (Data) throws -> Bool) async throws {
        struct Position: Decodable {
            struct Page: Decodable { let nextCursor: String? }
            let page: Page?
        }
        var cursor = ""
        repeat {
            let items = query + [("limit", "200")] + (cursor.isEmpty ? [] : [("cursor", cursor)])
            let page = try await get(path, query: items)
            guard try take(page) else { return }
            cursor = try Self.decode(Position.self, page).page?.nextCursor ?? ""
        } while !cursor.isEmpty
    }

    /// Makes something once, however often it has to be asked for.
    func create(_ path: String, json: Data) async throws -> Data {
        let key = UUID().uuidString.lowercased()
        let clock = ContinuousClock()
        let start = clock.now
        var attempt = 1
        while true {
            do {
                return try await post(path, json: json, headers: [("idempotency-key", key)])
            } catch let failure as ClientFailure {
                if case .refused(let problem) = failure, !problem.isPassing { throw failure }
                guard
                    let delay = RetryPolicy().delay(attempt: attempt, elapsed: clock.now - start, retryAfter: nil, chance: .random(in: 0...1))
                else { throw failure }
                attempt += 1
                try await Task.sleep(for: delay)
            }
        }
    }
}
