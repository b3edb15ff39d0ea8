import CommonAPI
import Primitives

extension PBPage {
    /// Where a list stands, for every list response.
    package init(_ page: Page<some Sendable>) {
        self.init()
        hasMore_p = page.next != nil
        nextCursor = page.next ?? ""
    }
}
