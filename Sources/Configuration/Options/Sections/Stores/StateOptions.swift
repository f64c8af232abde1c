// SPDX-License-Identifier: Apache-2.0

/// `state`
enum StateOptions {
    static let directory = Option<String?>(
        "state.directory", .textOrNone(.file), default: "\"\"",
        "A directory in which a gate without Redis keeps used tokens and ended sessions over a restart; it is created where"
            + " its parent exists, and must belong to this gate alone. Empty: they are kept in memory only. Under systemd the"
            + " default is the unit's `StateDirectory=` (`$STATE_DIRECTORY`)."
    ).atStart { $0.state?.directory }

    static let rows = OptionRow.of(directory)
}
