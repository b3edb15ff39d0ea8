import Foundation

/// A first-in first-out queue between tasks that ask and threads that serve. Bounded; a thread that finds it empty sleeps.
///
/// A condition variable rather than a stream: handing work to a sleeping thread is one system call, and nothing runs on the cooperative pool.
final class WorkQueue<Item>: @unchecked Sendable {
    private let condition = NSCondition()
    private var items: [Item] = []
    private var head = 0
    private var idle = 0
    private var isClosed = false
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    enum Push {
        /// `unattended`: nobody sleeps who could take it.
        case accepted(unattended: Bool)
        case full
        case closed
    }

    func push(_ item: Item) -> Push {
        condition.lock()
        defer { condition.unlock() }
        if isClosed { return .closed }
        guard items.count - head < limit else { return .full }
        items.append(item)
        let unattended = idle < items.count - head
        if !unattended { condition.signal() }
        return .accepted(unattended: unattended)
    }

    /// Waits for an item; `nil` once the queue is closed and empty.
    func pop() -> Item? {
        condition.lock()
        defer { condition.unlock() }
        while head == items.count {
            if isClosed { return nil }
            idle += 1
            condition.wait()
            idle -= 1
        }
        let item = items[head]
        head += 1
        if head == items.count {
            items.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024 {
            items.removeFirst(head)
            head = 0
        }
        return item
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
