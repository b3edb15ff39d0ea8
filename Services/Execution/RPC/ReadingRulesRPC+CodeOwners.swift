import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// Files of code owners.
extension ReadingRulesRPC {
    func getCodeOwners(request: PBGetCodeOwnersRequest, context: ServerContext) async throws -> PBCodeOwners {
        let (project, tenant) = (try project(request.project), Caller.current.tenant)
        let place = try CodeOwnersVersion.Place(commit: request.commitSha, branch: request.branch)
        let version = try await owners.version(of: project, tenant: tenant)
        if place.isNowhere { return try await PBCodeOwners(owners.newest(of: project, tenant: tenant), match: nil, version: version) }
        let found = try await owners.resolve(place, project: project, tenant: tenant)
        return PBCodeOwners(found?.file, match: found?.match, version: version)
    }

    func putCodeOwners(request: PBPutCodeOwnersRequest, context: ServerContext) async throws -> PBCodeOwners {
        // A fork may send its results, and nothing that holds for those of others.
        guard Caller.current.lane == .trusted else {
            throw Fault(.forbidden, "permission.missing", "A build that is not trusted does not say who owns what.")
        }
        guard !request.content.utf8.contains(0) else { throw Fault.invalidField("/content", "invalid_character", "The file must not hold a NUL.") }
        guard request.content.unicodeScalars.count <= CodeOwnersVersion.contentLimit else {
            throw Fault.invalidField("/content", "too_long", "The file may have \(CodeOwnersVersion.contentLimit) characters.")
        }
        let place = try CodeOwnersVersion.Place(commit: request.commitSha, branch: request.branch, at: ("/commit_sha", "/branch"))
        let (file, version) = try await owners.put(
            request.content, place, expected: request.version, project: project(request.project), tenant: Caller.current.tenant)
        return PBCodeOwners(file, match: nil, version: version)
    }

    func listCodeOwnersVersions(request: PBListCodeOwnersVersionsRequest, context: ServerContext) async throws -> PBListCodeOwnersVersionsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let found = try await owners.list(page, project: project(request.project), tenant: Caller.current.tenant)
        return .with {
            $0.data = found.items.map(PBCodeOwnersVersion.init)
            $0.page = PBPage(found)
        }
    }

    func getCodeOwnersVersion(request: PBGetCodeOwnersVersionRequest, context: ServerContext) async throws -> PBCodeOwners {
        let (project, tenant) = (try project(request.project), Caller.current.tenant)
        let file = try await owners.get(ID(request.codeOwnersVersion, field: "code_owners_version"), project: project, tenant: tenant)
        return PBCodeOwners(file, match: nil, version: try await owners.version(of: project, tenant: tenant))
    }

    func getOwners(request: PBGetOwnersRequest, context: ServerContext) async throws -> PBOwners {
        let (project, tenant) = (try project(request.project), Caller.current.tenant)
        let place = try CodeOwnersVersion.Place(commit: request.commitSha, branch: request.branch)
        let file =
            place.isNowhere
            ? try await owners.newest(of: project, tenant: tenant) : try await owners.resolve(place, project: project, tenant: tenant)?.file
        var found: (owners: [String], lines: [Int]) = ([], [])
        if let file, let read = try await owners.owners(file.version.sha256, project: project, tenant: tenant) {
            found = read.owners(of: request.path)
        }
        return .with {
            $0.path = request.path
            $0.owners = found.owners
            $0.lines = found.lines.map(Int32.init)
            $0.codeOwners = file?.version.id.description ?? ""
        }
    }
}
