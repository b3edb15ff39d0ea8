import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CommandLineClient

/// Uploads of a command of which one is not sent by it: what the others hold excuses nothing.
@Suite(.timeLimit(.minutes(2))) struct DeliveryTests {
    private static let excusing = """
        {"failing_tests":1,"passed_again_tests":0,"quarantined_tests":1,"excused":true,"retry_tests":0,"data":[
          {"suite_name":"s","name":"voucher","retry":false,"reason":"QUARANTINED","detail":"It is quarantined."}]}
        """

    /// Another process that takes the second upload while the first is sent.
    private final class Other: Sendable {
        private let folder = Mutex<String?>(nil)
        private let taken = Mutex<[CInt]>([])

        func watch(_ program: AssayProgram) {
            folder.withLock { $0 = program.folder.path + "/home/.local/state/assay/outbox" }
        }

        /// The one that is being sent is locked already.
        func take() {
            guard let folder = folder.withLock({ $0 }) else { return }
            for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where file.hasSuffix(".body") {
                let descriptor = open("\(folder)/\(file)", O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { continue }
                if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                    taken.withLock { $0.append(descriptor) }
                } else {
                    close(descriptor)
                }
            }
        }

        func letGo() -> Int {
            taken.withLock { descriptors in
                defer { descriptors = [] }
                for descriptor in descriptors { close(descriptor) }
                return descriptors.count
            }
        }
    }

    @Test(
        "a command that failed keeps its code when another process was sending one of its uploads, whatever excuses the others",
        arguments: [([], true, Int32(3)), ([], false, 0), (["--retries", "1"], true, 3), (["--retries", "1"], false, 0), (["--wait"], true, 3)]
            as [([String], Bool, Int32)])
    func skipped(options: [String], isTaken: Bool, status: Int32) async throws {
        let other = Other()
        let stub = try await ServerStub.start { request in
            if request.target.contains("/uploads") && isTaken { other.take() }
            if request.target.contains("/quarantined-failures") { return .json(#"{"failing_tests":1,"quarantined_tests":1,"excused":true}"#) }
            if request.target.contains("/status") { return .text("failed\n") }
            return request.target.contains("/retry-plan") ? .json(Self.excusing) : nil
        }
        defer { stub.server.stop() }
        let program = try AssayProgram(environment: try CIEnvironment.read("github-push").merging(stub.environment) { $1 })
        defer { program.remove() }
        other.watch(program)
        // More than one request takes.
        let script = "mkdir r; i=0; while [ $i -lt 901 ]; do echo \"<testsuite n='$i'/>\" > r/$i.xml; i=$((i+1)); done; exit 3"
        let answer = try await program(arguments: ["exec", "--report", "r/*.xml"] + options + ["--", "sh", "-c", script])
        #expect(answer.status == status, "\(answer.error)")
        #expect(other.letGo() == (isTaken ? 1 : 0) && stub.uploads.count == (isTaken ? 1 : 2))
        #expect(answer.error.contains("another process is sending it") == isTaken, "\(answer.error)")
    }

    @Test("what is known of several deliveries is whole when each is, and nothing of them was refused")
    func sums() {
        func delivery(rejected: Int64, isComplete: Bool) -> Delivery {
            let receipt = UploadReceipt(
                uploadId: "upl_1", runId: "run_1", accepted: 1, rejected: rejected, warnings: nil, duplicate: nil, runState: nil)
            return Delivery(receipts: [receipt], isComplete: isComplete)
        }
        for (rejected, isComplete) in [(Int64(0), true), (1, true), (0, false)] {
            var sum = delivery(rejected: 0, isComplete: true)
            sum += delivery(rejected: rejected, isComplete: isComplete)
            #expect(sum.receipts.count == 2 && sum.isComplete == isComplete && sum.isWhole == (rejected == 0 && isComplete))
        }
    }
}
