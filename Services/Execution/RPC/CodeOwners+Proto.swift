import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBCodeOwners {
    /// - Parameters:
    ///   - file: `nil` where nobody has put any.
    ///   - match: why it is this one; `nil` when it was not asked for a place.
    init(_ file: CodeOwnersStore.File?, match: CodeOwnersVersion.Match?, version: Int64) {
        self.init()
        self.version = version
        guard let file else { return }
        let read = CodeOwners(file.content)
        content = file.content
        rules = Int32(read.ruleCount)
        problems = read.problems.map { problem in
            .with {
                $0.line = Int32(problem.line)
                $0.detail = problem.detail
            }
        }
        id = file.version.id.description
        commitSha = file.version.commit
        branch = file.version.branch
        sha256 = file.version.hex
        updatedAt = Google_Protobuf_Timestamp(milliseconds: file.version.createdAt)
        if let match {
            self.match =
                switch match {
                case .commit: .commit
                case .branch: .branch
                case .other: .default
                }
        }
    }
}

extension PBCodeOwnersVersion {
    init(_ version: CodeOwnersVersion) {
        self.init()
        id = version.id.description
        commitSha = version.commit
        branch = version.branch
        sha256 = version.hex
        bytes = version.bytes
        createdAt = Google_Protobuf_Timestamp(milliseconds: version.createdAt)
    }
}

extension CodeOwnersVersion {
    fileprivate var hex: String { sha256.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}
