import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf

extension PBProject {
    init(_ project: Project) {
        self.init()
        id = project.id.description
        slug = project.slug.description
        name = project.name
        description_p = project.description
        defaultBranch = project.defaultBranch
        createdAt = .init(milliseconds: project.createdAt)
        updatedAt = .init(milliseconds: project.updatedAt)
        version = project.version
    }
}
