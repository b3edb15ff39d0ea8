import Foundation
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

extension PBSuite {
    init(_ suite: Suite) {
        self.init()
        id = suite.id.description
        project = suite.project.description
        name = suite.name
        description_p = suite.description
        variables = suite.variables
        caseCount = suite.caseCount
        createdAt = .init(milliseconds: suite.createdAt)
    }
}

extension PBCase {
    init(_ value: Case) {
        self.init()
        id = value.id.description
        suite = value.suite.description
        project = value.project.description
        name = value.name
        http = PBHTTPCase(value.http)
        fields = value.fields
        createdAt = .init(milliseconds: value.createdAt)
        updatedAt = .init(milliseconds: value.updatedAt)
        version = value.version
    }
}
