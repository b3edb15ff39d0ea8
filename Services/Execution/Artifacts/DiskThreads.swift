import Dispatch

/// Threads for calls that block: files, and libcurl. The threads of Swift's own pool are as many as cores, and a slow disk would stop all of them.
enum DiskThreads {
    private static let queue = DispatchQueue(label: "artifacts", attributes: .concurrent)

    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
