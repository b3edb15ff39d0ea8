import FrameTransport
import GRPCCore
import NIOCore
import NIOPosix
import TestSupport
import Testing

extension FrameTransportTests {
    @Suite("Connections of a client") struct PoolTests {
        @Test("more calls than one connection has streams open further connections, up to the cap; the rest waits for a place")
        func furtherConnections() async throws {
            var server = FrameConfiguration.defaults
            server.maximumStreams = 10
            var client = FrameConfiguration.defaults
            client.maximumConnections = 3
            try await Rig.with(server: server, client: client) { rig in
                try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    for index in 0..<45 { group.addTask { try await rig.client.unary(BytesService.gate, [UInt8(index)]) } }
                    try await eventually("30 calls in the server") { rig.probe.now.inside == 30 }
                    try await Task.sleep(for: .milliseconds(50))
                    #expect(rig.probe.now.inside == 30)
                    rig.probe.gate.open()
                    var answers: Set<UInt8> = []
                    for try await answer in group { answers.formUnion(answer) }
                    #expect(answers.count == 45)
                }
            }
        }

        @Test("calls that wait too long for a place fail, and so do those beyond the queue's limit")
        func boundedWaiting() async throws {
            var server = FrameConfiguration.defaults
            server.maximumStreams = 1
            var client = FrameConfiguration.defaults
            client.maximumConnections = 1
            client.maximumWaitingCalls = 2
            client.maximumWait = .milliseconds(200)
            try await Rig.with(server: server, client: client) { rig in
                let holder = Task { try await rig.client.unary(BytesService.gate, [1]) }
                try await eventually("the first call in the server") { rig.probe.now.inside == 1 }
                let codes = await withTaskGroup(of: RPCError.Code?.self) { group in
                    for _ in 0..<5 { group.addTask { await code { try await rig.client.echo([1]) } } }
                    return await group.reduce(into: [RPCError.Code?]()) { $0.append($1) }
                }
                #expect(codes.count { $0 == .resourceExhausted } == 3)
                #expect(codes.count { $0 == .unavailable } == 2)
                let waiting = Task { await code { try await rig.client.echo([1]) } }
                try await Task.sleep(for: .milliseconds(20))
                waiting.cancel()
                #expect(await waiting.value == .cancelled)
                rig.probe.gate.open()
                #expect(try await holder.value == [1])
                #expect(try await rig.client.echo([2]) == [2])
            }
        }

        @Test("a server out of reach fails calls after a while, later ones at once, unless they want to wait")
        func outOfReach() async throws {
            var configuration = FrameConfiguration.defaults
            configuration.failFastAfter = .milliseconds(300)
            configuration.initialBackoff = .milliseconds(200)
            let vacant = try await RawServer.vacantAddress
            try await withGRPCClient(transport: FrameClientTransport(target: vacant, configuration: configuration)) { client in
                let start = ContinuousClock.now
                #expect(await code { try await client.echo([1]) } == .unavailable)
                let first = ContinuousClock.now - start
                #expect(first > .milliseconds(250) && first < .seconds(5))
                let codes = await withTaskGroup(of: RPCError.Code?.self) { group in
                    for _ in 0..<100 { group.addTask { await code { try await client.echo([1]) } } }
                    return await group.reduce(into: Set<RPCError.Code?>()) { $0.insert($1) }
                }
                #expect(codes == [.unavailable])
                let patient = await code { try await client.unary(BytesService.echo, [1], timeout: .milliseconds(700), waitForReady: true) }
                #expect(patient == .deadlineExceeded)
            }
        }

        @Test("a server that was away for longer than calls wait for it is found again when it is back")
        func longOutage() async throws {
            var configuration = FrameConfiguration.defaults
            configuration.failFastAfter = .milliseconds(100)
            configuration.maximumBackoff = .milliseconds(200)
            let address = try await RawServer.vacantAddress
            try await withGRPCClient(transport: FrameClientTransport(target: address, configuration: configuration)) { client in
                try await withGRPCServer(transport: FrameServerTransport(address: address), services: [BytesService(probe: Probe())]) { _ in
                    let answer = try await client.echo([1])
                    #expect(answer == [1])
                }
                let end = ContinuousClock.now + .milliseconds(500)
                while ContinuousClock.now < end { #expect(await code { try await client.echo([2]) } == .unavailable) }
                try await withGRPCServer(transport: FrameServerTransport(address: address), services: [BytesService(probe: Probe())]) { _ in
                    try await eventually { try await client.echo([3]) == [3] }
                }
            }
        }

        @Test("calls made on an event loop get a connection of that loop")
        func ownLoop() async throws {
            var configuration = FrameConfiguration.defaults
            configuration.maximumConnections = System.coreCount
            try await Rig.with(client: configuration) { rig in
                let loops = MultiThreadedEventLoopGroup.singleton.makeIterator().map { $0 }
                // The first call of a loop takes any connection, and has one opened for the next.
                try await eventually("a connection for each loop") {
                    for loop in loops {
                        _ = try await withTaskExecutorPreference(OnLoop(loop)) { try await rig.client.unary(BytesService.describe, [1]) }
                    }
                    return rig.probe.now.peers.count == loops.count
                }
            }
        }

        @Test("calls made before the server is there reach it when it comes, and again after it was replaced")
        func restart() async throws {
            let address = try await RawServer.vacantAddress
            try await withGRPCClient(transport: FrameClientTransport(target: address)) { client in
                for round in 0..<3 {
                    let early = Task { try await client.echo([UInt8(round)]) }
                    try await Task.sleep(for: .milliseconds(100))
                    let transport = try FrameServerTransport(address: address)
                    try await withGRPCServer(transport: transport, services: [BytesService(probe: Probe())]) { _ in
                        let answers = (try await early.value, try await client.echo([9]))
                        #expect(answers.0 == [UInt8(round)] && answers.1 == [9])
                    }
                }
            }
        }

        @Test("a server that shuts down finishes what it has; calls made meanwhile go to its successor; nothing is lost")
        func rollingRestart() async throws {
            let address = try await RawServer.vacantAddress
            try await withGRPCClient(transport: FrameClientTransport(target: address)) { client in
                let stop = Gate()
                let load = Task {
                    let isOver = Flag()
                    Task {
                        await stop.wait()
                        isOver.raise()
                    }
                    return try await withThrowingTaskGroup(of: Int.self) { group in
                        for worker in 0..<20 {
                            group.addTask {
                                var calls = 0
                                while !isOver.isRaised {
                                    let message = [UInt8(worker), UInt8(truncatingIfNeeded: calls)]
                                    guard try await client.echo(message) == message else { throw RPCError(code: .dataLoss, message: "") }
                                    calls += 1
                                }
                                return calls
                            }
                        }
                        return try await group.reduce(0, +)
                    }
                }
                for _ in 0..<5 {
                    let transport = try FrameServerTransport(address: address)
                    try await withGRPCServer(transport: transport, services: [BytesService(probe: Probe())]) { _ in
                        for _ in 0..<20 {
                            let answer = try await client.echo([1])
                            #expect(answer == [1])
                        }
                    }
                }
                let last = try FrameServerTransport(address: address)
                try await withGRPCServer(transport: last, services: [BytesService(probe: Probe())]) { _ in
                    stop.open()
                    let calls = try await load.value
                    #expect(calls > 0)
                }
            }
        }

        @Test("calls under way when the server shuts down get their answers")
        func drain() async throws {
            try await Rig.with { rig in
                try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    for index in 0..<50 { group.addTask { try await rig.client.unary(BytesService.gate, [UInt8(index)]) } }
                    try await eventually("50 calls in the server") { rig.probe.now.inside == 50 }
                    rig.server.beginGracefulShutdown()
                    try await Task.sleep(for: .milliseconds(50))
                    rig.probe.gate.open()
                    var answers = 0
                    for try await _ in group { answers += 1 }
                    #expect(answers == 50)
                }
            }
        }

        @Test("a shutdown does not wait for ever for calls that do not end")
        func drainTimeout() async throws {
            var configuration = FrameConfiguration.defaults
            configuration.drainTimeout = .milliseconds(200)
            try await Rig.with(server: configuration) { rig in
                let call = Task { await code { try await rig.client.unary(BytesService.hang, []) } }
                try await eventually("the handler's start") { rig.probe.now.inside == 1 }
                rig.server.beginGracefulShutdown()
                #expect(await call.value == .unavailable)
                try await eventually("the handler's cancellation") { rig.probe.now.cancelled == 1 }
            }
        }

        @Test("a client that shuts down finishes its calls")
        func clientShutdown() async throws {
            try await Rig.with { rig in
                let call = Task { try await rig.client.unary(BytesService.gate, [5]) }
                try await eventually("the call in the server") { rig.probe.now.inside == 1 }
                rig.client.beginGracefulShutdown()
                rig.probe.gate.open()
                #expect(try await call.value == [5])
            }
        }

        @Test("a silent peer is found dead; a living one is kept through idle times")
        func pings() async throws {
            var configuration = FrameConfiguration.defaults
            configuration.pingInterval = .milliseconds(100)
            configuration.pingTimeout = .milliseconds(100)
            configuration.prefaceTimeout = .milliseconds(100)
            try await RawServer.with { peer in
                try await peer.send([.clientPreface])
            } _: { [configuration] address in
                try await withGRPCClient(transport: FrameClientTransport(target: address, configuration: configuration)) { client in
                    #expect(await code { try await client.echo([1]) } == .unavailable)
                }
            }
            try await Rig.with(server: configuration, client: configuration) { rig in
                let call = Task { try await rig.client.unary(BytesService.gate, [1]) }
                try await eventually("the call in the server") { rig.probe.now.inside == 1 }
                try await Task.sleep(for: .milliseconds(600))
                rig.probe.gate.open()
                #expect(try await call.value == [1])
            }
        }
    }
}

/// Raised once, seen by many.
final class Flag: Sendable {
    private let probe = Probe()
    func raise() { probe.wrote() }
    var isRaised: Bool { probe.now.written > 0 }
}

/// Runs tasks on the thread of an event loop.
private final class OnLoop: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
