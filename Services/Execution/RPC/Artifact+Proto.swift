import CommonAPI
import ExecutionAPI
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBArtifact {
    init(_ artifact: Artifact) {
        self.init()
        id = artifact.id.description
        project = artifact.project.description
        run = artifact.run.description
        result = artifact.result?.description ?? ""
        name = artifact.name
        mediaType = artifact.kind.mediaType
        bytes = artifact.content.bytes
        sha256 = artifact.content.hex
        if let size = artifact.kind.size {
            width = size.width
            height = size.height
        }
        createdAt = Google_Protobuf_Timestamp(milliseconds: artifact.createdAt)
    }
}

extension PBUploadArtifactsResponse {
    init(_ receipt: ArtifactIntake.Receipt) {
        self.init()
        data = receipt.taken.map(PBArtifact.init)
        refused = receipt.refused.map { refused in
            .with {
                $0.name = refused.name
                $0.code = refused.fault.code
                $0.detail = refused.fault.detail
            }
        }
    }
}

extension PBListArtifactsResponse {
    init(_ found: Page<Artifact>, _ dropped: DroppedArtifacts?) {
        self.init()
        data = found.items.map(PBArtifact.init)
        page = PBPage(found)
        if let dropped {
            self.dropped = .with {
                $0.files = dropped.files
                $0.bytes = dropped.bytes
                $0.lastAt = Google_Protobuf_Timestamp(milliseconds: dropped.lastAt)
            }
        }
    }
}
