import NIOCore
import Synchronization

/// Runs tasks on the thread of one event loop. A request that is read, handled and answered on its connection's own thread changes threads only
/// where it waits for something else; on the shared pool each of its steps would wake another thread.
///
/// What becomes runnable in one turn of the loop runs in the next, all together.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop
    private let jobs = Mutex<[UnownedJob]>([])

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isFirst { loop.execute { self.run() } }
    }

    private func run() {
        for job in jobs.withLock({ jobs in
            let batch = jobs
            jobs = []
            return batch
        }) { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
