import Foundation
import ServiceKit

/// What `deploy/certificates` makes, in a folder of a test's own.
package struct DevelopmentCertificates: Sendable {
    package let folder: URL

    package init(in folder: URL) {
        self.folder = folder
    }

    /// A folder of its own below the temporary one.
    package init() {
        self.init(in: FileManager.default.temporaryDirectory.appending(path: "assay-certificates-\(UUID().uuidString)"))
    }

    /// New certificates for all services, or for those named.
    /// - Parameter days: how long they are valid; less than none makes them expired.
    package func issue(_ services: String..., days: Int = 1) throws { try run(["issue"] + services, days: days) }

    /// A further authority, which signs from the next `issue`.
    package func trust() throws { try run(["trust"]) }

    /// Only the newest authority stays trusted.
    package func forget() throws { try run(["forget"]) }

    package func files(of service: String) -> TLSFiles {
        TLSFiles(certificate: path("\(service).pem"), key: path("\(service).key"), authority: path("authority.pem"))
    }

    package func path(_ name: String) -> String { folder.appending(path: name).path }

    package func remove() { try? FileManager.default.removeItem(at: folder) }

    func settings(of service: String) -> [String: String] {
        let files = files(of: service)
        return [
            "ASSAY_TLS_CERTIFICATE_FILE": files.certificate, "ASSAY_TLS_KEY_FILE": files.key, "ASSAY_TLS_CA_FILE": files.authority,
        ]
    }

    private func run(_ arguments: [String], days: Int = 1) throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "deploy/certificates")
        let process = Process()
        process.executableURL = script
        process.arguments = [folder.path] + arguments
        process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "ASSAY_CERTIFICATE_DAYS": "\(days)"]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw StackError(service: "certificates", what: "deploy/certificates \(arguments.joined(separator: " ")) failed", log: "")
        }
    }
}
