import Foundation
import FoundationNetworking

/// A plain HTTP client for tests that act as a user would.
package struct APIClient: Sendable {
    package let url: String
    package let key: String

    package init(url: String, key: String) {
        self.url = url
        self.key = key
    }

    package init(_ stack: Stack) {
        self.init(url: stack.url + "/api/v1", key: stack.apiKey)
    }

    package func get(_ path: String, headers: [String: String] = [:]) async throws -> APIAnswer {
        try await send("GET", path, body: nil, headers: headers)
    }

    /// Sends JSON. `body` is what JSONSerialization takes.
    package func post(_ path: String, _ body: [String: Any] = [:], headers: [String: String] = [:]) async throws -> APIAnswer {
        let data = try JSONSerialization.data(withJSONObject: body)
        return try await send("POST", path, body: data, headers: headers.merging(["Content-Type": "application/json"]) { own, _ in own })
    }

    package func send(_ method: String, _ path: String, body: Data?, headers: [String: String] = [:]) async throws -> APIAnswer {
        guard let target = URL(string: url + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: target, timeoutInterval: 90)
        request.httpMethod = method
        request.httpBody = body
        if !key.isEmpty { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.answer(to: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var fields: [String: String] = [:]
        for (name, value) in response.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        return APIAnswer(status: response.statusCode, headers: fields, body: data)
    }
}

extension URLSession {
    /// Ends with its answer, or with its time, also when the task is cancelled meanwhile. `data(for:)` must not be used where that can be: on Linux
    /// cancelling holds the task's lock and waits for the session's queue, while an answer that arrives just then holds the queue and waits for the lock.
    fileprivate func answer(to request: URLRequest) async throws -> (Data, URLResponse) {
        try await withCheckedThrowingContinuation { continuation in
            let task = dataTask(with: request) { data, response, error in
                if let data, let response {
                    continuation.resume(returning: (data, response))
                } else {
                    continuation.resume(throwing: error ?? URLError(.unknown))
                }
            }
            task.resume()
        }
    }
}

/// What came back.
package struct APIAnswer: Sendable {
    package let status: Int
    /// Names in lower case.
    package let headers: [String: String]
    package let body: Data

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The JSON value at a path of keys and indexes, `nil` where there is none: `answer["data.0.id"]`.
    package subscript(path: String) -> Any? {
        var value = try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed)
        for step in path.split(separator: ".") {
            if let list = value as? [Any] {
                value = Int(step).flatMap { list.indices.contains($0) ? list[$0] : nil }
            } else {
                value = (value as? [String: Any])?[String(step)]
            }
        }
        return value
    }

    /// Empty where there is no text at `path`.
    package func string(_ path: String) -> String { self[path] as? String ?? "" }

    /// 0 where there is no number at `path`.
    package func integer(_ path: String) -> Int { (self[path] as? NSNumber)?.intValue ?? 0 }
}
