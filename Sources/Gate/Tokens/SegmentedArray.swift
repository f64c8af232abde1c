// SPDX-License-Identifier: Apache-2.0

/// An array that never moves its elements: it grows and shrinks by segments of a fixed size, so that no append copies what
/// is there.
struct SegmentedArray<Element> {
    private var segments: [[Element]] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    subscript(index: Int) -> Element {
        get { segments[index / Self.segmentSize][index % Self.segmentSize] }
        _modify { yield &segments[index / Self.segmentSize][index % Self.segmentSize] }
    }

    mutating func append(_ element: Element) {
        let segment = count / Self.segmentSize
        if segment == segments.count {
            var elements: [Element] = []
            elements.reserveCapacity(Self.segmentSize)
            segments.append(elements)
        }
        segments[segment].append(element)
        count += 1
    }

    /// The array must not be empty.
    mutating func removeLast() {
        count -= 1
        let segment = count / Self.segmentSize
        segments[segment].removeLast()
        // One empty segment stays, so that a count that swings around its start allocates nothing.
        if segment + 2 < segments.count { segments.removeLast() }
    }

    mutating func swapAt(_ left: Int, _ right: Int) {
        let element = self[left]
        self[left] = self[right]
        self[right] = element
    }

    private static var segmentSize: Int { 1024 }
}
