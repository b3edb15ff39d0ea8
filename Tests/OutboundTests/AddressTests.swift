import Outbound
import Primitives
import Testing

@Suite struct AddressTests {
    /// T70: every row is closed by default.
    static let closed: [(String, SpecialRange)] = [
        ("0.0.0.0", .unspecified), ("0.0.0.1", .thisNetwork), ("0.1.2.3", .thisNetwork), ("0.255.255.255", .thisNetwork),
        ("10.0.0.0", .privateUse), ("10.0.0.1", .privateUse), ("10.96.0.1", .privateUse), ("10.255.255.255", .privateUse),
        ("100.64.0.0", .shared), ("100.64.0.1", .shared), ("100.100.100.200", .metadata), ("100.127.255.255", .shared),
        ("127.0.0.0", .loopback), ("127.0.0.1", .loopback), ("127.0.1.1", .loopback), ("127.1.2.3", .loopback), ("127.255.255.255", .loopback),
        ("168.63.129.16", .metadata),
        ("169.254.0.0", .linkLocal), ("169.254.1.1", .linkLocal), ("169.254.169.254", .metadata), ("169.254.170.2", .metadata),
        ("169.254.255.255", .linkLocal),
        ("172.16.0.0", .privateUse), ("172.16.0.1", .privateUse), ("172.17.0.1", .privateUse), ("172.20.10.5", .privateUse),
        ("172.31.255.255", .privateUse),
        ("192.0.0.0", .protocolAssignment), ("192.0.0.8", .protocolAssignment), ("192.0.0.170", .protocolAssignment),
        ("192.0.0.192", .metadata), ("192.0.0.255", .protocolAssignment),
        ("192.0.2.0", .documentation), ("192.0.2.55", .documentation), ("192.0.2.255", .documentation),
        ("192.88.99.0", .sixToFour), ("192.88.99.1", .sixToFour), ("192.88.99.255", .sixToFour),
        ("192.168.0.0", .privateUse), ("192.168.0.1", .privateUse), ("192.168.178.1", .privateUse), ("192.168.255.255", .privateUse),
        ("198.18.0.0", .benchmarking), ("198.18.0.1", .benchmarking), ("198.19.255.255", .benchmarking),
        ("198.51.100.0", .documentation), ("198.51.100.7", .documentation), ("198.51.100.255", .documentation),
        ("203.0.113.0", .documentation), ("203.0.113.9", .documentation), ("203.0.113.255", .documentation),
        ("224.0.0.0", .multicast), ("224.0.0.1", .multicast), ("224.0.0.251", .multicast), ("232.1.1.1", .multicast),
        ("239.255.255.250", .multicast), ("239.255.255.255", .multicast),
        ("240.0.0.0", .reserved), ("240.0.0.1", .reserved), ("250.1.2.3", .reserved), ("255.255.255.254", .reserved),
        ("255.255.255.255", .reserved),
        ("::", .unspecified), ("::1", .loopback), ("::2", .mappedIPv4), ("::127.0.0.1", .mappedIPv4), ("::8.8.8.8", .mappedIPv4),
        ("::ffff:0.0.0.0", .mappedIPv4), ("::ffff:127.0.0.1", .mappedIPv4), ("::ffff:10.0.0.1", .mappedIPv4),
        ("::ffff:169.254.169.254", .mappedIPv4), ("::ffff:8.8.8.8", .mappedIPv4), ("::ffff:7f00:1", .mappedIPv4),
        ("0:0:0:0:0:ffff:7f00:1", .mappedIPv4), ("::ffff:0:127.0.0.1", .mappedIPv4), ("::ffff:0:8.8.8.8", .mappedIPv4),
        ("64:ff9b::", .nat64), ("64:ff9b::127.0.0.1", .nat64), ("64:ff9b::a9fe:a9fe", .nat64), ("64:ff9b::8.8.8.8", .nat64),
        ("64:ff9b:1::1", .nat64), ("64:ff9b:1:ffff::1", .nat64), ("64:ff9b:2::1", .reserved),
        ("100::", .reserved), ("100::1", .reserved), ("1::1", .reserved), ("200::1", .reserved), ("400::1", .reserved), ("1fff::1", .reserved),
        ("2001::", .teredo), ("2001::1", .teredo), ("2001:0:53aa:64c:0:7f:80ff:fffe", .teredo), ("2001:0:ffff::1", .teredo),
        ("2001:1::1", .protocolAssignment), ("2001:2::1", .protocolAssignment), ("2001:3::1", .protocolAssignment),
        ("2001:10::1", .protocolAssignment), ("2001:20::1", .protocolAssignment), ("2001:1ff:ffff::1", .protocolAssignment),
        ("2001:db8::", .documentation), ("2001:db8::1", .documentation), ("2001:db8:ffff:ffff::1", .documentation),
        ("2002::", .sixToFour), ("2002:7f00:1::", .sixToFour), ("2002:a00:1::1", .sixToFour), ("2002:808:808::1", .sixToFour),
        ("2002:ffff:ffff::1", .sixToFour),
        ("3fff::1", .documentation), ("3fff:fff::1", .documentation), ("4000::1", .reserved), ("5f00::1", .reserved), ("8000::1", .reserved),
        ("e000::1", .reserved), ("fbff::1", .reserved),
        ("fc00::", .uniqueLocal), ("fc00::1", .uniqueLocal), ("fd00::1", .uniqueLocal), ("fd00:ec2::254", .metadata),
        ("fd20:ce::254", .metadata), ("fdff:ffff::1", .uniqueLocal), ("fe00::1", .reserved),
        ("fe80::", .linkLocal), ("fe80::1", .linkLocal), ("febf:ffff::1", .linkLocal), ("fec0::1", .linkLocal), ("feff::1", .linkLocal),
        ("ff00::", .multicast), ("ff01::1", .multicast), ("ff02::1", .multicast), ("ff02::fb", .multicast), ("ff0e::1", .multicast),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .multicast),
    ]

    /// Public neighbours of the rows above.
    static let open = [
        "1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
        "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255",
        "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111", "2a00:1450::1",
        "3ffe:ffff::1", "3fff:1000::1",
    ]

    @Test("the table has the size that was asked for")
    func size() {
        #expect(Self.closed.count >= 120)
    }

    @Test("an address that is not public is blocked, and by the right range", arguments: closed)
    func blocked(text: String, range: SpecialRange) throws {
        let address = try #require(IPAddress(text))
        #expect(SpecialRange.of(address) == range)
        #expect(EgressPolicy.tests().refusal(of: address, port: 443) == .address(address, range))
        #expect(EgressPolicy.webhooks().refusal(of: address, port: 443) == .address(address, range))
    }

    @Test("a public address next to a special range is open", arguments: open)
    func neighbour(text: String) throws {
        #expect(EgressPolicy.tests().refusal(of: try #require(IPAddress(text)), port: 443) == nil)
    }

    @Test("the operator's networks open what they name and nothing that looks like it")
    func allowed() {
        let policy = EgressPolicy.tests(allowing: Open.loopback)
        #expect(policy.refusal(of: Open.address("127.0.0.1"), port: 8080) == nil)
        #expect(policy.refusal(of: Open.address("::1"), port: 8080) == nil)
        for text in ["::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "10.0.0.1", "169.254.169.254", "::2"] {
            #expect(policy.refusal(of: Open.address(text), port: 8080) != nil, "\(text)")
        }
    }

    @Test("one bad answer closes a host, wherever it stands")
    func allAnswers() {
        let good = Open.address("93.184.216.34")
        let bad = Open.address("10.0.0.1")
        for answers in [[bad, good], [good, bad], [good, good, bad]] {
            #expect(EgressPolicy.tests().refusal(of: answers, port: 443) == .address(bad, .privateUse))
        }
        #expect(EgressPolicy.tests().refusal(of: [good, good], port: 443) == nil)
    }

    @Test("an address prints as it is usually written", arguments: ["127.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:0:0:1"])
    func prints(text: String) {
        #expect(IPAddress(text)?.description == text)
    }

    @Test(
        "a network list is read", arguments: [("", 0), ("127.0.0.0/8", 1), ("127.0.0.0/8,::1/128", 2), (" 10.0.0.0/8 , 0.0.0.0/0 ", 2), ("::/0", 1)])
    func list(text: String, count: Int) throws {
        #expect(try Network.list(text).count == count)
    }

    @Test(
        "a network that is not one is refused",
        arguments: ["10.0.0.0", "10.0.0.0/33", "10.0.0.1/8", "10/8", "::/129", "::1/64", "a/8", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8"])
    func notANetwork(text: String) throws {
        let fault = #expect(throws: Fault.self) { try Network(text) }
        #expect(fault?.code == "network.invalid")
    }
}
