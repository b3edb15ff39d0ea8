import Foundation
import TestSupport
import Testing

/// Quotas through all seven services (P12).
@Suite(.serialized, .timeLimit(.minutes(3)))
struct QuotaJourneyTests {
    @Test("an organization is warned by webhook before its uploads and its store are used up, and sees what it has left")
    func warning() async throws {
        let hook = try await LoopbackServer.start { _ in .text("ok") }
        defer { hook.stop() }
        let settings = ["ASSAY_GATEWAY_QUOTA_UPLOADS": "4", "ASSAY_GATEWAY_QUOTA_SOFT_PERCENT": "50", "ASSAY_GATEWAY_QUOTA_STORAGE_FILES": "3"]
        try await Stack.with(settings: settings) { stack in
            let journey = Journey(stack)
            let slug = try await journey.makeProject()
            let channel = ["name": "ops", "kind": "WEBHOOK", "url": "http://127.0.0.1:\(hook.port)/", "events": ["quota.warning"]] as [String: Any]
            #expect(try await journey.api.post("/channels", channel).status == 201)
            for number in 1...2 {
                let receipt = try await journey.upload(Journey.report(count: number, failing: 0), to: slug, query: "name=\(number)")
                #expect(receipt.status == 202, "\(receipt.text)")
            }
            try await eventually(within: .seconds(30), "the warning arrives") {
                hook.requests.contains { request in
                    let body = String(decoding: request.body, as: UTF8.self)
                    return body.contains("quota.warning") && body.contains("uploads") && body.contains("soft")
                }
            }
            try await eventually(within: .seconds(30), "what is in store is known") {
                let rows = try await journey.api.get("/quotas")["data"] as? [[String: Any]] ?? []
                let files = rows.first { $0["name"] as? String == "storage_files" }
                let bytes = rows.first { $0["name"] as? String == "storage_bytes" }
                let uploads = rows.first { $0["name"] as? String == "uploads" }
                return files?["used"] as? Int == 2 && (bytes?["used"] as? Int ?? 0) > 0 && uploads?["used"] as? Int == 2
            }
            #expect(try await journey.upload(Journey.report(count: 3, failing: 0), to: slug, query: "name=3").status == 202)
            // The look at the store was fresh a moment ago; it is asked again when the next one lists it.
            _ = try await journey.api.get("/quotas")
            let full = try await journey.upload(Journey.report(count: 4, failing: 0), to: slug, query: "name=4")
            #expect(full.status == 202 && full.integer("accepted") == 4 && full.string("warnings.0.code") == "upload.not_kept", "\(full.text)")
            let rereading = try await journey.api.get("/uploads/\(full.string("upload_id"))/rereading")
            #expect(rereading.status == 409 && rereading.string("code") == "upload.not_kept", "\(rereading.text)")
            let refused = try await journey.upload(Journey.report(count: 5, failing: 0), to: slug, query: "name=5")
            #expect(refused.status == 429 && refused["violated-policies.0"] as? String == "uploads", "\(refused.text)")
        }
    }
}
