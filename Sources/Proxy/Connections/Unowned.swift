// SPDX-License-Identifier: Apache-2.0

/// Lets a timer of an object call it without keeping it alive.
final class Unowned<Object: AnyObject> {
    private(set) weak var object: Object?

    init() {}

    func refer(to object: Object) {
        self.object = object
    }
}
