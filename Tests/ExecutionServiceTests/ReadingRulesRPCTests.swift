import CommonAPI
import ExecutionAPI
import GRPCCore
import Jobs
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import ExecutionService

@Suite("reading rules and tags over RPC", .database(ExecutionProgram.schema, JobSchema.schema))
struct ReadingRulesRPCTests {
    @Test("rules, fields and code owners come back as they were put; what cannot be one is refused by its place")
    func readingRules() async throws {
        let fixture = UploadFixture()
        let project = fixture.project.description
        try await ExecutionRPCTests().serve(fixture, permissions: ExecutionRPCTests.permissions.union(["projects.write"])) { clients in
            let wanted: [PBIdentityRule] = [
                .with {
                    $0.kind = .parameter; $0.parameter = "seed"; $0.part = .name; $0.className = "com.*"
                },
                .with {
                    $0.kind = .uuid; $0.part = .suiteName
                },
            ]
            let rules = try await clients.rules.putIdentityRules(
                .with {
                    $0.project = project; $0.rules = wanted; $0.version = 1
                })
            #expect(rules.rules == wanted && rules.version == 2 && rules.hasUpdatedAt)
            #expect(try await clients.rules.getIdentityRules(.with { $0.project = project }) == rules)
            let fields: [PBCustomField] = [
                .with {
                    $0.key = "severity"; $0.type = .choice; $0.choices = ["minor", "blocker"]
                }
            ]
            let stored = try await clients.rules.putCustomFields(
                .with {
                    $0.project = project; $0.fields = fields
                })
            #expect(stored.fields == fields)
            #expect(try await clients.rules.getCustomFields(.with { $0.project = project }).version == stored.version)
            let owners = try await clients.rules.putCodeOwners(
                .with {
                    $0.project = project; $0.content = "* @all\n!x @y\n"; $0.commitSha = "c0ffee"
                })
            #expect(owners.rules == 1 && owners.problems.map(\.line) == [2] && owners.commitSha == "c0ffee")
            let found = try await clients.rules.getOwners(
                .with {
                    $0.project = project; $0.path = "a/b.swift"
                })
            #expect(found.owners == ["@all"] && found.lines == [1] && found.codeOwners == owners.id)
            let ofBranch = try await clients.rules.putCodeOwners(
                .with {
                    $0.project = project; $0.content = "* @topic"; $0.commitSha = "f00d"; $0.branch = "topic"
                })
            #expect(ofBranch.version == owners.version + 1 && ofBranch.branch == "topic" && ofBranch.sha256.count == 64)
            for (commit, branch, id, match) in [
                ("f00d", "main", ofBranch.id, .commit), ("beef", "topic", ofBranch.id, .branch), ("beef", "main", owners.id, .default),
                ("", "", ofBranch.id, .unspecified),
            ] as [(String, String, String, PBCodeOwners.Match)] {
                let file = try await clients.rules.getCodeOwners(
                    .with {
                        $0.project = project; $0.commitSha = commit; $0.branch = branch
                    })
                #expect(file.id == id && file.match == match && file.version == ofBranch.version)
                let owned = try await clients.rules.getOwners(
                    .with {
                        $0.project = project; $0.path = "x"; $0.commitSha = commit; $0.branch = branch
                    })
                #expect(owned.codeOwners == id)
            }
            let listed = try await clients.rules.listCodeOwnersVersions(
                .with {
                    $0.project = project; $0.limit = 1
                })
            #expect(listed.data.map(\.id) == [ofBranch.id] && listed.data[0].bytes == 8 && !listed.page.nextCursor.isEmpty)
            let old = try await clients.rules.getCodeOwnersVersion(
                .with {
                    $0.project = project; $0.codeOwnersVersion = owners.id
                })
            #expect(old.content == owners.content && old.commitSha == "c0ffee")
            let missing = try await InProcess.fault {
                try await clients.rules.getCodeOwnersVersion(
                    .with {
                        $0.project = project
                        $0.codeOwnersVersion = "cov_00000000000000000000000000"
                    })
            }
            #expect(missing.code == "code_owners_version.not_found")
            let stranger = Caller(
                identity: CallerIdentity(tenant: fixture.tenant, actor: "upt_test", permissions: ["results.write"], lane: .untrusted))
            let refused = try await InProcess.fault {
                try await Caller.with(stranger) {
                    try await clients.rules.putCodeOwners(
                        .with {
                            $0.project = project
                            $0.content = "* @fork"
                        })
                }
            }
            #expect(refused.code == "permission.missing")

            for (rule, place) in [
                (PBIdentityRule(), "/rules/0/kind"), (.with { $0.kind = .parameter }, "/rules/0/parameter"),
                (
                    .with {
                        $0.kind = .uuid; $0.parameter = "x"
                    }, "/rules/0/parameter"
                ),
            ] {
                let fault = try await InProcess.fault {
                    try await clients.rules.putIdentityRules(
                        .with {
                            $0.project = project; $0.rules = [rule]
                        })
                }
                #expect(fault.fields.map(\.pointer) == [place])
            }
            for (field, place) in [
                (
                    PBCustomField.with {
                        $0.key = "a:b"; $0.type = .text
                    }, "/fields/0/key"
                ), (.with { $0.key = "a" }, "/fields/0/type"),
                (
                    .with {
                        $0.key = "a"; $0.type = .choice
                    }, "/fields/0/choices"
                ),
                (
                    .with {
                        $0.key = "a"; $0.type = .text; $0.choices = ["x"]
                    }, "/fields/0/choices"
                ),
            ] {
                let fault = try await InProcess.fault {
                    try await clients.rules.putCustomFields(
                        .with {
                            $0.project = project; $0.fields = [field]
                        })
                }
                #expect(fault.fields.map(\.pointer) == [place])
            }
        }
    }

    @Test("results of a project are found by tag, branch and outcome, and tags by their beginnings")
    func tags() async throws {
        let fixture = UploadFixture()
        let project = fixture.project.description
        try await ExecutionRPCTests().serve(fixture) { clients in
            _ = try await clients.upload(Report.generated(450), to: fixture.project)
            let found = try await clients.results.listProjectResults(
                .with {
                    $0.project = project; $0.branch = "main"; $0.outcome = [.failed, .failed]; $0.limit = 2
                })
            #expect(found.data.allSatisfy { $0.outcome == .failed && $0.message.hasPrefix("expected") } && found.data.count == 2)
            #expect(!found.page.nextCursor.isEmpty)
            let none = try await clients.results.listProjectResults(
                .with {
                    $0.project = project; $0.tag = ["branch:topic"]
                })
            #expect(none.data.isEmpty)
            #expect(try await clients.results.listTagKeys(.with { $0.project = project }).data == ["branch"])
            let branches = try await clients.results.listTags(
                .with {
                    $0.project = project; $0.key = "branch"; $0.search = "m"
                })
            #expect(branches.data.map(\.tag) == ["branch:main"] && branches.data[0].lastSeenOn.count == 10)
            for request in [
                PBListProjectResultsRequest.with {
                    $0.project = project; $0.tag = [""]
                },
                .with {
                    $0.project = project; $0.tag = Array(repeating: "a", count: 6)
                },
            ] {
                let fault = try await InProcess.fault { try await clients.results.listProjectResults(request) }
                #expect(fault.fields.map(\.pointer) == ["tag"])
            }
        }
    }
}
