// SPDX-License-Identifier: Apache-2.0

/// Lets a timer, or a queue of another loop, call an object without keeping it alive. The object calls ``clear()`` in its
/// deinitializer.
///
/// A weak reference would do without that, but each retain and release of the object would take several times as long
/// from then on: its counts move to a table of their own.
final class Unowned<Object: AnyObject> {
    private(set) unowned var object: Object?

    init() {}

    func refer(to object: Object) {
        self.object = object
    }

    func clear() {
        object = nil
    }
}
