import Foundation

/// A first-in first-out queue between tasks that ask and threads that serve. Bounded; a thread that finds it empty sleeps.
///
/// One sleeping thread is woken at a time, and wakes the next when it leaves something behind: a burst of small work is then often done by one
/// thread, while the others need not be woken for nothing.
///
/// A condition variable rather than a stream: handing work to a sleeping thread is one system call, and nothing runs on the cooperative pool.
final class WorkQueue<Item>: @unchecked Sendable {
    private let condition = NSCondition()
    private var items: [Item] = []
    private var head = 0
    private var idle = 0
    /// A thread has been woken and has not looked yet.
    private var isWaking = false
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
        wakeOne()
        return .accepted(unattended: idle < items.count - head)
    }

    private func wakeOne() {
        guard idle > 0, !isWaking else { return }
        isWaking = true
        condition.signal()
    }

    /// Waits for an item; `nil` once the queue is closed and empty.
    func pop() -> Item? { pop(upTo: 1) { _ in false }?.first }

    /// Waits for an item, and takes up to `limit` altogether from the front if they all match; an item that does not match comes alone.
    func pop(upTo limit: Int, while matches: (Item) -> Bool) -> [Item]? {
        condition.lock()
        defer { condition.unlock() }
        while head == items.count {
            if isClosed { return nil }
            idle += 1
            condition.wait()
            idle -= 1
            isWaking = false
        }
        var taken = [take()]
        if matches(taken[0]) {
            while head < items.count, taken.count < limit, matches(items[head]) { taken.append(take()) }
        }
        if head < items.count { wakeOne() }
        return taken
    }

    private func take() -> Item {
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
