// SPDX-License-Identifier: Apache-2.0

import Configuration
import Cryptography
import Gate
import Logging
import Reactor
import StateJournal
import Synchronization

/// What outlives a restart of this process (`state.directory`).
final class StateService: Sendable {
    /// The used tokens of this process, recorded.
    let tokens: JournaledReplayStore
    let journal: StateJournal
    private let directory: PrivateDirectory
    private let secrets: Mutex<[[UInt8]]>

    /// Reads what an earlier process has recorded; used tokens go into `memory`.
    init(_ state: StateSettings, _ settings: Settings, memory: MemoryReplayStore, logger: Logger) throws(ServiceError) {
        do throws(DirectoryRefusal) {
            directory = try PrivateDirectory(state.directory)
        } catch {
            throw ServiceError("`state.directory` (\(state.origin.label)): \(error)")
        }
        let secrets = Self.secrets(settings.session, directory)
        self.secrets = Mutex(secrets)
        journal = StateJournal(
            on: DirectoryDisk(directory), place: state.directory, secrets: secrets, boot: MachineBoot.identifier(),
            tokens: memory, consequence: Self.consequence(settings.replay), logger: logger)
        tokens = JournaledReplayStore(memory, journal)
    }

    /// Follows `settings`, but for the directory itself, which stays the one of the start.
    func replace(with settings: Settings) {
        let secrets = Self.secrets(settings.session, directory)
        let isChanged = self.secrets.withLock { current in
            defer { current = secrets }
            return current != secrets
        }
        if isChanged { journal.replace(secrets: secrets) }
    }

    /// The session secrets, and the directory's own key, which stands for one where there is none: then sessions end with the
    /// process, but a used token must not sign in again.
    private static func secrets(_ session: SessionSettings, _ directory: PrivateDirectory) -> [[UInt8]] {
        let existing = directory.contents(of: keyName).flatMap { $0.count == keyByteCount ? $0 : nil }
        guard session.secrets.isEmpty else { return session.secrets.map(\.bytes) + (existing.map { [$0] } ?? []) }
        if let existing { return [existing] }
        let key = Random.bytes(keyByteCount)
        // What cannot be written now is reported by the journal, which cannot be written either.
        try? directory.replace(keyName, with: key)
        return [key]
    }

    private static func consequence(_ replay: ReplaySettings) -> String {
        if replay.isShared { return "after a restart, what Redis has lost meanwhile is not known" }
        return replay.allowsWithoutStore
            ? "tokens are accepted, and can sign in again after a restart" : "sign-ins are refused"
    }

    private static let keyName = "key"
    private static let keyByteCount = 32
}
