import Audit
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import ValidationAPI

@testable import GatewayService

/// One lesson, and the switch of the learned step.
final class FakeLessons: PBLessons.SimpleServiceProtocol {
    private let learning = Mutex(
        PBLearning.with {
            $0.enabled = true
            $0.lessonsEdition = 1
            $0.version = 1
        })

    func listLessons(request: PBListLessonsRequest, context: ServerContext) async throws -> PBListLessonsResponse {
        .with {
            $0.data = [
                .with {
                    $0.result = "res_taught"
                    $0.text = "warehouse <*> gave no stock figures"
                    $0.category = .network
                    $0.severity = .critical
                    $0.decidedBy = "usr_ann"
                }
            ]
        }
    }

    func getLearning(request: PBGetLearningRequest, context: ServerContext) async throws -> PBLearning { learning.withLock { $0 } }

    func putLearning(request: PBPutLearningRequest, context: ServerContext) async throws -> PBLearning {
        AuditedCall.changedNothing()
        return try learning.withLock { learning in
            guard learning.version == request.version else { throw Fault.versionStale }
            learning.enabled = request.enabled
            learning.version += 1
            return learning
        }
    }
}
