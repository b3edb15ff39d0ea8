import Foundation
import Logging
import Postgres
import Primitives

// What a stack stands on: executables, a database, keys.
extension Stack {
    /// Where the executables are: beside the test runner, unless ASSAY_EXECUTABLES names a folder.
    package static var executableFolder: URL {
        if let named = ProcessInfo.processInfo.environment["ASSAY_EXECUTABLES"] { return URL(filePath: named) }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(filePath: own).deletingLastPathComponent()
    }

    static func randomKey() -> String {
        Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
    }

    /// A database of its own on the test server.
    /// - Returns: the superuser's URL of it.
    static func makeDatabase() async throws -> String {
        let name = "stack_" + UUID().uuidString.replacing("-", with: "").lowercased()
        try await TestDatabase.administer { try await $0.executeOutsideTransaction("create database \(identifier: name)") }
        return try url(TestDatabase.serverURL(), database: name)
    }

    static func dropDatabase(_ url: String) async {
        guard let name = URLComponents(string: url)?.path.dropFirst() else { return }
        _ = try? await TestDatabase.administer {
            try await $0.executeOutsideTransaction("drop database if exists \(identifier: String(name)) with (force)")
        }
    }

    static func url(_ url: String, user: String? = nil, password: String? = nil, database: String? = nil) throws -> String {
        guard var parts = URLComponents(string: url) else { throw StackError(service: "postgres", what: "not a URL: \(url)", log: "") }
        if let user { parts.user = user }
        if let password { parts.password = password }
        if let database { parts.path = "/" + database }
        return parts.string ?? url
    }
}

extension Stack {
    /// One value from the stack's database as text, past every policy: for what a test must know beyond the public API. Empty when there is no row.
    @discardableResult
    package nonisolated func sql(_ statement: String) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/psql")
        process.arguments = ["-X", "-At", "-v", "ON_ERROR_STOP=1", "-d", adminURL, "-c", statement]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = pipe.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: data)
            }
        }
        guard process.terminationStatus == 0 else { throw StackError(service: "postgres", what: "psql failed: \(statement)", log: "") }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
    }
}
