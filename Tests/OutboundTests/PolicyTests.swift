import Outbound
import Primitives
import Testing

@Suite struct PolicyTests {
    static let address = Open.address("93.184.216.34")

    @Test(
        "a port of another protocol is blocked, in allowed networks too",
        arguments: [
            1, 21, 22, 23, 25, 53, 110, 111, 135, 139, 143, 389, 445, 465, 514, 587, 636, 873, 993, 995, 1433, 1521, 2049, 2181, 2375, 2379, 3306,
            3389, 5432, 5672, 5900, 5984, 6000, 6379, 6443, 6667, 8500, 9042, 9092, 9200, 9300, 10250, 11211, 27017,
        ] as [UInt16])
    func dangerous(port: UInt16) throws {
        #expect(EgressPolicy.tests().refusal(of: Self.address, port: port) == .port(port))
        #expect(EgressPolicy.tests(allowing: Open.loopback).refusal(of: Open.address("127.0.0.1"), port: port) == .port(port))
        #expect(EgressPolicy.webhooks(ports: [port]).refusal(of: Self.address, port: port) == .port(port))
        #expect(EgressPolicy.tests(allowing: Open.loopback).refusal(of: try TargetURL("http://name.example:\(port)/")) == .port(port))
    }

    @Test("tests may use the web's ports and high ones", arguments: [80, 443, 8080, 8443, 1024, 3000, 4000, 5000, 8000, 9000, 65535] as [UInt16])
    func testPort(port: UInt16) {
        #expect(EgressPolicy.tests().refusal(of: Self.address, port: port) == nil)
    }

    @Test("other low ports are closed to tests", arguments: [2, 81, 88, 444, 800, 1023] as [UInt16])
    func lowPort(port: UInt16) {
        #expect(EgressPolicy.tests().refusal(of: Self.address, port: port) == .port(port))
    }

    @Test("webhooks go to 443, to the operator's ports and into the operator's networks")
    func webhookPorts() throws {
        let closed = EgressPolicy.webhooks()
        #expect(closed.refusal(of: Self.address, port: 443) == nil)
        #expect(closed.refusal(of: Self.address, port: 80) == .port(80))
        #expect(closed.refusal(of: Self.address, port: 8443) == .port(8443))
        #expect(closed.refusal(of: try TargetURL("https://name.example:8443/")) == .port(8443))
        #expect(EgressPolicy.webhooks(ports: [8443]).refusal(of: Self.address, port: 8443) == nil)
        #expect(Open.webhooks.refusal(of: Open.address("127.0.0.1"), port: 39_000) == nil)
        #expect(Open.webhooks.refusal(of: Self.address, port: 39_000) == .port(39_000))
    }

    @Test("a scheme outside the policy is blocked")
    func scheme() throws {
        let policy = EgressPolicy(schemes: [.https])
        #expect(policy.refusal(of: try TargetURL("http://name.example/")) == .scheme)
        #expect(policy.refusal(of: try TargetURL("https://name.example/")) == nil)
    }

    @Test("nobody gets more than five redirects")
    func redirectLimit() {
        #expect(EgressPolicy(maximumRedirects: 50).maximumRedirects == 5)
        #expect(EgressPolicy(maximumRedirects: -1).maximumRedirects == 0)
        #expect(EgressPolicy.webhooks().maximumRedirects == 0)
    }

    @Test("a refused URL becomes a fault that names its field")
    func fault() {
        let fault = OutboundError.blockedTarget(.scheme).fault(pointer: "/url")
        #expect(fault.kind == .invalid && fault.fields.map(\.pointer) == ["/url"] && fault.fields.map(\.code) == ["blocked_target"])
        #expect(OutboundError.saturated.fault(pointer: "/url").kind == .unavailable)
    }
}
