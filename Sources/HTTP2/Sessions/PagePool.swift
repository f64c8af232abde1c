// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Pages of zeros, whose memory is returned to the system while they contain only zeros.
///
/// Discarding a page of zeros is invisible: it reads as zeros again. So the page's owner need not know, and nothing is
/// assumed about its content.
@safe
final class PagePool {
    private var free: [UnsafeMutableRawPointer] = unsafe []
    private var used: Set<UInt> = []
    private var chunks: [UnsafeMutableRawPointer] = unsafe []

    deinit {
        for index in unsafe chunks.indices { unsafe munmap(chunks[index], Self.chunkSize) }
    }

    /// A page of zeros; nil if none can be allocated, or the system's page size differs.
    func take() -> UnsafeMutableRawPointer? {
        if unsafe free.isEmpty { addChunk() }
        guard let page = unsafe free.popLast() else { return nil }
        used.insert(UInt(bitPattern: page))
        return unsafe page
    }

    func owns(_ pointer: UnsafeMutableRawPointer) -> Bool {
        let address = UInt(bitPattern: pointer)
        // Few of malloc's pointers are at the start of a page, so most need no lookup.
        return address % UInt(Self.pageSize) == 0 && used.contains(address)
    }

    /// False if it does not belong to this pool.
    func giveBack(_ pointer: UnsafeMutableRawPointer) -> Bool {
        guard unsafe owns(pointer) else { return false }
        used.remove(UInt(bitPattern: pointer))
        if unsafe !isZero(pointer) { unsafe memset(pointer, 0, Self.pageSize) }
        unsafe free.append(pointer)
        return true
    }

    func discardIfZero(_ page: UnsafeMutableRawPointer) {
        guard unsafe owns(page), unsafe isZero(page) else { return }
        unsafe madvise(page, Self.pageSize, MADV_DONTNEED)
    }

    private func isZero(_ page: UnsafeMutableRawPointer) -> Bool {
        for offset in stride(from: 0, to: Self.pageSize, by: 8)
        where unsafe page.load(fromByteOffset: offset, as: UInt64.self) != 0 {
            return false
        }
        return true
    }

    private func addChunk() {
        guard sysconf(Int32(_SC_PAGESIZE)) == Self.pageSize else { return }
        let chunk = unsafe mmap(nil, Self.chunkSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let chunk = unsafe chunk, unsafe chunk != MAP_FAILED else { return }
        unsafe chunks.append(chunk)
        for offset in stride(from: 0, to: Self.chunkSize, by: Self.pageSize) { unsafe free.append(chunk + offset) }
    }

    static let pageSize = 4096
    private static let chunkSize = 64 * pageSize
}
