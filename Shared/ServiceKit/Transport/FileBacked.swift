import Foundation
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Something made of files, such as a TLS context, and made anew when one of them is replaced.
///
/// What cannot be loaded leaves the last good one in place: a certificate whose key is not there yet, a file that is half written. That is
/// logged once for each state of the files and counted (`file_reloads`), and tried again until it works.
package final class FileBacked<Value: Sendable>: Service, Sendable {
    /// Also the longest time that a replaced certificate goes unnoticed.
    static var interval: Duration { .seconds(2) }

    private let name: String
    private let paths: [String]
    private let logger: Logger
    private let load: @Sendable () throws -> Value
    private let state: Mutex<State>
    private let succeeded: Counter
    private let failed: Counter

    private struct State {
        var value: Value
        var loaded: [FileStamp?]
        /// The state of the files that could not be loaded, so that it is said once.
        var refused: [FileStamp?]?
    }

    /// - Parameters:
    ///   - name: of what is made, for logs and metrics.
    ///   - paths: what is watched; symbolic links are followed, since Kubernetes replaces secrets by moving one.
    /// - Throws: what `load` throws: a process does not start with files that it cannot use.
    package init(_ name: String, paths: [String], logger: Logger, load: @escaping @Sendable () throws -> Value) throws {
        self.name = name
        self.paths = paths
        self.logger = logger
        self.load = load
        succeeded = Counter(label: "file_reloads", dimensions: [("name", name), ("result", "loaded")])
        failed = Counter(label: "file_reloads", dimensions: [("name", name), ("result", "failed")])
        let stamps = paths.map(FileStamp.init)
        state = Mutex(State(value: try load(), loaded: stamps))
    }

    package var value: Value { state.withLock { $0.value } }

    package func run() async throws {
        while !Task.isCancelled && !Task.isShuttingDownGracefully {
            refresh()
            do {
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
            } catch {
                return
            }
        }
    }

    /// Loads anew if a file has changed.
    package func refresh() {
        let stamps = paths.map(FileStamp.init)
        guard state.withLock({ $0.loaded != stamps }) else { return }
        do {
            let value = try load()
            state.withLock { $0 = State(value: value, loaded: stamps) }
            succeeded.increment()
            logger.notice("\(name) loaded anew")
        } catch {
            let isNew = state.withLock { state in
                defer { state.refused = stamps }
                return state.refused != stamps
            }
            guard isNew else { return }
            failed.increment()
            logger.error("\(name) cannot be loaded; the last good one stays in use", metadata: ["cause": "\(error)"])
        }
    }
}

/// What tells one state of a file from another without reading it.
private struct FileStamp: Equatable {
    private let inode: Int
    private let size: Int
    private let modified: Date

    /// `nil` when there is no such file.
    init?(_ path: String) {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else { return nil }
        inode = (attributes[.systemFileNumber] as? NSNumber)?.intValue ?? 0
        size = (attributes[.size] as? NSNumber)?.intValue ?? 0
        modified = attributes[.modificationDate] as? Date ?? .distantPast
    }
}
