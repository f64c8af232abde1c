// SPDX-License-Identifier: Apache-2.0

extension SettingsBuilder {
    /// nil: nothing is kept over a restart.
    func state() -> StateSettings? {
        guard purpose == .serve, let directory = resolution[StateOptions.directory] else { return nil }
        let origin = resolution.origin(StateOptions.directory)
        return StateSettings(directory: NamedFile.beside(directory, origin), origin: origin)
    }
}
