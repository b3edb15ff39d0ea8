import Foundation
import ServiceKit

/// An authority and one certificate it signed for 127.0.0.1, made with the `openssl` command; valid for a day.
struct Certificates {
    let files: TLSFiles

    static var shared: Certificates { get throws { try made.get() } }
    /// Signed by somebody else.
    static var foreign: Certificates { get throws { try madeElsewhere.get() } }

    private static let made = Result { try Certificates() }
    private static let madeElsewhere = Result { try Certificates() }

    private init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "assay-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func path(_ name: String) -> String { folder.appending(path: name).path }
        try Data("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n".utf8)
            .write(to: folder.appending(path: "extensions"))
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try Self.openssl(["req", "-x509"] + curve + ["-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "1", "-subj", "/CN=authority"])
        try Self.openssl(["req"] + curve + ["-keyout", path("own.key"), "-out", path("own.csr"), "-subj", "/CN=probe"])
        try Self.openssl([
            "x509", "-req", "-in", path("own.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "1", "-extfile",
            path("extensions"), "-out", path("own.pem"),
        ])
        files = TLSFiles(certificate: path("own.pem"), key: path("own.key"), authority: path("ca.pem"))
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableNotLoadable) }
    }
}
