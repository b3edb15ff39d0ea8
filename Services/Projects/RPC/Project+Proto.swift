import Primitives
import ProjectsAPI
import SwiftProtobuf

extension PBProject {
    init(_ project: Project) {
        self.init()
        id = project.id.description
        slug = project.slug.description
        name = project.name
        description_p = project.description
        defaultBranch = project.defaultBranch
        createdAt = .init(date: project.createdAt)
        updatedAt = .init(date: project.updatedAt)
    }
}
