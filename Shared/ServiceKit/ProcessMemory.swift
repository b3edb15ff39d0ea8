import Foundation
import ServiceLifecycle

/// What a process asks of its allocator and of the kernel.
enum ProcessMemory {
    /// Left alone, glibc gives the top of the heap back to the kernel and takes it again all the time: a sixth of the time of a call went into
    /// page faults. 8 MiB stay instead. Swift's module of glibc leaves malloc.h out, hence the look-up; another libc has no such function.
    static func tuneAllocator() {
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (CInt, CInt) -> CInt).self)
        let (trimThreshold, topPad, mmapThreshold): (CInt, CInt, CInt) = (-1, -2, -3)
        _ = mallopt(trimThreshold, 8 << 20)
        _ = mallopt(topPad, 512 << 10)
        _ = mallopt(mmapThreshold, 1 << 20)
    }

    /// Lets go of all pages of program text; those that are used come back from the page cache, 64 KiB with each fault. Text is never written to,
    /// so nothing can be lost; what else is mapped from files may hold relocated pointers and is left alone.
    static func releaseText() {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
        for line in maps.split(separator: "\n") {
            // `start-end r-xp offset device inode /path`, see proc(5).
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count == 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
            guard ends.count == 2, let start = UnsafeMutableRawPointer(bitPattern: ends[0]) else { continue }
            madvise(start, Int(ends[1] - ends[0]), CInt(MADV_DONTNEED))
        }
    }
}

/// Once a process has started it gives back the text that only the start needed: some 20 MiB of the resident set of each service.
struct StartPages: Service {
    static let delay = Duration.seconds(2)

    func run() async throws {
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.delay) }
        ProcessMemory.releaseText()
        try? await gracefulShutdown()
    }
}
