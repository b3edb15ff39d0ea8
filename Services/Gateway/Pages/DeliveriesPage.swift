import CommonAPI
import Foundation
import Hummingbird
import NotificationsAPI
import SwiftProtobuf

/// What was sent to webhooks, and how that went.
enum DeliveriesPage {
    static let limit: Int32 = 50

    struct View: Sendable {
        let chips: [Choice]
        let note: String?
        let rows: [Row]
        let hasRows: Bool
        let pager: Pager?
        /// Absent where there is nothing to have.
        let exports: ExportLinks?

        init(_ deliveries: PBListDeliveriesResponse, channels: Panel<[PBChannel]>, state: PBDelivery.State, pager: Pager?, now: Date) {
            let names = Dictionary((channels.content ?? []).map { ($0.id, $0.name) }) { first, _ in first }
            rows = deliveries.data.map { Row($0, channel: names[$0.channel] ?? $0.channel, now: now) }
            hasRows = !rows.isEmpty
            note = rows.isEmpty ? (state == .unspecified ? "Nothing has been sent yet." : "No delivery is in this state.") : nil
            chips = DeliveriesPage.states.map { word, label, value in
                Choice(label: label, path: PageAddress.of("/deliveries", [("state", word)]), isChosen: value == state, count: nil)
            }
            self.pager = pager
            let word = DeliveriesPage.states.first { $0.value == state }?.word ?? ""
            exports = rows.isEmpty ? nil : ExportLinks("/deliveries", [("state", word)])
        }
    }

    struct Row: Sendable {
        let badge: Badge
        let event: String
        let channel: String
        let attempts: String
        let answer: String
        let nextAttempt: Moment?
        let created: Moment

        init(_ delivery: PBDelivery, channel: String, now: Date) {
            badge = Badge(delivery.state)
            event = delivery.eventType
            self.channel = channel.shortened(to: 100)
            attempts = NumberText.counted(Int64(delivery.attempts), "attempt")
            let status = delivery.lastStatus == 0 ? nil : "\(delivery.lastStatus)"
            answer = [status, delivery.lastError.nonEmpty?.shortened(to: 300)].compactMap(\.self).joined(separator: " ").nonEmpty ?? "none yet"
            nextAttempt = delivery.state == .pending && delivery.hasNextAttemptAt ? Moment(delivery.nextAttemptAt, now: now) : nil
            created = Moment(delivery.createdAt, now: now)
        }
    }

    static let states: [(word: String, label: String, value: PBDelivery.State)] = [
        ("", "All", .unspecified), ("PENDING", "Pending", .pending), ("DELIVERED", "Delivered", .delivered), ("FAILED", "Failed", .failed),
        ("BLOCKED", "Blocked", .blocked),
    ]

    static func show(_ visit: Visit) async throws -> Response {
        let asked = try visit.context.query("state")
        let (word, _, state) = states.first { $0.word == asked } ?? states[0]
        let filter = [(name: "state", value: word)]
        let cursor = try visit.cursor(filter: filter)
        let view = try await visit.asking {
            async let channels = Panel.load("Channels") {
                try await PBChannels.Client(wrapping: visit.upstream("notifications")).listChannels(.with { $0.limit = 200 }).data
            }
            let listed = try await PBDeliveries.Client(wrapping: visit.upstream("notifications")).listDeliveries(
                .with {
                    $0.limit = limit
                    $0.cursor = cursor
                    $0.state = state
                })
            let pager = try visit.pager(next: listed.page.nextCursor, filter: filter)
            return View(listed, channels: await channels, state: state, pager: pager, now: visit.now)
        }
        return visit.page(.deliveries, "Deliveries", section: .deliveries, view)
    }
}
