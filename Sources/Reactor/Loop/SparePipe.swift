// SPDX-License-Identifier: Apache-2.0

/// The pipe of a loop, opened at its first use and kept: two descriptors.
struct SparePipe {
    private var pipe: SplicePipe?
    /// After a failure bytes are copied for some time.
    private var notBefore = MonotonicTime(nanoseconds: 0)

    /// Nil: there is none for now.
    mutating func take(_ now: MonotonicTime) -> SplicePipe? {
        if let pipe {
            self.pipe = nil
            return pipe
        }
        guard now >= notBefore else { return nil }
        do throws(SystemError) {
            return try SplicePipe()
        } catch {
            // Most likely no descriptor is free (EMFILE, ENFILE).
            notBefore = now.advanced(by: Self.pause)
            return nil
        }
    }

    /// Keeps `pipe` if it may be used again.
    mutating func put(back pipe: SplicePipe, _ now: MonotonicTime) {
        if pipe.isUsable { self.pipe = pipe }
        if pipe.isRefused { notBefore = now.advanced(by: Self.pause) }
    }

    private static let pause = Nanoseconds.seconds(10)
}
